"""Comparing objects, statuses and what left the spec."""

import pytest

from armillary.kube.kinds import KubeObject
from armillary.operator.cluster.credentials import (
    DB_USERS,
    build_authority,
    build_credentials,
    gateway_credentials,
    parse_authority,
)
from armillary.operator.cluster.turndown import (
    plan_cell_turndown,
    plan_keyspace_turndown,
    plan_plain_turndown,
)
from armillary.operator.crd.parts import Condition
from armillary.operator.objects.compare import (
    describe_change,
    is_covered,
    merge_patch_between,
    state_hash,
    surplus,
)
from armillary.operator.objects.status import merge_conditions
from armillary.operator.render.flags import go_duration, render_flags
from armillary.operator.render.labels import CELL, KEYSPACE
from armillary.operator.render.quantity import is_quantity, quantity
from armillary.operator.render.storage import root_prefix
from tests.unit.operator.moments import NOW


@pytest.mark.parametrize(
    ("wanted", "found", "covered"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"b": 2}, False),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 2, "d": 3}]}}, True),
        ([1, 2], [1], False),
        ([1], [1, 2], False),
        ("ab", ["a", "b"], False),
        ({}, None, False),
    ],
)
def test_an_object_is_covered_by_one_that_says_at_least_as_much(
    wanted: object, found: object, covered: bool
) -> None:
    assert is_covered(wanted, found) is covered


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert state_hash({"a": 1, "b": 2}) == state_hash({"b": 2, "a": 1})
    assert state_hash({"a": 1}) != state_hash({"a": 2})


def test_a_difference_shows_only_what_differs() -> None:
    wanted = {"spec": {"a": 1, "b": {"c": 2}}}
    assert describe_change(wanted, {"spec": {"a": 1, "b": {"c": 3}}}) == ("spec:\n  b:\n    c: 2\n")
    assert describe_change(wanted, wanted) == ""


def test_a_status_patch_removes_what_is_no_longer_told() -> None:
    found = {"a": 1, "b": {"x": 1, "y": 2}, "c": 3}
    wanted = {"a": 1, "b": {"x": 5}}
    assert merge_patch_between(found, wanted) == {"b": {"x": 5, "y": None}, "c": None}
    assert merge_patch_between(wanted, wanted) == {}


def test_what_others_put_into_a_custom_resource_is_surplus_and_elsewhere_is_not() -> None:
    wanted = {"apiVersion": "planetscale.com/v2", "spec": {"name": "main", "pools": [{"a": 1}]}}
    found = {"spec": {"name": "main", "pools": [{"a": 1, "b": 2}], "turndownPolicy": "Immediate"}}
    taken = {"spec": {"pools": [{"a": 1}], "turndownPolicy": None}}
    assert surplus(wanted, found) == taken
    assert surplus(wanted, {"spec": wanted["spec"]}) == {}
    assert surplus(wanted | {"apiVersion": "apps/v1"}, found) == {}


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    condition = Condition(type="Ready", status="True")
    old = {"type": "Ready", "status": "True", "lastTransitionTime": "long ago"}
    assert merge_conditions([old], [condition], now=NOW)[0].last_transition_time == "long ago"
    other = old | {"status": "False"}
    changed = merge_conditions([other], [condition], now=NOW)[0]
    assert changed.last_transition_time == "2026-01-02T03:04:05Z"


def test_flags_are_sorted_and_the_users_word_is_the_last() -> None:
    flags = render_flags(
        {"b": True, "tablet-path": "x", "a": 1}, {"--tablet_path": "y"}, {"b": "false", "-c": "d"}
    )
    assert flags == ["--a=1", "--b=false", "--c=d", "--tablet_path=y"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (5, "5s"), (90, "1m30s"), (7200, "2h0m0s"), (86400, "24h0m0s")]
)
def test_durations_are_printed_as_go_prints_them(seconds: int, text: str) -> None:
    from datetime import timedelta

    assert go_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("prefix", "root"), [("", "example"), ("p", "p/example"), ("p/q/", "p/q/example")]
)
def test_clusters_of_different_names_share_a_place(prefix: str, root: str) -> None:
    assert root_prefix(prefix, "example") == root


@pytest.mark.parametrize(
    ("text", "number"),
    [("1Gi", 2**30), ("10G", 10e9), ("5", 5), ("1.5k", 1500), ("2e3", 2000), ("1E", 1e18)],
)
def test_quantities(text: str, number: float) -> None:
    assert quantity(text) == number and is_quantity(text)


@pytest.mark.parametrize("value", ["100m?", "", "Gi", "1 Gi", "1Gi\n", "-1", None, [], True, "٣"])
def test_what_is_no_quantity(value: object) -> None:
    assert not is_quantity(value)
    assert not isinstance(value, str) or quantity(value) == 0


def child(name: str, label: str, **parts: object) -> KubeObject:
    return {"metadata": {"name": name, "labels": {label: name}}, **parts}


def test_a_keyspace_with_tablets_stays_unless_immediate() -> None:
    kept = child("busy", KEYSPACE, spec={"turndownPolicy": "RequireIdle"}, status={"idle": "False"})
    idle = child("idle", KEYSPACE, status={"idle": "True"})
    unknown = child("new", KEYSPACE)
    now = child("now", KEYSPACE, spec={"turndownPolicy": "Immediate"}, status={"idle": "False"})
    wanted = child("wanted", KEYSPACE, spec={"turndownPolicy": "Immediate"})
    plan = plan_keyspace_turndown([kept, idle, unknown, now, wanted], frozenset({"wanted"}))
    assert [obj for obj, _ in plan.delete] == [idle, now]
    assert set(plan.orphans) == {"busy", "new"}
    assert plan.orphans["busy"].reason == "NotIdle"


def test_a_cell_goes_only_when_idle() -> None:
    busy = child("busy", CELL, status={"idle": "False"})
    idle = child("idle", CELL, status={"idle": "True"})
    plan = plan_cell_turndown([busy, idle], frozenset())
    assert [obj for obj, _ in plan.delete] == [idle] and set(plan.orphans) == {"busy"}


def test_what_is_being_deleted_is_left_alone() -> None:
    obj = {"metadata": {"name": "x", "deletionTimestamp": "now"}}
    assert plan_plain_turndown([obj], frozenset()).delete == []


def test_every_password_is_its_own_and_vtgate_sees_one() -> None:
    import json

    numbers = iter(range(100))
    authority = parse_authority(build_authority(now=NOW))
    contents = build_credentials(lambda: f"p{next(numbers)}", authority, now=NOW)
    passwords = json.loads(contents["db-credentials.json"])
    assert set(passwords) == set(DB_USERS)
    assert len({tuple(p) for p in passwords.values()}) == len(DB_USERS)
    server, client = (json.loads(contents[f"grpc-{side}.json"]) for side in ("server", "client"))
    assert server == [client]
    gateway = gateway_credentials(contents)
    assert set(json.loads(gateway["db-credentials.json"])) == {"vt_app"}
    assert "grpc-server.json" not in gateway
