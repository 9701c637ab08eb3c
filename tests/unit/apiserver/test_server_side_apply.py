"""Server-side apply: what each manager owns, and what that means for the object."""

import copy
from typing import Any

import pytest

from armillary.local.apiserver.patch.apply import ApplyRequest, apply
from armillary.local.apiserver.patch.fieldset import decode_fields, encode_fields, leaves
from armillary.local.apiserver.patch.managers import (
    APPLY,
    UPDATE,
    Manager,
    read_managers,
    track_update,
)
from armillary.local.apiserver.status import StatusError

ITEM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "metadata": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "spec": {
            "type": "object",
            "properties": {
                "a": {"type": "string"},
                "b": {"type": "string"},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "atomic": {"type": "array", "items": {"type": "string"}},
                "set": {
                    "type": "array",
                    "x-kubernetes-list-type": "set",
                    "items": {"type": "string"},
                },
                "keyed": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": ITEM,
                },
            },
        },
    },
}


def manager(name: str, operation: str = APPLY) -> Manager:
    return Manager(name, operation, "", "v1", "2026-01-01T00:00:00Z")


class Live:
    """One object, to which managers apply and write."""

    def __init__(self) -> None:
        self.value: dict[str, Any] = {"metadata": {"name": "x"}}

    @property
    def spec(self) -> dict[str, Any]:
        found: dict[str, Any] = self.value.get("spec", {})
        return found

    def apply(self, who: str, *, force: bool = False, **spec: Any) -> None:
        applied = {"metadata": {"name": "x"}, **({"spec": spec} if spec else {})}
        value = copy.deepcopy(self.value)
        request = ApplyRequest(copy.deepcopy(applied), manager(who), force)
        apply(value, request, SCHEMA, read_managers(value))
        self.value = value

    def write(self, who: str, **spec: Any) -> None:
        value = copy.deepcopy(self.value)
        value.setdefault("spec", {}).update(spec)
        value["metadata"].pop("managedFields", None)
        track_update(self.value, value, SCHEMA, manager(who, UPDATE), read_managers(self.value))
        self.value = value

    def owners(self, *path: str) -> set[str]:
        return {m.name for m in read_managers(self.value).values() if path in m.fields}


def test_what_is_no_longer_applied_goes() -> None:
    live = Live()
    live.apply("one", a="1", b="2")
    live.apply("one", a="1")
    assert live.spec == {"a": "1"}


def test_what_somebody_else_owns_too_stays() -> None:
    live = Live()
    live.apply("one", a="1")
    live.apply("two", a="1")
    live.apply("one")
    assert live.spec == {"a": "1"}
    assert live.owners("f:spec", "f:a") == {"two"}


def test_what_nobody_applied_stays() -> None:
    live = Live()
    live.write("somebody", b="kept")
    live.apply("one", a="1")
    live.apply("one")
    assert live.spec == {"b": "kept"}


def test_a_conflict_names_field_and_manager_and_changes_nothing() -> None:
    live = Live()
    live.apply("one", a="1")
    before = copy.deepcopy(live.value)
    with pytest.raises(StatusError) as refused:
        live.apply("two", a="2")
    assert refused.value.code == 409
    assert refused.value.message == ('Apply failed with 1 conflict: conflict with "one": .spec.a')
    assert live.value == before


def test_several_conflicts_are_listed() -> None:
    live = Live()
    live.apply("one", a="1", keyed=[{"name": "k", "n": 1}])
    with pytest.raises(StatusError) as refused:
        live.apply("two", a="2", keyed=[{"name": "k", "n": 2}])
    assert refused.value.message == (
        'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.a\n- .spec.keyed[name="k"].n'
    )


def test_force_takes_the_field() -> None:
    live = Live()
    live.apply("one", a="1", b="1")
    live.apply("two", force=True, a="2")
    assert live.spec == {"a": "2", "b": "1"}
    assert live.owners("f:spec", "f:a") == {"two"}
    assert live.owners("f:spec", "f:b") == {"one"}


def test_writing_takes_ownership_from_an_applier() -> None:
    live = Live()
    live.apply("one", a="1")
    live.write("editor", a="2")
    assert live.owners("f:spec", "f:a") == {"editor"}
    with pytest.raises(StatusError, match=r'conflict with "editor" using v1: \.spec\.a'):
        live.apply("one", a="1")


def test_writing_the_same_value_owns_nothing() -> None:
    live = Live()
    live.apply("one", a="1")
    live.write("editor", a="1")
    assert live.owners("f:spec", "f:a") == {"one"}


def test_keyed_items_are_shared_item_by_item() -> None:
    live = Live()
    live.apply("one", keyed=[{"name": "x", "n": 1}])
    live.apply("two", keyed=[{"name": "y", "n": 2}])
    assert [item["name"] for item in live.spec["keyed"]] == ["x", "y"]
    live.apply("one")
    assert live.spec["keyed"] == [{"name": "y", "n": 2}]


def test_an_item_goes_with_what_nobody_owns_in_it() -> None:
    live = Live()
    live.apply("one", keyed=[{"name": "x"}])
    live.spec["keyed"][0]["n"] = 7  # a default, for instance
    live.apply("one", a="1")
    assert live.spec == {"a": "1"}


def test_an_item_in_which_another_owns_a_field_stays() -> None:
    live = Live()
    live.apply("one", keyed=[{"name": "x"}])
    live.apply("two", keyed=[{"name": "x", "n": 1}])
    live.apply("one")
    assert live.spec["keyed"] == [{"name": "x", "n": 1}]


def test_sets_are_shared_member_by_member() -> None:
    live = Live()
    live.apply("one", set=["x"])
    live.apply("two", set=["y"])
    live.apply("one")
    assert live.spec == {"set": ["y"]}


def test_atomic_lists_have_one_owner() -> None:
    live = Live()
    live.apply("one", atomic=["x"])
    with pytest.raises(StatusError):
        live.apply("two", atomic=["x", "y"])
    live.apply("two", force=True, atomic=["y"])
    assert live.spec == {"atomic": ["y"]}


def test_maps_are_shared_key_by_key() -> None:
    live = Live()
    live.apply("one", map={"x": "1"})
    live.apply("two", map={"y": "2"})
    live.apply("one", map={})
    assert live.spec["map"] == {"y": "2"}


def test_applying_again_keeps_the_time() -> None:
    live = Live()
    live.apply("one", a="1")
    before = copy.deepcopy(live.value)
    live.apply("one", a="1")
    assert live.value == before


def test_field_sets_survive_their_written_form() -> None:
    value = {"spec": {"a": "1", "keyed": [{"name": "x", "n": 1}], "set": ["v"], "map": {}}}
    paths = frozenset(leaves(value, SCHEMA))
    written = encode_fields(paths)
    assert decode_fields(written) == paths
    assert written["f:spec"]["f:keyed"] == {'k:{"name":"x"}': {".": {}, "f:name": {}, "f:n": {}}}
    assert written["f:spec"]["f:set"] == {'v:"v"': {}}
