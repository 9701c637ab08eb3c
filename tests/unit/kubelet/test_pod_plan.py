"""What the kubelet decides to do next with a pod."""

from dataclasses import replace
from datetime import timedelta

from armillary.local.kubelet.pod.plan import plan_pod
from armillary.local.kubelet.pod.spec import parse_pod
from armillary.local.kubelet.pod.state import (
    FinishDeletion,
    PrepareVolumes,
    RestartPolicy,
    StartContainer,
    StopContainer,
    Waiting,
)
from tests.unit.kubelet.pods import NOW, fresh, make_pod, over, runs, see

POLICY = RestartPolicy(first_s=1.0, max_s=8.0, reset_after_s=100.0)


def test_volumes_come_before_containers() -> None:
    plan = plan_pod(make_pod(), see(fresh(), ready=False), POLICY, now=NOW)
    assert plan.actions == (PrepareVolumes(),)
    assert plan.phase == "Pending"


def test_failed_volumes_are_tried_again_later() -> None:
    seen = see(fresh(), ready=False, retry_at=NOW + timedelta(seconds=2))
    plan = plan_pod(make_pod(), seen, POLICY, now=NOW)
    assert plan.actions == () and plan.look_again_at == NOW + timedelta(seconds=2)
    later = plan_pod(make_pod(), seen, POLICY, now=NOW + timedelta(seconds=2))
    assert later.actions == (PrepareVolumes(),)


def test_all_main_containers_start_together() -> None:
    plan = plan_pod(make_pod("a", "b"), see(fresh("a"), fresh("b")), POLICY, now=NOW)
    assert [action.name for action in plan.actions if isinstance(action, StartContainer)] == [
        "a",
        "b",
    ]


def test_init_containers_run_one_after_another() -> None:
    pod = make_pod("main", init=("i1", "i2"))
    first = plan_pod(pod, see(fresh(), fresh("i1"), fresh("i2")), POLICY, now=NOW)
    assert [a.name for a in first.actions if isinstance(a, StartContainer)] == ["i1"]
    waiting = plan_pod(pod, see(fresh(), runs("i1"), fresh("i2")), POLICY, now=NOW)
    assert waiting.actions == ()
    second = plan_pod(pod, see(fresh(), over("i1"), fresh("i2")), POLICY, now=NOW)
    assert [a.name for a in second.actions if isinstance(a, StartContainer)] == ["i2"]
    main = plan_pod(pod, see(fresh(), over("i1"), over("i2")), POLICY, now=NOW)
    assert [a.name for a in main.actions if isinstance(a, StartContainer)] == ["main"]


def test_init_containers_do_not_run_again_once_a_main_one_has_started() -> None:
    """A kubelet that lost an init container's record must not run it beside the program."""
    pod = make_pod("main", init=("i1",))
    plan = plan_pod(pod, see(runs(), fresh("i1")), POLICY, now=NOW)
    assert plan.actions == ()
    assert plan.phase == "Running"


def test_the_first_restart_is_immediate_and_later_ones_wait() -> None:
    plan = plan_pod(make_pod(), see(over(code=1, quick=1)), POLICY, now=NOW)
    assert [a.name for a in plan.actions if isinstance(a, StartContainer)] == ["main"]
    plan = plan_pod(make_pod(), see(over(code=1, quick=3)), POLICY, now=NOW)
    assert plan.actions == () and dict(plan.backing_off) == {"main": 2.0}
    assert plan.look_again_at == NOW + timedelta(seconds=2)
    plan = plan_pod(make_pod(), see(over(code=1, quick=3, ago_s=2)), POLICY, now=NOW)
    assert [a.name for a in plan.actions if isinstance(a, StartContainer)] == ["main"]


def test_delays_double_up_to_the_limit_and_a_long_run_clears_them() -> None:
    assert [POLICY.delay_s(n) for n in range(7)] == [0, 0, 1, 2, 4, 8, 8]
    assert POLICY.delay_s(10_000) == 8
    assert POLICY.count_exit(5, run_s=99.9) == 6
    assert POLICY.count_exit(5, run_s=100.0) == 1


def test_what_has_ended_starts_again_as_the_pods_policy_says() -> None:
    for policy, code, phase in (
        ("Always", 0, "Running"),
        ("Always", 1, "Running"),
        ("OnFailure", 0, "Succeeded"),
        ("OnFailure", 1, "Running"),
        ("Never", 0, "Succeeded"),
        ("Never", 1, "Failed"),
    ):
        pod = make_pod(restartPolicy=policy)
        plan = plan_pod(pod, see(over(code=code)), POLICY, now=NOW)
        assert plan.phase == phase, (policy, code)
        assert bool(plan.actions) is (phase == "Running"), (policy, code)


def test_a_pod_is_over_only_when_every_container_is() -> None:
    pod = make_pod("a", "b", restartPolicy="Never")
    assert plan_pod(pod, see(over("a", 1), runs("b")), POLICY, now=NOW).phase == "Running"
    assert plan_pod(pod, see(over("a", 1), over("b", 0)), POLICY, now=NOW).phase == "Failed"


def test_a_failed_init_container_fails_a_pod_that_never_restarts() -> None:
    pod = make_pod("main", init=("i",), restartPolicy="Never")
    plan = plan_pod(pod, see(fresh(), over("i", 1)), POLICY, now=NOW)
    assert plan.phase == "Failed" and plan.actions == ()


def test_an_init_container_restarts_even_with_policy_always_only_after_failure() -> None:
    pod = make_pod("main", init=("i",))
    plan = plan_pod(pod, see(fresh(), over("i", 1, quick=1)), POLICY, now=NOW)
    assert [a.name for a in plan.actions if isinstance(a, StartContainer)] == ["i"]
    assert plan.phase == "Pending"


def test_deletion_stops_what_runs_with_its_grace_then_finishes() -> None:
    pod = make_pod("a", "b", deleting=True)
    plan = plan_pod(pod, see(runs("a"), runs("b", stopping=True)), POLICY, now=NOW)
    assert [(a.name, a.grace_s) for a in plan.actions if isinstance(a, StopContainer)] == [
        ("a", 7.0)
    ]
    plan = plan_pod(pod, see(over("a"), over("b", 137)), POLICY, now=NOW)
    assert plan.actions == (FinishDeletion(),)


def test_a_pod_being_deleted_starts_nothing() -> None:
    pod = make_pod(deleting=True)
    for state in (fresh(), over(code=1)):
        assert plan_pod(pod, see(state), POLICY, now=NOW).actions == (FinishDeletion(),)


def test_a_failed_pod_ends_but_is_not_deleted() -> None:
    failure = ("DeadlineExceeded", "too long")
    plan = plan_pod(make_pod(), see(runs(), failure=failure), POLICY, now=NOW)
    assert len(plan.actions) == 1 and isinstance(plan.actions[0], StopContainer)
    plan = plan_pod(make_pod(), see(over(code=143), failure=failure), POLICY, now=NOW)
    assert plan.actions == () and plan.phase == "Failed"


def test_an_unhealthy_container_is_stopped_once() -> None:
    plan = plan_pod(make_pod(), see(runs(restart_wanted=True)), POLICY, now=NOW)
    assert len(plan.actions) == 1 and isinstance(plan.actions[0], StopContainer)
    stopping = runs(restart_wanted=True, stopping=True)
    assert plan_pod(make_pod(), see(stopping), POLICY, now=NOW).actions == ()


def test_a_start_that_could_not_be_made_waits_for_its_retry() -> None:
    waiting = Waiting(reason="CreateContainerConfigError", message="no secret")
    seen = see(replace(fresh(), waiting=waiting), retry_at=NOW + timedelta(seconds=2))
    plan = plan_pod(make_pod(), seen, POLICY, now=NOW)
    assert plan.actions == () and plan.look_again_at == NOW + timedelta(seconds=2)
    plan = plan_pod(make_pod(), seen, POLICY, now=NOW + timedelta(seconds=2))
    assert len(plan.actions) == 1


def test_a_limit_that_is_no_amount_keeps_no_kubelet_from_reading_the_pod() -> None:
    def limit(memory: str) -> float | None:
        container = {"name": "main", "resources": {"limits": {"memory": memory}}}
        metadata = {"uid": "u-1", "name": "p", "namespace": "ns"}
        pod = parse_pod({"metadata": metadata, "spec": {"containers": [container]}})
        return pod.containers[0].limits.get("memory")

    assert limit("64Mi") == 64 << 20
    assert limit("lots") is None
