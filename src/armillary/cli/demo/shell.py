"""Run a command as a person would type it, show it and its output, and keep the output. I/O."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from armillary.cli.demo.outputs import CheckFailedError

COMMAND_S_MAX = 300.0


@dataclass(slots=True)
class Narrator:
    """Tells the story: headings, remarks, commands and what they printed."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    started_s: float = field(default_factory=time.monotonic)
    step_number: int = 0

    def step(self, title: str) -> None:
        self.step_number += 1
        self._print(f"\n{self._bold(f'{self.step_number}. {title}')}{self._dim(self._clock())}")

    def remark(self, text: str) -> None:
        self._print(self._dim(f"   {text}"))

    def command(self, text: str) -> None:
        self._print(self._bold(f"   $ {text}"))

    def output(self, text: str) -> None:
        for line in text.splitlines():
            self._print(f"   {line}")

    def held(self, text: str) -> None:
        self._print(self._colour(f"   ✔ {text}", "32"))

    def failed(self, text: str) -> None:
        self._print(self._colour(f"   ✘ {text}", "31"))

    def _clock(self) -> str:
        return f"   [{time.monotonic() - self.started_s:.0f} s]"

    def _print(self, text: str) -> None:
        print(text, file=self.out, flush=True)

    def _bold(self, text: str) -> str:
        return self._colour(text, "1")

    def _dim(self, text: str) -> str:
        return self._colour(text, "2")

    def _colour(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.out.isatty() else text


@dataclass(slots=True)
class Shell:
    """A shell with the cluster's environment."""

    narrator: Narrator
    env: Mapping[str, str]

    def run(self, command: str, *, quiet: bool = False, input_text: str | None = None) -> str:
        """Run `command` with /bin/sh and return what it printed on stdout.

        Raises:
            CheckFailedError: it ended with another code than 0; carries what it said.
        """
        if not quiet:
            self.narrator.command(command)
        done = self._run(command, input_text)
        if not quiet:
            self.narrator.output(done.stderr + done.stdout)
        if done.returncode != 0:
            raise CheckFailedError(
                f"{command}: exit code {done.returncode}: {done.stderr.strip() or done.stdout}"
            )
        return done.stdout

    def try_run(self, command: str) -> tuple[int, str, str]:
        """Run `command` silently; return exit code, stdout and stderr."""
        done = self._run(command, None)
        return done.returncode, done.stdout, done.stderr

    def start(self, command: str) -> "subprocess.Popen[bytes]":
        """Start `command` in the background, as in another window."""
        self.narrator.command(f"{command} &")
        return subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _run(self, command: str, input_text: str | None) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                ["/bin/sh", "-c", command],
                check=False,
                env=dict(self.env),
                input=input_text or "",
                capture_output=True,
                text=True,
                timeout=COMMAND_S_MAX,
            )
        except subprocess.TimeoutExpired as error:
            raise CheckFailedError(f"{command}: no end after {COMMAND_S_MAX:.0f} s") from error


def environment_of(exports: str) -> dict[str, str]:
    """Return this process's environment with `armillary env`'s exports on top."""
    env = dict(os.environ)
    for line in exports.splitlines():
        words = shlex.split(line)
        if len(words) == 2 and words[0] == "export":
            name, _, value = words[1].partition("=")
            env[name] = value
    return env
