"""How a Deployment moves from one template to the next."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.local.controllers.deployment.plan import (
    Rollout,
    SetSeen,
    parse_rollout,
    plan_scale,
    resolve_share,
    same_template,
    template_hash,
)


def rollout(replicas: int, surge: int = 1, unavailable: int = 0, **rest: bool) -> Rollout:
    return Rollout(replicas=replicas, max_surge=surge, max_unavailable=unavailable, **rest)


def seen(
    name: str, replicas: int, available: int | None = None, living: int | None = None
) -> SetSeen:
    return SetSeen(
        name=name,
        replicas=replicas,
        available=replicas if available is None else available,
        living=replicas if living is None else living,
    )


def test_a_settled_deployment_stays() -> None:
    assert plan_scale(rollout(3), seen("new", 3), [seen("old", 0)]) == {}


def test_without_a_new_template_only_the_number_of_pods_changes() -> None:
    assert plan_scale(rollout(5), seen("new", 3), []) == {"new": 5}
    assert plan_scale(rollout(1), seen("new", 3), []) == {"new": 1}


def test_surge_comes_first_then_one_for_one() -> None:
    assert plan_scale(rollout(3), seen("new", 0), [seen("old", 3)]) == {"new": 1}
    assert plan_scale(rollout(3), seen("new", 1, 0), [seen("old", 3)]) == {}
    assert plan_scale(rollout(3), seen("new", 1, 1), [seen("old", 3)]) == {"old": 2}


def test_a_status_that_still_counts_dead_pods_costs_nobody() -> None:
    """Found with real pods: the old set's status was one pod behind its spec."""
    stale = seen("old", 2, available=3)
    assert plan_scale(rollout(3), seen("new", 2, 1), [stale]) == {}
    # The new set's may be behind as well.
    assert plan_scale(rollout(3), seen("new", 2, 3), [seen("old", 2, 0)]) == {"old": 1}


def test_broken_old_pods_go_first() -> None:
    old = [seen("a", 2, available=2), seen("b", 2, available=0)]
    plan = plan_scale(rollout(3, surge=1, unavailable=1), seen("new", 0), old)
    assert plan == {"b": 0}


def test_recreate_waits_for_the_old_pods_end() -> None:
    way = rollout(2, recreate=True)
    assert plan_scale(way, seen("new", 0), [seen("old", 2)]) == {"old": 0}
    assert plan_scale(way, seen("new", 0), [seen("old", 0, 0, living=1)]) == {}
    assert plan_scale(way, seen("new", 0), [seen("old", 0, 0, living=0)]) == {"new": 2}


def test_a_paused_deployment_only_scales() -> None:
    way = rollout(5, paused=True)
    assert plan_scale(way, None, [seen("old", 3)]) == {"old": 5}
    assert plan_scale(way, seen("new", 1), [seen("old", 3)]) == {}


@pytest.mark.parametrize(
    ("value", "whole", "up", "expected"),
    [
        ("25%", 4, True, 1),
        ("25%", 3, True, 1),
        ("25%", 3, False, 0),
        (2, 9, True, 2),
        ("2", 9, True, 2),
    ],
)
def test_a_share_is_rounded_the_safe_way(
    value: int | str, whole: int, up: bool, expected: int
) -> None:
    assert resolve_share(value, whole, round_up=up) == expected


def test_a_rollout_that_could_never_begin_may_take_one_away() -> None:
    way = parse_rollout({"replicas": 4})
    assert (way.max_surge, way.max_unavailable) == (1, 1)
    stuck = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}}
    assert parse_rollout({"replicas": 4, "strategy": stuck}).max_unavailable == 1
    without_surge = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 2}}
    assert parse_rollout({"replicas": 4, "strategy": without_surge}).max_unavailable == 2


def test_hashes_are_safe_and_follow_the_template() -> None:
    template = {"spec": {"containers": [{"name": "a"}]}}
    digest = template_hash(template, 0)
    assert set(digest) <= set("bcdfghjklmnpqrstvwxz2456789")
    assert template_hash({**template, "metadata": {"labels": {}}}, 0) == digest
    assert template_hash({"spec": {"containers": [{"name": "b"}]}}, 0) != digest
    assert template_hash(template, 1) != digest


def test_templates_are_compared_without_the_hash_label() -> None:
    one = {"metadata": {"labels": {"a": "b"}}, "spec": {"x": 1}}
    other = {"metadata": {"labels": {"a": "b", "pod-template-hash": "h"}}, "spec": {"x": 1}}
    assert same_template(one, other)
    assert not same_template(one, {**other, "spec": {"x": 2}})


@dataclass
class World:
    """Pods per set: a set's pods follow its spec, and become available when the dice say so."""

    wanted: dict[str, int]
    available: dict[str, int] = field(default_factory=dict)

    def look(self, name: str) -> SetSeen:
        replicas = self.wanted[name]
        return seen(name, replicas, min(self.available.get(name, 0), replicas))


@given(
    replicas=st.integers(1, 5),
    surge=st.integers(0, 2),
    unavailable=st.integers(0, 2),
    olds=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    dice=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_every_rollout_ends_and_keeps_its_limits(
    replicas: int, surge: int, unavailable: int, olds: list[int], dice: list[bool]
) -> None:
    """Old pods are all available; each new one becomes so after some rounds."""
    if surge == 0 and unavailable == 0:
        unavailable = 1
    way = rollout(replicas, surge, unavailable)
    names = [f"old{n}" for n in range(len(olds))]
    world = World({"new": 0, **dict(zip(names, olds, strict=True))})
    world.available = {**world.wanted}
    start = sum(olds)
    for become_available in [*dice, *[True] * 60]:
        plan = plan_scale(way, world.look("new"), [world.look(name) for name in names])
        world.wanted |= plan
        for name in names:
            world.available[name] = world.wanted[name]
        total, serving = (
            sum(world.wanted.values()),
            sum(min(world.available[n], world.wanted[n]) for n in world.wanted),
        )
        assert total <= max(replicas + surge, start)
        assert serving >= min(replicas - unavailable, start)
        if become_available and world.available["new"] < world.wanted["new"]:
            world.available["new"] += 1
    assert world.wanted == {"new": replicas, **dict.fromkeys(names, 0)}
