"""What needs a node: rollout, logs, exec, port-forward, graceful deletion, jobs."""

import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.conformance.kubectl.box import Box, deployment, pod

# Older kubectls speak SPDY; newer ones do when these say so.
STREAMS: dict[str, Mapping[str, str]] = {
    "default": {},
    "spdy": {
        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false",
        "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false",
    },
}
_SERVE = "exec python3 -m http.server --bind $POD_IP 8080"


@pytest.fixture(params=list(STREAMS))
def streams(request: pytest.FixtureRequest) -> Mapping[str, str]:
    return STREAMS[request.param]


def web_pod(name: str, **labels: str) -> dict[str, Any]:
    value = pod(name, _SERVE, **labels)
    container = value["spec"]["containers"][0]
    container["image"] = "python:3"
    container["env"] = [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    ]
    container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    return value


def start(box: Box, value: dict[str, Any]) -> str:
    box.apply(value)
    name = str(value["metadata"]["name"])
    box.out("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    return name


def test_a_deployment_rolls_out(node_box: Box) -> None:
    node_box.apply(deployment("d", replicas=2))
    told = node_box.out("rollout", "status", "deployment/d", "--timeout=60s")
    assert 'deployment "d" successfully rolled out' in told
    assert node_box.rows("get", "deployment", "d")[1][:4] == ["d", "2/2", "2", "2"]
    node_box.out("rollout", "restart", "deployment/d")
    node_box.out("rollout", "status", "deployment/d", "--timeout=60s")
    assert len(node_box.out("get", "rs", "-o", "name").split()) == 2
    assert "deployment.apps/d" in node_box.out("rollout", "history", "deployment/d")


def test_the_history_of_a_rollout_tells_why(node_box: Box) -> None:
    node_box.apply(deployment("d"))
    node_box.out("annotate", "deployment", "d", "kubernetes.io/change-cause=the first")
    node_box.wait_for(lambda: "the first" in node_box.out("rollout", "history", "deployment", "d"))
    node_box.out("set", "image", "deployment/d", "main=busybox:2")
    node_box.out("annotate", "deployment", "d", "kubernetes.io/change-cause=another", "--overwrite")

    def causes() -> list[str]:
        lines = node_box.out("rollout", "history", "deployment", "d").splitlines()[2:]
        return [line.partition(" ")[2].strip() for line in lines if line]

    node_box.wait_for(lambda: causes() == ["the first", "another"])


def test_logs(node_box: Box) -> None:
    start(node_box, pod("p", "echo one; echo two; sleep 600"))
    node_box.wait_for(lambda: node_box.out("logs", "p") == "one\ntwo\n")
    assert node_box.out("logs", "p", "--tail=1") == "two\n"
    assert "container nope is not valid for pod p" in node_box.error("logs", "p", "-c", "nope")
    assert 'previous terminated container "main" in pod "p" not found' in node_box.error(
        "logs", "p", "--previous"
    )


def test_logs_can_be_followed(node_box: Box) -> None:
    start(node_box, pod("p", "for i in 1 2 3; do echo line $i; sleep 0.3; done; sleep 600"))
    words = node_box.words("logs", "-f", "p")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=node_box.environment())
    try:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == [
            f"line {number}\n" for number in (1, 2, 3)
        ]
    finally:
        process.kill()
        process.communicate()


def test_exec_passes_output_input_and_exit_codes(node_box: Box, streams: Mapping[str, str]) -> None:
    start(node_box, pod("p"))
    done = node_box.run(
        "exec", "p", "--", "sh", "-c", "echo out; echo err >&2; exit 7", env=streams
    )
    assert (done.stdout, done.returncode) == ("out\n", 7)
    assert done.stderr.startswith("err\n")
    text = "some input\n" * 10_000
    done = node_box.run("exec", "-i", "p", "--", "cat", stdin=text, env=streams)
    assert done.stdout == text


@contextmanager
def forwarding(box: Box, env: Mapping[str, str], target: str, ports: str) -> Iterator[int]:
    process = subprocess.Popen(
        box.words("port-forward", target, ports),
        stdout=subprocess.PIPE,
        text=True,
        env=box.environment(env),
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("Forwarding from 127.0.0.1:"), first
        yield int(first.split(":")[1].split()[0])
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("target", "port"), [("pod/web", 8080), ("service/web", 80), ("deployment/web", 8080)]
)
def test_port_forward(node_box: Box, streams: Mapping[str, str], target: str, port: int) -> None:
    template = web_pod("web", app="web")
    if target.startswith("deployment"):
        value = deployment("web", replicas=1)
        value["spec"]["template"]["spec"] = template["spec"]
        node_box.apply(value)
        node_box.out("rollout", "status", "deployment/web", "--timeout=60s")
    else:
        start(node_box, template)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    node_box.apply(service)
    with forwarding(node_box, streams, target, f":{port}") as local:
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=10) as answer:
                assert answer.status == 200


def test_what_is_not_offered_is_refused_in_words(node_box: Box) -> None:
    name = start(node_box, pod("p"))
    # A real cluster offers both; kubectl must come to an end in any case.
    told = node_box.run("debug", name, "--image=busybox", "--quiet", "--", "true").stderr
    assert "panic" not in told
    assert "runtime error" not in told


def test_a_running_pod_ends_before_its_object(node_box: Box) -> None:
    start(node_box, pod("p", "trap 'exit 0' TERM; while :; do sleep 0.1; done"))
    node_box.out("delete", "pod", "p", "--timeout=30s")
    assert node_box.run("get", "pod", "p").returncode != 0


def test_a_job_completes(node_box: Box) -> None:
    template = pod("x", "echo done")["spec"] | {"restartPolicy": "Never"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": template}},
    }
    node_box.apply(job)
    node_box.out("wait", "--for=condition=Complete", "job/j", "--timeout=60s")
    assert node_box.rows("get", "job", "j")[1][:3] == ["j", "Complete", "1/1"]
    assert node_box.out("logs", "job/j") == "done\n"
