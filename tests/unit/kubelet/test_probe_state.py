"""When probes turn their verdict."""

import pytest

from armillary.local.kubelet.pod.probe_state import initial_state, next_state, should_restart
from armillary.local.kubelet.pod.probing import judge_answer, resolve_port
from armillary.local.kubelet.pod.spec import ContainerSpec, ProbeSpec, parse_pod


def probe(kind: str, *, success: int = 1, failure: int = 3) -> ProbeSpec:
    return ProbeSpec(
        kind=kind,
        handler={},
        initial_delay_s=0,
        period_s=1,
        timeout_s=1,
        success_threshold=success,
        failure_threshold=failure,
    )


def verdicts(spec: ProbeSpec, answers: str) -> str:
    """Feed answers (+ or -); return the verdict after each (H or u)."""
    state, out = initial_state(spec), ""
    for answer in answers:
        state = next_state(spec, state, answer == "+")
        out += "H" if state.healthy else "u"
    return out


@pytest.mark.parametrize(
    ("kind", "success", "failure", "answers", "expected"),
    [
        ("readiness", 1, 3, "-+--+---+", "uHHHHHHuH"),
        ("readiness", 2, 2, "++-+--++", "uHHHHuuH"),
        ("liveness", 1, 3, "--+---", "HHHHHu"),
        ("startup", 1, 2, "-+", "uH"),
    ],
)
def test_a_verdict_turns_at_its_threshold(
    kind: str, success: int, failure: int, answers: str, expected: str
) -> None:
    assert verdicts(probe(kind, success=success, failure=failure), answers) == expected


def test_only_liveness_and_startup_restart() -> None:
    for kind, expected in (("liveness", True), ("startup", True), ("readiness", False)):
        spec = probe(kind, failure=2)
        state = next_state(spec, initial_state(spec), False)
        assert not should_restart(spec, state)
        assert should_restart(spec, next_state(spec, state, False)) is expected


@pytest.mark.parametrize("code", [200, 204, 301, 399])
def test_good_codes(code: int) -> None:
    assert judge_answer(f"HTTP/1.1 {code} x\r\n\r\n".encode()).success


def test_a_bad_answer_carries_its_body() -> None:
    outcome = judge_answer(b"HTTP/1.1 503 Busy\r\nA: b\r\n\r\nlag\n is 5 s")
    assert not outcome.success
    assert outcome.message == "HTTP probe failed with statuscode: 503: lag is 5 s"
    assert judge_answer(b"HTTP/1.0 400 x\r\n\r\n").message.endswith("400")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0\r\n", b"HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_fails(answer: bytes) -> None:
    assert judge_answer(answer).message == "malformed HTTP response"


def test_ports_by_name() -> None:
    container = one_container({"ports": [{"name": "web", "containerPort": 15000}]})
    assert resolve_port("web", container) == 15000
    assert resolve_port(80, container) == 80
    assert resolve_port("81", container) == 81


def one_container(fields: dict[str, object]) -> ContainerSpec:
    metadata = {"uid": "u", "name": "p", "namespace": "n"}
    spec = {"containers": [{"name": "main", **fields}]}
    return parse_pod({"metadata": metadata, "spec": spec}).containers[0]
