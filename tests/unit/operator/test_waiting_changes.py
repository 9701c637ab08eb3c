"""Which changes of child objects are applied at once, and which wait for a release."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest
import yaml

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of
from armillary.operator.cluster.build import build_cell, build_keyspace
from armillary.operator.cluster.changes_waiting import changes_waiting
from armillary.operator.cluster.model import parse_cluster
from armillary.operator.cluster.vtctld import build_vtctld_deployment
from armillary.operator.crd.topology import ExternalUpdateOptions, UpdateStrategy
from armillary.operator.objects.compare import with_state_hash
from armillary.operator.objects.waiting import (
    AtOnce,
    ChildPlan,
    changes_at_once,
    plan_child,
    with_child_hash,
)
from armillary.operator.render.labels import (
    DESIRED_STATE_HASH,
    KEYSPACE,
    ROLLOUT_RELEASED,
    ROLLOUT_SCHEDULED,
)
from tests.unit.operator.example import example_cluster, example_object, shard_objects

EXTERNAL = UpdateStrategy()
GROWS = UpdateStrategy(external=ExternalUpdateOptions(allow_resource_changes=["storage"]))


def at_once(obj: KubeObject, strategy: UpdateStrategy = EXTERNAL) -> AtOnce:
    found = changes_at_once(kinds.kind_of(obj), strategy)
    assert found is not None
    return found


def stored(obj: KubeObject, **marks: str) -> KubeObject:
    """The object as it was applied in full, then annotated."""
    obj = deepcopy(with_child_hash(obj, at_once(obj)))
    obj["metadata"]["annotations"] |= marks
    return obj


def plan(
    wanted: KubeObject,
    found: KubeObject,
    *,
    strategy: UpdateStrategy = EXTERNAL,
    immediate: bool = False,
) -> ChildPlan:
    rules = at_once(wanted, strategy)
    return plan_child(with_child_hash(wanted, rules), found, rules, immediate=immediate)


def cell() -> KubeObject:
    cluster = example_cluster()
    return build_cell(cluster, cluster.spec.cells[0])


def keyspace() -> KubeObject:
    cluster = example_cluster()
    return build_keyspace(cluster, cluster.spec.keyspaces[0])


def shard() -> KubeObject:
    return shard_objects(example_cluster())[0]


def vtctld() -> KubeObject:
    cluster = example_cluster()
    return build_vtctld_deployment(cluster, cluster.spec.cells[0])


def edited(obj: KubeObject, *path: str | int, value: Any) -> KubeObject:
    obj = deepcopy(obj)
    *parents, last = path
    inner = obj["spec"]
    for name in parents:
        inner = inner[name] if isinstance(name, int) else inner.setdefault(name, {})
    inner[last] = value
    return obj


def plain_cell() -> KubeObject:
    """A cell with a gateway of which every field has its default."""
    obj = example_object()
    obj["spec"]["cells"] = [{"name": "plain", "gateway": {}}]
    cluster = parse_cluster(obj)
    built = build_cell(cluster, cluster.spec.cells[0])
    assert built["spec"]["gateway"] == {}
    return built


ALL = pytest.mark.parametrize("build", [cell, plain_cell, keyspace, shard, vtctld])


@ALL
def test_what_is_as_wanted_is_left_alone(build: Any) -> None:
    assert plan(build(), stored(build())) == ChildPlan(only_if_unchanged=True)


WAITING = [
    (cell, ("gateway", "extraFlags"), {"x": "1"}),
    (cell, ("allCells",), ["a"]),
    (keyspace, ("images", "vttablet"), "other"),
    (shard, ("images", "vttablet"), "other"),
    (vtctld, ("template", "spec", "priorityClassName"), "other"),
]


@pytest.mark.parametrize(("build", "path", "value"), WAITING)
def test_a_change_waits_and_says_what_it_is(build: Any, path: Any, value: Any) -> None:
    wanted = edited(build(), *path, value=value)
    found = stored(build())
    decided = plan(wanted, found)
    assert decided.apply is None
    (mark,) = decided.marks
    assert mark == ROLLOUT_SCHEDULED
    difference = yaml.safe_load(decided.marks[mark] or "")["spec"]
    for name in path:
        difference = difference[name]
    assert difference == value
    # The next pass finds it marked, and has nothing to do.
    again = stored(build(), **{mark: decided.marks[mark] or ""})
    assert plan(wanted, again) == ChildPlan(marks={})


@pytest.mark.parametrize(("build", "path", "value"), WAITING)
def test_a_release_applies_it_to_the_version_that_was_seen(
    build: Any, path: Any, value: Any
) -> None:
    wanted = edited(build(), *path, value=value)
    found = stored(build(), **{ROLLOUT_SCHEDULED: "x", ROLLOUT_RELEASED: ""})
    decided = plan(wanted, found)
    assert decided.apply is not None and decided.apply["spec"] == wanted["spec"]
    assert decided.only_if_unchanged
    assert decided.marks == {ROLLOUT_SCHEDULED: None, ROLLOUT_RELEASED: None}


@pytest.mark.parametrize(("build", "path", "value"), WAITING)
def test_with_immediate_nothing_waits(build: Any, path: Any, value: Any) -> None:
    wanted = edited(build(), *path, value=value)
    decided = plan(wanted, stored(build(), **{ROLLOUT_SCHEDULED: "x"}), immediate=True)
    assert decided.apply is not None and decided.apply["spec"] == wanted["spec"]
    assert decided.marks == {ROLLOUT_SCHEDULED: None}


@pytest.mark.parametrize("build", [cell, keyspace, shard])
def test_what_a_user_adds_to_a_child_is_not_wanted(build: Any) -> None:
    found = edited(stored(build()), "imagePullPolicies", "vtbackup", value="Always")
    assert plan(build(), found, immediate=True).apply is not None
    marks = plan(build(), found).marks
    assert "imagePullPolicies: null" in str(marks[ROLLOUT_SCHEDULED])


def test_a_turndown_policy_that_a_user_adds_to_a_child_goes_at_once() -> None:
    wanted = keyspace()
    found = edited(stored(wanted), "turndownPolicy", value="Immediate")
    planned = plan(wanted, found)
    assert planned.apply is not None
    assert "turndownPolicy" not in planned.apply["spec"]


@ALL
def test_an_edit_taken_back_leaves_no_mark(build: Any) -> None:
    found = stored(build(), **{ROLLOUT_SCHEDULED: "x", ROLLOUT_RELEASED: ""})
    decided = plan(build(), found)
    assert decided.apply is None
    assert decided.marks == {ROLLOUT_SCHEDULED: None, ROLLOUT_RELEASED: None}


AT_ONCE = [
    (cell, ("gateway", "replicas"), 7),
    (keyspace, ("turndownPolicy",), "Immediate"),
    (keyspace, ("updateStrategy",), {"type": "External"}),
    (shard, ("updateStrategy",), {"type": "External"}),
    (vtctld, ("replicas",), 3),
]


@pytest.mark.parametrize(("build", "path", "value"), AT_ONCE)
def test_what_restarts_nothing_does_not_wait(build: Any, path: Any, value: Any) -> None:
    wanted = edited(build(), *path, value=value)
    decided = plan(wanted, stored(build()))
    assert decided.apply is not None and decided.apply["spec"] == wanted["spec"]
    assert decided.marks == {}


@pytest.mark.parametrize(("build", "path", "value"), AT_ONCE)
def test_what_restarts_nothing_overtakes_what_waits(build: Any, path: Any, value: Any) -> None:
    wanted = edited(edited(build(), *path, value=value), "new", value=1)
    before = stored(build())
    decided = plan(wanted, before)
    assert decided.apply is not None and decided.only_if_unchanged
    assert decided.apply["spec"] == edited(build(), *path, value=value)["spec"]
    assert list(decided.marks) == [ROLLOUT_SCHEDULED]
    assert decided.marks[ROLLOUT_SCHEDULED] == "spec:\n  new: 1\n"
    # What was applied is not taken for all that was wanted.
    after = deepcopy(decided.apply)
    after["metadata"]["annotations"][ROLLOUT_SCHEDULED] = decided.marks[ROLLOUT_SCHEDULED]
    assert plan(wanted, after) == ChildPlan(marks={})


def test_a_default_again_is_applied_at_once_too() -> None:
    found = stored(edited(cell(), "gateway", "replicas", value=7))
    wanted = cell()
    wanted["spec"]["gateway"].pop("replicas", None)
    decided = plan(wanted, found)
    assert decided.apply is not None
    assert "replicas" not in decided.apply["spec"]["gateway"]


def test_a_gateway_of_defaults_waits_for_nothing_when_it_had_replicas() -> None:
    found = stored(edited(plain_cell(), "gateway", "replicas", value=7))
    decided = plan(plain_cell(), found)
    assert decided.apply is not None and decided.apply["spec"] == plain_cell()["spec"]
    assert decided.marks == {}
    assert plan(plain_cell(), decided.apply) == ChildPlan(only_if_unchanged=True)


def with_a_hash_of_the_whole(obj: KubeObject, **marks: str) -> KubeObject:
    """The object as earlier versions stored it."""
    obj = deepcopy(with_state_hash(obj))
    obj["metadata"]["annotations"] |= marks
    return obj


@ALL
def test_what_an_earlier_version_stored_is_adopted(build: Any) -> None:
    found = with_a_hash_of_the_whole(build(), **{ROLLOUT_SCHEDULED: "x"})
    decided = plan(build(), found)
    assert decided.apply is not None and decided.apply["spec"] == build()["spec"]
    assert decided.marks == {ROLLOUT_SCHEDULED: None}
    assert plan(build(), decided.apply) == ChildPlan(only_if_unchanged=True)


@pytest.mark.parametrize(("build", "path", "value"), WAITING)
def test_a_change_of_what_an_earlier_version_stored_waits(
    build: Any, path: Any, value: Any
) -> None:
    wanted = edited(build(), *path, value=value)
    decided = plan(wanted, with_a_hash_of_the_whole(build()))
    assert list(decided.marks) == [ROLLOUT_SCHEDULED]
    assert decided.apply is not None and decided.apply["spec"] == build()["spec"]
    # Taken back, it leaves no mark: what is there is known to be what is wanted.
    held = deepcopy(decided.apply)
    held["metadata"]["annotations"][ROLLOUT_SCHEDULED] = decided.marks[ROLLOUT_SCHEDULED]
    assert plan(wanted, held) == ChildPlan(marks={})
    assert plan(build(), held).marks == {ROLLOUT_SCHEDULED: None}


def test_a_removal_from_what_an_earlier_version_stored_waits() -> None:
    found = with_a_hash_of_the_whole(edited(keyspace(), "extraVitessFlags", value={"x": "1"}))
    decided = plan(keyspace(), found)
    assert decided.marks == {ROLLOUT_SCHEDULED: "spec:\n  extraVitessFlags: null\n"}


def test_a_removal_waits_and_is_named() -> None:
    found = stored(edited(keyspace(), "extraVitessFlags", value={"x": "1"}))
    decided = plan(keyspace(), found)
    assert decided.apply is None
    assert decided.marks == {ROLLOUT_SCHEDULED: "spec:\n  extraVitessFlags: null\n"}


def claims_of(obj: KubeObject) -> list[Any]:
    templates = [
        part["equal"]["shardTemplate"] for part in obj["spec"].get("partitionings", ())
    ] or [obj["spec"]]
    return [
        pool["dataVolumeClaimTemplate"]["resources"]["requests"]
        for template in templates
        for pool in template["tabletPools"]
    ]


@pytest.mark.parametrize("build", [keyspace, shard])
def test_sizes_of_claims_wait_unless_allowed(build: Any) -> None:
    wanted = build()
    for requests in claims_of(wanted):
        requests["storage"] = "77Gi"
    held = plan(wanted, stored(build()))
    assert held.apply is None and ROLLOUT_SCHEDULED in held.marks
    allowed = plan(wanted, stored(build()), strategy=GROWS)
    assert allowed.apply is not None and allowed.marks == {}
    assert {requests["storage"] for requests in claims_of(allowed.apply)} == {"77Gi"}


def test_sizes_wait_with_a_change_of_the_partitioning() -> None:
    wanted = edited(keyspace(), "partitionings", 0, "equal", "parts", value=4)
    for requests in claims_of(wanted):
        requests["storage"] = "77Gi"
    assert plan(wanted, stored(keyspace()), strategy=GROWS).apply is None


def test_annotations_of_a_child_do_not_wait() -> None:
    wanted = keyspace()
    wanted["metadata"]["annotations"] = {"team": "blue"}
    decided = plan(wanted, stored(keyspace()))
    assert decided.apply is not None
    assert annotations_of(decided.apply)["team"] == "blue"
    gone = plan(keyspace(), stored(wanted))
    assert gone.apply is not None and "team" not in annotations_of(gone.apply)


def test_a_huge_change_fits_into_an_annotation() -> None:
    wanted = edited(
        keyspace(), "extraVitessFlags", value={f"flag{i}": "x" * 99 for i in range(999)}
    )
    text = plan(wanted, stored(keyspace())).marks[ROLLOUT_SCHEDULED]
    assert text is not None and len(text) < 20_000 and text.endswith("# and more\n")


def test_the_hash_does_not_depend_on_the_strategy() -> None:
    hashes = {
        annotations_of(with_child_hash(shard(), at_once(shard(), strategy)))[DESIRED_STATE_HASH]
        for strategy in (EXTERNAL, GROWS, msgspec.structs.replace(GROWS, type="Immediate"))
    }
    assert len(hashes) == 1


def test_the_cluster_names_what_waits_at_every_level() -> None:
    waiting = stored(cell(), **{ROLLOUT_SCHEDULED: "x"}) | {"kind": "VitessCell"}
    parent = stored(keyspace())
    parent["metadata"]["labels"][KEYSPACE] = "main"
    shards = {
        "-80": {"pendingChanges": "x", "tablets": 3, "updatedTablets": 3},
        "80-": {"tablets": 3, "updatedTablets": 1},
    }
    parent["status"] = {"shards": shards}
    told = changes_waiting([waiting, parent], [parent])
    assert told.status == "True"
    assert told.message.endswith(
        "on: VitessCell example-uscentral1a-918f14b6, the VitessShard of main/-80, "
        "2 tablets of main/80-."
    )
    assert changes_waiting([stored(cell())], []).status == "False"
