"""An ordinary user of this machine who has our programs; only root can become one."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

import armillary

SYSTEM_PYTHON = Path("/usr/bin/python3")
NAME = "nobody"
needs_another_user = [
    pytest.mark.skipif(
        sys.version_info[:2] != (3, 11) or not SYSTEM_PYTHON.exists(),
        reason="needs a Python of the same version that another user may run",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]


@dataclass(frozen=True)
class OrdinaryUser:
    home: Path
    env: Mapping[str, str]

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program of ours, by its name, as this user and with nothing of our environment."""
        program = str(self.home / "venv" / "bin" / words[0])
        variables = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", **self.env}
        done = subprocess.run(
            [
                *("setpriv", "--reuid", NAME, "--regid", "nogroup", "--clear-groups"),
                *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
                *(program, *words[1:]),
            ],
            cwd="/",
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}"
        return done

    def pids(self, directory: Path) -> list[int]:
        """Return every process that has something of `directory` in its words or environment."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                facts = Path(f"/proc/{entry}/environ").read_bytes()
                facts += Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            if entry.isdigit() and os.fsencode(directory) in facts:
                found.append(int(entry))
        return found


@contextmanager
def ordinary_user(**env: str) -> Iterator[OrdinaryUser]:
    """Make a home with a virtual environment of the system's Python and our programs in it."""
    home = Path(tempfile.mkdtemp(prefix="aru-", dir="/tmp"))
    try:
        subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", home / "venv"], check=True)
        site = next((home / "venv" / "lib").glob("python3*/site-packages"))
        roots = (Path(armillary.__file__).parent.parent, Path(anyio.__file__).parent.parent)
        (site / "ours.pth").write_text("".join(f"{root}\n" for root in roots))
        for program in Path(sys.executable).parent.iterdir():
            _copy_program(program, home / "venv" / "bin")
        entry = pwd.getpwnam(NAME)
        for path in (home, *home.rglob("*")):
            os.lchown(path, entry.pw_uid, entry.pw_gid)
        yield OrdinaryUser(home, env)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _copy_program(program: Path, folder: Path) -> None:
    """Copy a program of the environment, to be run by that folder's Python."""
    target = folder / program.name
    if target.exists() or program.is_symlink():
        return
    head = program.read_bytes()[:2]
    if head != b"#!":
        shutil.copy(program, target)
        return
    text = re.sub(r"\A#!.*python.*\n", f"#!{folder}/python3\n", program.read_text())
    target.write_text(text)
    target.chmod(0o755)
