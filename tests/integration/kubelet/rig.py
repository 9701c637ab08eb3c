"""A one-machine control plane for tests: etcd, API server, controllers, kubelet as processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

import armillary
from armillary.local.kubelet.stop import stop_all_pods
from armillary.local.supervise.components import etcd_flags
from armillary.settings.local import LocalPaths
from tests.addresses import claim_network, free_ports
from tests.kubectls import NEWEST_KUBECTL

ARMILLARY = Path(sys.executable).parent / "armillary"
WAIT_S = 60.0


class Rig:
    """Start with `up`; `kubectl` is the real one."""

    def __init__(self, directory: Path, *, as_user: str | None = None) -> None:
        self.paths = LocalPaths(directory)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.zone = "America/New_York"  # of whoever starts them all
        self._as_user = as_user
        for path in (directory, self.paths.run, self.paths.logs):
            path.mkdir(mode=0o700, exist_ok=True, parents=True)
        ports = free_ports(2)
        self.kubelet_port = ports[1]
        state = {
            "network": claim_network(),
            "apiserver_port": ports[0],
            "kubelet_port": ports[1],
            "node_name": "testnode",
            "namespace": "default",
            "version": 1,
        }
        self.paths.state.write_text(json.dumps(state))
        if as_user:
            for path in (directory, *directory.rglob("*")):
                shutil.chown(path, as_user)

    def up(self, *names: str, env: dict[str, str] | None = None) -> None:
        for name in names or ("etcd", "apiserver", "kubelet", "controllers"):
            self.start(name, env=env)
            if name == "apiserver":
                self.wait_for(lambda: self.kubectl("get", "ns", check=False).returncode == 0)
            if name == "kubelet":
                self.wait_for(self._kubelet_serves)

    def _kubelet_serves(self) -> bool:
        """A node stays Ready for a while after its kubelet died: this one must answer."""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.kubelet_port)) != 0:
                return False
        return " Ready " in self.kubectl("get", "nodes", check=False).stdout

    def start(self, name: str, *, env: dict[str, str] | None = None) -> None:
        words: list[str] = [str(ARMILLARY), "run", name, "--dir", str(self.paths.dir)]
        if name == "etcd":
            words = ["etcd", *etcd_flags(self.paths)]
        words = [*(f"{key}={value}" for key, value in (env or {}).items()), *words]
        words = ["env", *words]
        if self._as_user:
            words = as_other_user(words)
            user = ["setpriv", "--reuid", self._as_user, "--regid", "nogroup", "--clear-groups"]
            words = [*user, *words]
        with (self.paths.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                words,
                cwd=self.paths.run,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "HOME": str(self.paths.dir), "TZ": self.zone},
            )

    def end(self, name: str, number: int = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def down(self) -> None:
        for name in ("controllers", "kubelet"):
            if name in self.processes:
                self.end(name)
        anyio.run(stop_all_pods, self.paths.dir)
        for name in list(self.processes)[::-1]:
            self.end(name)

    @property
    def has_sandbox(self) -> bool:
        """Whether pods have mounts of their own here, by bubblewrap."""
        return "sandbox=True" in (self.paths.logs / "kubelet.log").read_text()

    def kubectl(
        self,
        *words: str,
        stdin: str | None = None,
        check: bool = True,
        program: str = NEWEST_KUBECTL,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.kubectl_words(*words, program=program),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {words}: {done.stdout}{done.stderr}")
        return done

    def kubectl_words(self, *words: str, program: str = NEWEST_KUBECTL) -> list[str]:
        cache = f"--cache-dir={self.paths.dir}/kubectl-cache"
        return [program, f"--kubeconfig={self.paths.kubeconfig}", cache, *words]

    def apply(self, *objects: dict[str, Any]) -> None:
        together = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--validate=false", "-f", "-", stdin=json.dumps(together))

    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        done = self.kubectl("-n", namespace, "get", kind, name, "-o", "json", check=False)
        return dict(json.loads(done.stdout)) if done.returncode == 0 else {}

    def items(self, kind: str, *words: str) -> list[dict[str, Any]]:
        return list(json.loads(self.kubectl("get", kind, *words, "-o", "json").stdout)["items"])

    def wait_for(self, condition: Callable[[], Any], what: str = "", wait_s: float = WAIT_S) -> Any:
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.1)  # noqa: TID251
        raise AssertionError(f"did not become true in {wait_s} s: {what or condition}")

    def wait_phase(self, name: str, phase: str) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            pod = self.get("pod", name)
            return pod if pod.get("status", {}).get("phase") == phase else None

        return dict(self.wait_for(reached, f"{name} {phase}"))

    def wait_ready(self, name: str) -> None:
        self.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")


def as_other_user(words: list[str]) -> list[str]:
    """Run our program with the system's Python: ours may be in a home that others cannot enter."""
    site = Path(anyio.__file__).parent.parent
    source = Path(armillary.__file__).parent.parent
    main = "from armillary.cli.armillary import main; main()"
    python = ["/usr/bin/python3", "-c", main]
    path = f"PYTHONPATH={source}:{site}"
    at = words.index(str(ARMILLARY)) if str(ARMILLARY) in words else None
    if at is None:
        return words
    return ["env", path, *words[1:at], *python, *words[at + 1 :]]


@contextmanager
def running_rig(directory: Path) -> Iterator[Rig]:
    rig = Rig(directory)
    try:
        rig.up()
        yield rig
    finally:
        rig.down()


def pod(
    name: str,
    script: str,
    *,
    spec: dict[str, Any] | None = None,
    command: Sequence[str] | None = None,
    **container: Any,
) -> dict[str, Any]:
    """Return a pod with one container `main` that runs a shell script."""
    main = {
        "name": "main",
        "image": "local",
        "command": list(command or ("sh", "-c", script)),
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        **container,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {"containers": [main], "terminationGracePeriodSeconds": 3, **(spec or {})},
    }
