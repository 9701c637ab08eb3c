"""A distribution's MySQL, unpacked into a folder: no root, nothing installed.

Debian's stable releases have no MySQL server, so it comes from sid (MySQL 9 as this is written);
Ubuntu's has its own (24.04: MySQL 8.0). It comes from the mirror that this machine's apt uses,
checked against the distribution's own keyring. The tree brings its own C library; programs are
started through that library's loader by small wrapper scripts, so that whoever runs them need not
know. Kept in a cache directory, because sid moves and downloads take time.
"""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(
    os.environ.get("ARMILLARY_TEST_CACHE")
    or Path(tempfile.gettempdir()) / f"armillary-test-mysql-{os.getuid()}"
)
_KEYRINGS = Path("/usr/share/keyrings")
_NOT_UNPACKED = ("perl", "debconf", "dpkg_", "tar_")
_DOWNLOAD_S_MAX = 600


@dataclass(frozen=True)
class Archive:
    name: str  # as mirrors' addresses end
    keyring: Path
    suite: str
    packages: tuple[str, ...]

    @classmethod
    def of_this_machine(cls) -> "Archive":
        release = platform.freedesktop_os_release()
        if release["ID"] == "ubuntu":
            return cls(
                "ubuntu",
                _KEYRINGS / "ubuntu-archive-keyring.gpg",
                release["VERSION_CODENAME"],
                ("mysql-server-core-8.0", "mysql-client-core-8.0"),
            )
        return cls(
            "debian",
            _KEYRINGS / "debian-archive-keyring.gpg",
            "sid",
            ("mysql-server-core", "mysql-client-core"),
        )


class CannotGetMysql(Exception):
    """Why this machine cannot have the tree; the message is for the one who reads the skip."""


def mysql_root() -> Path:
    """Return a directory to give as VT_MYSQL_ROOT, making it if nobody has.

    Raises:
        CannotGetMysql: with the reason.
    """
    root = CACHE / "mysql"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("ab") as lock:  # one builds, the others wait for it
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _build(root)
    return root


def _build(root: Path) -> None:
    """Make the tree beside its place and move it there whole."""
    archive = Archive.of_this_machine()
    if shutil.which("apt-get") is None or not archive.keyring.exists():
        raise CannotGetMysql(f"no apt, or no {archive.keyring}")
    building = root.with_name("building")
    shutil.rmtree(building, ignore_errors=True)
    try:
        _download(building, archive)
    except (subprocess.SubprocessError, OSError) as error:
        raise CannotGetMysql(f"cannot download or unpack MySQL: {error}") from None
    _write_wrapper(building / "bin", "mysqld", root=root)
    building.rename(root)


def config_lines(root: Path) -> tuple[str, ...]:
    """Return the my.cnf lines that tell the server where its own files are."""
    tree = root / "tree"
    return (
        f"basedir={tree}/usr",
        f"lc_messages_dir={tree}/usr/share/mysql",
        f"character_sets_dir={tree}/usr/share/mysql/charsets",
        f"plugin_dir={tree}/usr/lib/mysql/plugin",
    )


def _mirror(archive: Archive) -> str:
    for path in sorted(Path("/etc/apt").glob("**/*sources*")):
        if path.is_file():
            pattern = rf"(https?://\S+/{archive.name})/?(\s|$)"
            if match := re.search(pattern, path.read_text(errors="replace")):
                return match[1]
    raise CannotGetMysql(f"apt has no mirror of {archive.name} here")


def _download(root: Path, archive: Archive) -> None:
    apt = root / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    sources = apt / "etc/sources.list"
    signed = f"[signed-by={archive.keyring}]"
    sources.write_text(f"deb {signed} {_mirror(archive)} {archive.suite} main\n")
    options = [
        f"Dir::State={apt}/state",
        f"Dir::State::status={apt}/status",
        f"Dir::Cache={apt}/cache",
        f"Dir::Etc::sourcelist={sources}",
        "Dir::Etc::sourceparts=-",
        f"Dir::Etc::preferencesparts={apt}/etc/preferences.d",
        "APT::Sandbox::User=",
        "APT::Install-Recommends=false",
        "Acquire::Languages=none",
        "Acquire::PDiffs=false",
    ]
    flags = [word for option in options for word in ("-o", option)]
    _run(["apt-get", *flags, "-q", "update"])
    _run(["apt-get", *flags, "-qy", "--download-only", "install", *archive.packages])
    for package in sorted((apt / "cache/archives").glob("*.deb")):
        if not package.name.startswith(_NOT_UNPACKED):
            _run(["dpkg", "-x", str(package), str(root / "tree")])
    shutil.rmtree(apt)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_DOWNLOAD_S_MAX, check=False
    )
    if done.returncode != 0:
        raise OSError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")


def program(root: Path, name: str) -> tuple[str, ...]:
    """Return the command that runs a program of the tree's `usr/bin` or `usr/sbin`: `bin/mysql`."""
    tree = root / "tree"
    libraries = f"{tree}/usr/lib/x86_64-linux-gnu:{tree}/usr/lib/mysql/private"
    file = f"{tree}/usr/{name}"
    loader = f"{tree}/usr/lib64/ld-linux-x86-64.so.2"
    return (loader, "--library-path", libraries, "--argv0", file, file)


def _write_wrapper(folder: Path, name: str, *, root: Path) -> None:
    script = folder / name
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec {" ".join(program(root, f"sbin/{name}"))} "$@"\n')
    script.chmod(0o755)
