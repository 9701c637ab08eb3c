"""A whole cluster in a directory of its own, and the processes that it is made of."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from armillary.cli.bringup.manifests import load_example
from armillary.cli.demo.__main__ import open_walk
from armillary.cli.demo.shell import Narrator
from armillary.cli.demo.walk import Walk
from armillary.local.supervise.state import read_processes
from armillary.model.tablet import TabletAlias
from armillary.settings.local import LocalPaths
from tests.addresses import free_ports

ARMILLARY = Path(sys.executable).parent / "armillary"
NAMESPACE = "planetscale"
UP_S_MAX = 240
USER_PASSWORD = "a-long-password-of-a-user-of-vtgate"


@dataclass(frozen=True)
class Machine:
    """One cluster's directory; `up` and `down` are what a person would type."""

    home: Path

    @classmethod
    def fresh(cls) -> "Machine":
        return cls(Path(tempfile.mkdtemp(prefix="arm-", dir="/tmp")))

    @property
    def paths(self) -> LocalPaths:
        return LocalPaths(self.home)

    @property
    def manifest(self) -> Path:
        return self.home / "cluster.yaml"

    def armillary(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(ARMILLARY), *words, "--dir", str(self.home)],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, f"armillary {words}: {done.stderr}"
        return done

    def write_manifest(self) -> None:
        """Write the procedure's cluster."""
        objects = load_example("procedure", namespace=NAMESPACE, directory=self.home)
        for obj in objects:
            if users := obj.get("stringData", {}).get("users.json"):
                # A password that no log has by chance, beside the example's `password`.
                extra = {"auditor": [{"UserData": "auditor", "Password": USER_PASSWORD}]}
                obj["stringData"]["users.json"] = json.dumps(json.loads(users) | extra)
        self.manifest.touch(0o600)
        self.manifest.write_text(yaml.safe_dump_all(objects))

    def up(self) -> None:
        self.armillary("up", "-f", str(self.manifest), "--timeout", str(UP_S_MAX))

    def remove(self) -> None:
        self.armillary("down", "--purge", "--yes", check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def walk(self) -> Walk:
        walk = open_walk(self.home, Narrator())
        (walk.port,) = free_ports(1)  # each walk its own: several run at a time
        return walk

    # --- processes

    def component_pids(self) -> dict[str, int]:
        """Return the control plane's processes by name."""
        records = read_processes(self.paths.processes)
        return {name: record.pid for name, record in records.items() if record.is_alive()}

    def pod_pids(self, program: str, *, pod: str = "") -> list[int]:
        """Return the processes of pods whose command line names `program`."""
        return [
            pid
            for pid, marker, words in self.pod_processes()
            if f"{pod}" in marker and any(program in os.path.basename(word) for word in words[:3])
        ]

    def pod_processes(self) -> Iterator[tuple[int, str, list[str]]]:
        """Yield pid, container directory and command line of every process in a pod."""
        prefix = f"ARMILLARY_CONTAINER={self.paths.pods}/".encode()
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                environ = Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
                words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            for variable in environ:
                if variable.startswith(prefix):
                    yield int(entry), variable.decode(), [word.decode() for word in words]

    def tablet_pids(self, alias: str) -> dict[str, list[int]]:
        """Return the processes of one tablet's pod: vttablet, mysqlctld and mariadbd."""
        processes = list(self.pod_processes())
        pods = {
            pod_of(marker)
            for _, marker, words in processes
            if any("vttablet" in word for word in words[:3])
            and any(alias == word.partition("=")[2] for word in words)
        }
        return {
            program: [
                pid
                for pid, marker, words in processes
                if pod_of(marker) in pods
                and any(program == os.path.basename(word) for word in words[:3])
            ]
            for program in ("vttablet", "mysqlctld", "mariadbd")
        }

    def tablet_dir(self, alias: str) -> Path:
        name = f"vt_{TabletAlias.parse(alias).uid:010d}"
        (path,) = self.paths.volumes.glob(f"{NAMESPACE}/*/vtdataroot/{name}")
        return path

    def all_pids(self) -> list[int]:
        supervisor = int(self.paths.supervisor_lock.read_text())
        pods = [pid for pid, _, _ in self.pod_processes()]
        return [supervisor, *self.component_pids().values(), *pods]

    def kill(self, pids: list[int]) -> None:
        assert pids, "there is nothing to kill"
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def pod_of(marker: str) -> str:
    """Return the pod's uid out of a container's directory."""
    return marker.partition("/pods/")[2].partition("/")[0]
