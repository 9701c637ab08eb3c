"""Containers start, end, crash and stop the way Kubernetes says."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kubelet.rig import Rig, pod

pytestmark = pytest.mark.integration

IGNORES_TERM = "trap '' TERM; while true; do sleep 0.1; done"


def test_a_crashing_container_backs_off_and_says_why(rig: Rig) -> None:
    crash = pod("crash", "echo run >&2; exit 3")
    crash["spec"]["containers"][0]["terminationMessagePolicy"] = "FallbackToLogsOnError"
    rig.apply(crash)

    def backs_off() -> bool:
        statuses = rig.get("pod", "crash").get("status", {}).get("containerStatuses") or [{}]
        waiting = (statuses[0].get("state") or {}).get("waiting") or {}
        restarts = int(statuses[0].get("restartCount", 0))
        return restarts >= 2 and waiting.get("reason") == "CrashLoopBackOff"

    rig.wait_for(backs_off)
    status = rig.get("pod", "crash")["status"]["containerStatuses"][0]
    assert "back-off" in status["state"]["waiting"]["message"]
    last = status["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"], last["message"]) == (3, "Error", "run\n")
    assert rig.kubectl("logs", "crash", "--previous").stdout == "run\n"
    described = rig.kubectl("describe", "pod", "crash").stdout
    assert "Back-off restarting failed container main in pod crash" in described


def test_a_containers_last_words_are_in_its_status_and_not_in_the_machines_dev(rig: Rig) -> None:
    once = {"restartPolicy": "Never"}
    policy = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    rig.apply(
        pod("verbose", "printf %05000d 7 >/dev/termination-log", spec=once),
        pod(
            *("wordy", "echo log; echo file >/var/told/why; exit 3"),
            **policy,
            spec=once,
            terminationMessagePath="/var/told/why",
        ),
        pod("lost", "true", spec=once, terminationMessagePath="here"),
    )
    for name, phase, words in (
        ("verbose", "Succeeded", "0" * 4095 + "7"),
        ("wordy", "Failed", "file\n"),
    ):
        status = rig.wait_phase(name, phase)["status"]["containerStatuses"][0]
        assert status["state"]["terminated"]["message"] == words
    assert not Path("/dev/termination-log").exists()
    refusal = "terminationMessagePath here: wanted an absolute path"
    rig.wait_for(lambda: refusal in rig.kubectl("describe", "pod", "lost").stdout)


def test_a_container_that_hears_term_ends_in_its_own_way(rig: Rig) -> None:
    script = "trap 'echo bye >/data/said; exit 0' TERM; while true; do sleep 0.05; done"
    mounts = [{"name": "d", "mountPath": "/data"}]
    host = rig.paths.dir / "said-here"
    volumes = {
        "volumes": [{"name": "d", "hostPath": {"path": str(host), "type": "DirectoryOrCreate"}}]
    }
    rig.apply(pod("polite", script, spec=volumes, volumeMounts=mounts))
    rig.wait_ready("polite")
    rig.kubectl("delete", "pod", "polite")
    assert (host / "said").read_text() == "bye\n"


def test_a_container_that_ignores_term_is_killed_after_its_grace(rig: Rig) -> None:
    rig.apply(pod("deaf", IGNORES_TERM, spec={"terminationGracePeriodSeconds": 2}))
    rig.wait_ready("deaf")
    began = time.monotonic()
    rig.kubectl("delete", "pod", "deaf")
    assert 1.8 < time.monotonic() - began < 6


def test_a_forced_delete_frees_the_name_only_when_the_old_process_is_gone(rig: Rig) -> None:
    """Both lives hold a lock in the same claim: a second copy would fail to take it."""
    script = "exec 8>/data/lock; flock -n 8 || { echo TWO COPIES; exit 9; }; sleep 0.3; "
    script += "echo alone; trap '' TERM; while true; do sleep 0.1; done"
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    wanted = pod(
        "solo",
        script,
        spec={
            "terminationGracePeriodSeconds": 1,
            "restartPolicy": "Never",
            "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}],
        },
        volumeMounts=[{"name": "d", "mountPath": "/data"}],
    )
    rig.apply(claim, wanted)
    for _ in range(3):
        rig.wait_ready("solo")
        rig.kubectl("delete", "pod", "solo", "--force", "--grace-period=0")
        rig.apply(wanted)
    rig.wait_for(lambda: "alone" in rig.kubectl("logs", "solo", check=False).stdout)
    assert "TWO" not in rig.kubectl("logs", "solo").stdout


def test_init_containers_run_in_order_before_the_others(rig: Rig) -> None:
    mount = [{"name": "d", "mountPath": "/data"}]
    init = [
        {
            "name": f"step{number}",
            "image": "local",
            "command": ["sh", "-c", f"sleep 0.1; echo {number} >> /data/steps"],
            "volumeMounts": mount,
        }
        for number in (1, 2, 3)
    ]
    spec = {
        "initContainers": init,
        "restartPolicy": "Never",
        "volumes": [{"name": "d", "emptyDir": {}}],
    }
    rig.apply(pod("steps", "cat /data/steps", spec=spec, volumeMounts=mount))
    found = rig.wait_phase("steps", "Succeeded")
    assert rig.kubectl("logs", "steps").stdout == "1\n2\n3\n"
    assert all(s["ready"] for s in found["status"]["initContainerStatuses"])
    terminated = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (0, "Completed")


def test_a_failed_init_container_of_a_pod_that_never_restarts_fails_it(rig: Rig) -> None:
    init = [{"name": "bad", "image": "local", "command": ["sh", "-c", "exit 4"]}]
    rig.apply(pod("broken", "true", spec={"initContainers": init, "restartPolicy": "Never"}))
    found = rig.wait_phase("broken", "Failed")
    assert found["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 4


def test_on_failure_restarts_until_success(rig: Rig) -> None:
    script = "n=$(cat /data/n 2>/dev/null || echo 0); echo $((n+1)) >/data/n; [ $n -ge 2 ]"
    spec = {"restartPolicy": "OnFailure", "volumes": [{"name": "d", "emptyDir": {}}]}
    mounts = [{"name": "d", "mountPath": "/data"}]
    rig.apply(pod("third", script, spec=spec, volumeMounts=mounts))
    found = rig.wait_phase("third", "Succeeded")
    assert found["status"]["containerStatuses"][0]["restartCount"] == 2


def test_a_missing_secret_is_named_and_waited_for(rig: Rig) -> None:
    volumes = {"volumes": [{"name": "s", "secret": {"secretName": "late"}}]}
    mounts = [{"name": "s", "mountPath": "/vt/secrets/late"}]
    rig.apply(pod("waits", "cat /vt/secrets/late/k; sleep 60", spec=volumes, volumeMounts=mounts))

    def told() -> bool:
        return 'secret "late" not found' in rig.kubectl("describe", "pod", "waits").stdout

    rig.wait_for(told)
    rig.kubectl("create", "secret", "generic", "late", "--from-literal=k=value")
    try:
        rig.wait_ready("waits")
        rig.wait_for(lambda: rig.kubectl("logs", "waits").stdout == "value")
    finally:
        rig.kubectl("delete", "secret", "late")


def test_a_changed_secret_reaches_a_running_container(rig: Rig) -> None:
    rig.kubectl("create", "secret", "generic", "turns", "--from-literal=k=old")
    volumes = {"volumes": [{"name": "s", "secret": {"secretName": "turns"}}]}
    mounts = [{"name": "s", "mountPath": "/etc/turns", "readOnly": True}]
    try:
        rig.apply(pod("reader", "sleep 60", spec=volumes, volumeMounts=mounts))
        rig.wait_ready("reader")
        assert rig.kubectl("exec", "reader", "--", "cat", "/etc/turns/k").stdout == "old"
        patch = '{"stringData": {"k": "new"}}'
        rig.kubectl("patch", "secret", "turns", "--type=merge", "-p", patch)
        rig.wait_for(
            lambda: rig.kubectl("exec", "reader", "--", "cat", "/etc/turns/k").stdout == "new"
        )
        done = rig.kubectl("exec", "reader", "--", "touch", "/etc/turns/x", check=False)
        assert "Read-only file system" in done.stderr or not rig.has_sandbox
    finally:
        rig.kubectl("delete", "secret", "turns")


def test_liveness_failure_restarts_and_shows_the_probes_answer(rig: Rig) -> None:
    script = "touch /tmp/ok; sleep 1; rm /tmp/ok; sleep 60"
    probe = {
        "exec": {"command": ["sh", "-c", "test -e /tmp/ok || { echo no ok file; exit 1; }"]},
        "periodSeconds": 1,
        "failureThreshold": 2,
    }
    rig.apply(pod("sick", script, livenessProbe=probe))

    def restarted() -> bool:
        statuses = rig.get("pod", "sick").get("status", {}).get("containerStatuses") or [{}]
        return bool(statuses[0].get("restartCount", 0) >= 1)

    rig.wait_for(restarted)
    described = rig.kubectl("describe", "pod", "sick").stdout
    assert "Liveness probe failed: no ok file" in described
    assert "failed liveness probe, will be restarted" in described


def test_a_container_is_ready_after_its_post_start_hook_and_restarts_when_that_fails(
    rig: Rig,
) -> None:
    good = {"postStart": {"exec": {"command": ["sh", "-c", "sleep 0.5; echo done >/tmp/hook"]}}}
    bad = {"postStart": {"exec": {"command": ["sh", "-c", "echo not today; exit 7"]}}}
    rig.apply(pod("hooked", "sleep 60", lifecycle=good), pod("unhooked", "sleep 60", lifecycle=bad))
    rig.wait_ready("hooked")
    assert rig.kubectl("exec", "hooked", "--", "cat", "/tmp/hook").stdout == "done\n"

    def restarted() -> bool:
        statuses = rig.get("pod", "unhooked").get("status", {}).get("containerStatuses") or [{}]
        return bool(statuses[0].get("restartCount", 0) >= 1) and not statuses[0]["ready"]

    rig.wait_for(restarted)
    described = rig.kubectl("describe", "pod", "unhooked").stdout
    assert "PostStartHook failed: not today" in described


def test_a_pod_of_kubectl_run_runs_its_words(rig: Rig) -> None:
    words = ("run", "typed", "--image=busybox", "--restart=Never", "--", "echo", "typed words")
    rig.kubectl(*words)
    rig.wait_phase("typed", "Succeeded")
    assert rig.kubectl("logs", "typed").stdout == "typed words\n"


def test_a_container_has_the_time_of_images_wherever_the_kubelet_was_started(rig: Rig) -> None:
    assert rig.zone != "UTC"
    rig.apply(pod("clock", "date +%Z"))
    rig.wait_for(lambda: rig.kubectl("logs", "clock", check=False).stdout == "UTC\n")


def test_readiness_shows_the_body_of_a_bad_answer(rig: Rig) -> None:
    server = """
import http.server, os
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = os.path.exists("/tmp/good")
        self.send_response(200 if good else 503); self.end_headers()
        self.wfile.write(b"replication is 12 s behind")
    def log_message(self, *a): pass
http.server.HTTPServer((os.environ["POD_IP"], 15000), H).serve_forever()
"""
    probe = {"httpGet": {"port": "web", "path": "/healthz"}, "periodSeconds": 1}
    rig.apply(
        pod(
            "lags",
            "",
            command=["python3", "-c", server],
            ports=[{"name": "web", "containerPort": 15000}],
            readinessProbe=probe,
        )
    )
    text = "HTTP probe failed with statuscode: 503: replication is 12 s behind"
    rig.wait_for(lambda: text in rig.kubectl("describe", "pod", "lags").stdout)
    assert rig.get("pod", "lags")["status"]["containerStatuses"][0]["ready"] is False
    rig.kubectl("exec", "lags", "--", "touch", "/tmp/good")
    rig.wait_ready("lags")


def test_a_container_over_its_memory_limit_is_reported_as_oom_killed(rig: Rig) -> None:
    if "memory_limits=True" not in (rig.paths.logs / "kubelet.log").read_text():
        pytest.skip("no writable memory cgroup on this machine")
    rig.apply(
        pod(
            "hungry",
            "",
            command=["python3", "-c", "x = bytearray(300 * 2**20)"],
            spec={"restartPolicy": "Never"},
            resources={"limits": {"memory": "64Mi"}},
        )
    )
    found = rig.wait_phase("hungry", "Failed")
    terminated = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["reason"], terminated["exitCode"]) == ("OOMKilled", 137)


def test_a_limit_of_cpu_is_the_kernels_and_goes_with_the_container(rig: Rig) -> None:
    if "cpu_limits=True" not in (rig.paths.logs / "kubelet.log").read_text():
        pytest.skip("no writable cpu cgroup on this machine")
    limit = {"limits": {"cpu": "300m"}}
    rig.apply(pod("slow", "cat /proc/self/cgroup; sleep 60", resources=limit))
    rig.wait_ready("slow")
    rig.wait_for(lambda: rig.kubectl("logs", "slow").stdout.count("0::"))
    groups = dict(
        (controllers, group)
        for _, controllers, group in (
            line.split(":", 2) for line in rig.kubectl("logs", "slow").stdout.splitlines()
        )
    )
    of_cpu = next((name for name in groups if "cpu" in name.split(",")), "")
    root = Path("/sys/fs/cgroup") / ("cpu" if of_cpu else "") / groups[of_cpu].lstrip("/")
    limits = [root / name for name in ("cpu.max", "cpu.cfs_quota_us")]
    assert [file.read_text().split()[0] for file in limits if file.exists()] == ["30000"]
    rig.kubectl("delete", "pod", "slow")
    rig.wait_for(lambda: not root.exists())


def test_a_container_runs_as_the_user_that_it_asks_for(rig: Rig) -> None:
    """Its volumes are his to read and write; pods of the operator run as ours all the same."""
    if not rig.has_sandbox:
        pytest.skip("no sandbox on this machine")
    rig.kubectl("create", "secret", "generic", "his", "--from-literal=k=value")
    volumes = [{"name": "s", "secret": {"secretName": "his"}}, {"name": "e", "emptyDir": {}}]
    mounts = [{"name": "s", "mountPath": "/s"}, {"name": "e", "mountPath": "/e", "subPath": "in"}]
    security = {"runAsUser": 1234, "runAsNonRoot": True, "fsGroup": 3456}
    script = "cat /s/k >/e/copy && cp /e/copy /tmp/copy && cat /tmp/copy; echo; id; "
    script += "echo done >/dev/termination-log; sleep 60"
    ours = pod("ours", "id -u; sleep 60", securityContext={"runAsUser": 999})
    ours["metadata"]["labels"]["planetscale.com/cluster"] = "example"
    rig.apply(
        pod(
            *("his", script),
            spec={"volumes": volumes, "securityContext": security},
            volumeMounts=mounts,
            securityContext={"runAsGroup": 2345},
        ),
        ours,
    )
    try:
        for name in ("his", "ours"):
            rig.wait_ready(name)
        told = "value\nuid=1234 gid=2345 groups=2345,3456\n"
        rig.wait_for(lambda: rig.kubectl("logs", "his").stdout == told)
        assert rig.kubectl("exec", "his", "--", "id", "-u").stdout == "1234\n"
        rig.wait_for(lambda: rig.kubectl("logs", "ours").stdout == f"{os.geteuid()}\n")
    finally:
        rig.kubectl("delete", "secret", "his")


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"runAsNonRoot": True}, "container has runAsNonRoot and image will run as root"),
        (
            {"runAsNonRoot": True, "runAsUser": 0},
            "container's runAsUser breaks non-root policy",
        ),
    ],
)
def test_a_container_that_may_not_be_root_is_not_started_as_root(
    rig: Rig, asked: dict[str, Any], refusal: str
) -> None:
    if "runAsUser" not in asked and os.geteuid() != 0:
        pytest.skip("whoever is not root starts nothing as root")
    rig.apply(pod("strict", "sleep 60", securityContext=asked))

    def waits() -> dict[str, Any]:
        statuses = rig.get("pod", "strict").get("status", {}).get("containerStatuses") or [{}]
        waiting: dict[str, Any] = (statuses[0].get("state") or {}).get("waiting") or {}
        return waiting if waiting.get("reason") == "CreateContainerConfigError" else {}

    assert rig.wait_for(waits)["message"] == refusal
    rig.wait_for(lambda: refusal in rig.kubectl("describe", "pod", "strict").stdout)


def test_an_address_belongs_to_a_pods_name(rig: Rig) -> None:
    rig.apply(pod("sticky", "sleep 60"))
    rig.wait_ready("sticky")
    address = rig.get("pod", "sticky")["status"]["podIP"]
    rig.kubectl("delete", "pod", "sticky")
    rig.apply(pod("sticky", "sleep 60"), pod("other", "sleep 60"))
    rig.wait_ready("sticky")
    assert rig.get("pod", "sticky")["status"]["podIP"] == address
    assert rig.get("pod", "other")["status"]["podIP"] != address


def test_a_claims_data_outlives_its_pod_and_goes_with_the_claim(rig: Rig) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "keep", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    spec = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "keep"}}]}
    mounts = [{"name": "d", "mountPath": "/vt/vtdataroot", "subPath": "vtdataroot"}]
    script = "cat /vt/vtdataroot/f; echo kept > /vt/vtdataroot/f; sleep 60"
    rig.apply(claim, pod("writer", script, spec=spec, volumeMounts=mounts))
    rig.wait_ready("writer")
    assert rig.get("pvc", "keep")["status"]["phase"] == "Bound"
    rig.kubectl("delete", "pod", "writer")
    rig.apply(pod("writer", script, spec=spec, volumeMounts=mounts))
    rig.wait_ready("writer")
    rig.wait_for(lambda: rig.kubectl("logs", "writer").stdout == "kept\n")
    rig.kubectl("delete", "pvc", "keep", "--wait=false")
    assert rig.get("pvc", "keep")["metadata"]["deletionTimestamp"]
    directories = list((rig.paths.volumes / "default").glob("keep-*"))
    assert len(directories) == 1
    rig.kubectl("delete", "pod", "writer")
    rig.wait_for(lambda: not rig.get("pvc", "keep"))
    rig.wait_for(lambda: not directories[0].exists())


def test_a_pod_that_no_node_fits_waits_and_says_why(rig: Rig) -> None:
    rig.apply(pod("picky", "sleep 100", spec={"nodeSelector": {"disk": "ssd"}}))

    def told() -> dict[str, Any]:
        found = rig.get("pod", "picky")
        conditions = (found.get("status") or {}).get("conditions") or [{}]
        return found if conditions[0].get("reason") == "Unschedulable" else {}

    found = rig.wait_for(told)
    assert found["status"]["phase"] == "Pending" and not found["spec"].get("nodeName")
    why = "didn't match Pod's node affinity/selector"
    assert why in found["status"]["conditions"][0]["message"]
    rig.wait_for(lambda: "FailedScheduling" in rig.kubectl("describe", "pod", "picky").stdout)
    rig.kubectl("label", "node", "testnode", "disk=ssd")
    rig.wait_ready("picky")
    rig.kubectl("label", "node", "testnode", "disk-")
