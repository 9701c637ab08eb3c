"""Ctrl-C while a program is still being loaded, as it is for some tenths of a second."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
    "scripts"
]
# Python imports it before anything else; it interrupts when the named module is asked for.
HOOK = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""


def interrupted(
    folder: Path, program: str, *words: str, at: str
) -> "subprocess.CompletedProcess[str]":
    (folder / "sitecustomize.py").write_text(HOOK)
    module, _, function = PROGRAMS[program].partition(":")
    return subprocess.run(
        [sys.executable, "-c", f"from {module} import {function}; {function}()", *words],
        env={**os.environ, "PYTHONPATH": str(folder), "INTERRUPT_AT": at},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_is_not_loaded_yet_ends_without_a_word(program: str, tmp_path: Path) -> None:
    ended = interrupted(tmp_path, program, at="armillary.base.errors")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_verb_that_has_begun_says_that_it_was_interrupted(tmp_path: Path) -> None:
    ended = interrupted(tmp_path, "armillary", "doctor", at="armillary.cli.verbs.doctor")
    assert (ended.returncode, ended.stderr.strip()) == (130, "armillary: interrupted")
