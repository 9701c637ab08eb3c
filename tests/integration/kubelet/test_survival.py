"""What runs outlives the kubelet, is never started twice, and can be ended without any API."""

import os
import signal
import subprocess
import threading
from pathlib import Path

import anyio
import pytest

from armillary.etcd.client import EtcdClient
from armillary.local.apiserver.store.etcd import EtcdStore
from armillary.local.apiserver.store.records import ObjectKey, encode_object
from armillary.local.kubelet.stop import stop_all_pods
from tests.integration.kubelet.rig import Rig, pod

pytestmark = pytest.mark.integration

SAYS_PID = "echo $$ >> /data/pids; trap 'exit 0' TERM; while true; do sleep 0.1; done"


def pause(seconds: float) -> None:
    """Give the other processes time for what they should not do."""
    threading.Event().wait(seconds)


def counting_pod(rig: Rig, name: str, script: str = SAYS_PID) -> Path:
    """Start a pod that notes each of its starts; return the file with the notes."""
    host = rig.paths.dir / f"{name}-data"
    volume = {"name": "d", "hostPath": {"path": str(host), "type": "DirectoryOrCreate"}}
    mounts = [{"name": "d", "mountPath": "/data"}]
    rig.apply(pod(name, script, spec={"volumes": [volume]}, volumeMounts=mounts))
    rig.wait_ready(name)
    notes = host / "pids"
    rig.wait_for(notes.exists)
    return notes


def test_a_killed_kubelets_successor_takes_up_what_runs(rig: Rig) -> None:
    notes = counting_pod(rig, "stays")
    rig.apply(pod("hears", "while read -r line; do echo got $line; done; echo end", stdin=True))
    rig.wait_ready("hears")
    rig.end("kubelet", signal.SIGKILL)
    rig.up("kubelet")
    rig.wait_for(lambda: "adopted" in (rig.paths.logs / "kubelet.log").read_text())
    pause(1)
    assert len(notes.read_text().split()) == 1
    status = rig.get("pod", "stays")["status"]["containerStatuses"][0]
    assert status["restartCount"] == 0 and status["ready"]
    assert rig.kubectl("exec", "stays", "--", "echo", "here").stdout == "here\n"
    # Its input has not come to an end either, and does not when a client goes.
    words = rig.kubectl_words("attach", "-i", "hears")
    for number in (1, 2):
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as client:
            assert client.stdin is not None
            client.stdin.write(b"a line\n")
            client.stdin.flush()
            heard = "got a line\n" * number
            rig.wait_for(lambda: rig.kubectl("logs", "hears").stdout == heard)  # noqa: B023
            client.kill()
    rig.kubectl("delete", "pod", "stays")
    assert len(notes.read_text().split()) == 1


def test_an_end_that_nobody_watched_is_reported_with_its_code(rig: Rig) -> None:
    script = "echo $$ >> /data/pids; while ! [ -e /data/stop ]; do sleep 0.1; done; exit 5"
    notes = counting_pod(rig, "ends", script)
    rig.end("kubelet")
    notes.with_name("stop").touch()
    pause(0.5)
    notes.with_name("stop").unlink()
    rig.up("kubelet")

    def restarted() -> bool:
        return bool(rig.get("pod", "ends")["status"]["containerStatuses"][0]["restartCount"] == 1)

    rig.wait_for(restarted)
    status = rig.get("pod", "ends")["status"]["containerStatuses"][0]
    assert status["lastState"]["terminated"]["exitCode"] == 5


def test_a_container_whose_shim_was_killed_leaves_nothing_behind(rig: Rig) -> None:
    """Its end cannot be known, but a second copy must wait for the first one's death."""
    notes = counting_pod(rig, "orphan")
    shims = list(rig.paths.pods.glob("*/c/main/1/shim"))
    assert len(shims) == 1
    os.kill(int(shims[0].read_text().split()[0]), signal.SIGKILL)
    rig.wait_for(lambda: len(notes.read_text().split()) == 2)
    status = rig.get("pod", "orphan")["status"]["containerStatuses"][0]
    assert status["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"
    rig.kubectl("delete", "pod", "orphan")


def test_a_pod_deleted_while_no_kubelet_runs_is_ended_by_the_next(rig: Rig) -> None:
    counting_pod(rig, "gone")
    rig.end("kubelet")
    rig.kubectl("delete", "pod", "gone", "--force", "--grace-period=0")
    assert list(rig.paths.pods.iterdir())
    rig.up("kubelet")
    rig.wait_for(lambda: not list(rig.paths.pods.iterdir()))


def test_all_pods_can_be_ended_without_an_api(rig: Rig) -> None:
    notes = counting_pod(rig, "last")
    for name in ("kubelet", "apiserver"):
        rig.end(name)
    try:
        assert anyio.run(stop_all_pods, rig.paths.dir) == 1
        exits = list(rig.paths.pods.glob("*/c/main/1/exit"))
        assert [path.read_text() for path in exits] == ["0\n"]
        assert anyio.run(stop_all_pods, rig.paths.dir) == 0
    finally:
        rig.up("apiserver", "kubelet")
    rig.wait_for(lambda: len(notes.read_text().split()) == 2)


def test_a_pod_that_cannot_be_read_is_told_and_harms_no_other(rig: Rig) -> None:
    """Such a pod can only come from an earlier version: the API server refuses it."""
    raw = pod("unreadable", "sleep 600", spec={"readinessGates": [{}]})
    raw["metadata"] |= {"uid": "unreadable-1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    raw["spec"]["nodeName"] = "testnode"

    async def store() -> None:
        async with EtcdClient([f"unix:{rig.paths.etcd_socket}"]) as etcd:
            key = ObjectKey("pods", "default", "unreadable")
            assert await EtcdStore(etcd).create(key, encode_object(raw)) is not None

    anyio.run(store)
    rig.apply(pod("other", "sleep 600"))
    rig.wait_ready("other")
    told = rig.kubectl("get", "events", "-o", "jsonpath={.items[*].message}")
    assert "the kubelet cannot read this pod" in told.stdout
    rig.end("kubelet")
    rig.up("kubelet")
    rig.kubectl("delete", "pod", "unreadable", "--force", "--grace-period=0", "--timeout=10s")
