"""The words in which a pod's state is told."""

from dataclasses import replace
from typing import Any

from armillary.local.kubelet.pod.plan import plan_pod
from armillary.local.kubelet.pod.spec import PodSpec
from armillary.local.kubelet.pod.state import PodState, RestartPolicy, Waiting
from armillary.local.kubelet.pod.status import build_status, is_same_status
from tests.unit.kubelet.pods import NOW, fresh, make_pod, over, runs, see

POLICY = RestartPolicy()


def tell(pod: PodSpec, seen: PodState, before: dict[str, Any] | None = None) -> dict[str, Any]:
    plan = plan_pod(pod, seen, POLICY, now=NOW)
    return build_status(
        pod, seen, plan, pod_ip="127.1.0.9", host_ip="127.0.0.1", before=before or {}, now=NOW
    )


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(c for c in status["conditions"] if c["type"] == kind)


def test_a_ready_pod() -> None:
    status = tell(make_pod(), see(runs(ready=True)))
    assert status["phase"] == "Running" and status["podIP"] == "127.1.0.9"
    assert all(c["status"] == "True" for c in status["conditions"])
    container = status["containerStatuses"][0]
    assert container["state"] == {"running": {"startedAt": "2026-11-22T12:00:00Z"}}
    assert (container["ready"], container["restartCount"]) == (True, 0)


def test_an_unready_container_is_named() -> None:
    status = tell(make_pod("a", "b"), see(runs("a", ready=True), runs("b")))
    ready = condition(status, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert ready["message"] == "containers with unready status: [b]"


def test_crash_loop_words() -> None:
    state = replace(over(code=3, quick=4), attempts=4)
    container = tell(make_pod(), see(state))["containerStatuses"][0]
    waiting = container["state"]["waiting"]
    assert waiting["reason"] == "CrashLoopBackOff"
    assert waiting["message"] == "back-off 4s restarting failed container=main pod=p_ns(u-1)"
    assert container["lastState"]["terminated"]["exitCode"] == 3
    assert container["restartCount"] == 3


def test_a_finished_container_shows_its_end_as_its_state() -> None:
    status = tell(make_pod(restartPolicy="Never"), see(over(code=0)))
    container = status["containerStatuses"][0]
    assert container["state"]["terminated"]["reason"] == "Completed"
    assert container["lastState"] == {}
    assert condition(status, "Ready")["reason"] == "PodCompleted"


def test_a_killed_container_shows_the_signal() -> None:
    container = tell(make_pod(restartPolicy="Never"), see(over(code=137)))["containerStatuses"][0]
    assert container["state"]["terminated"]["signal"] == 9


def test_main_containers_wait_for_init() -> None:
    status = tell(make_pod("main", init=("i",)), see(fresh(), runs("i")))
    assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    initialized = condition(status, "Initialized")
    assert initialized["message"] == "containers with incomplete status: [i]"


def test_a_start_that_could_not_be_made_says_why() -> None:
    waiting = Waiting(reason="CreateContainerConfigError", message='secret "s" not found')
    container = tell(make_pod(), see(replace(fresh(), waiting=waiting)))["containerStatuses"][0]
    assert container["state"]["waiting"]["message"] == 'secret "s" not found'


def test_times_of_unchanged_conditions_are_kept() -> None:
    old = {"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    foreign = {"type": "example.com/gate", "status": "True"}
    status = tell(make_pod(), see(runs(ready=True)), {"conditions": [old, foreign]})
    assert condition(status, "Ready")["lastTransitionTime"] == "2020-01-01T00:00:00Z"
    assert condition(status, "example.com/gate") == foreign
    status = tell(make_pod(), see(runs(ready=False)), {"conditions": [old]})
    assert condition(status, "Ready")["lastTransitionTime"] == "2026-11-22T12:00:00Z"


def test_readiness_gates_hold_readiness_back() -> None:
    pod = make_pod(readinessGates=[{"conditionType": "example.com/gate"}])
    status = tell(pod, see(runs(ready=True)))
    assert condition(status, "Ready")["status"] == "False"
    assert condition(status, "ContainersReady")["status"] == "True"


def test_sameness_ignores_what_is_empty_and_what_others_own() -> None:
    assert is_same_status({"phase": "x", "a": []}, {"phase": "x", "mine": 1})
    assert not is_same_status({"phase": "x"}, {"phase": "y"})
