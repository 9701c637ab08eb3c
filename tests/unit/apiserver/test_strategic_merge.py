"""Strategic merge patch on the real schemas of built-in kinds."""

import copy
from typing import Any

import pytest

from armillary.base.errors import InputError
from armillary.local.apiserver.patch.strategic import strategic_merge
from armillary.local.apiserver.schema.builtin import BuiltinSchemas
from armillary.local.apiserver.schema.shape import Schema


@pytest.fixture(scope="module")
def schema() -> Schema:
    found = BuiltinSchemas().schema_of("", "v1", "Pod")
    assert found is not None
    return found


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": list(containers), **spec}}


def test_items_merge_by_their_key(schema: Schema) -> None:
    live = pod({"name": "a", "image": "1"}, {"name": "b", "image": "1"})
    result = strategic_merge(live, pod({"name": "b", "image": "2"}), schema)
    assert result["spec"]["containers"] == [
        {"name": "a", "image": "1"},
        {"name": "b", "image": "2"},
    ]


def test_the_target_is_left_alone(schema: Schema) -> None:
    live = pod({"name": "a", "env": [{"name": "X", "value": "1"}]})
    before = copy.deepcopy(live)
    strategic_merge(live, pod({"name": "a", "env": [{"name": "X", "value": "2"}]}), schema)
    assert live == before


def test_an_item_can_be_deleted(schema: Schema) -> None:
    live = pod({"name": "a"}, {"name": "b"})
    result = strategic_merge(live, pod({"name": "a", "$patch": "delete"}), schema)
    assert result["spec"]["containers"] == [{"name": "b"}]


def test_a_list_can_be_replaced(schema: Schema) -> None:
    live = pod({"name": "a"}, {"name": "b"})
    result = strategic_merge(live, pod({"name": "c"}, {"$patch": "replace"}), schema)
    assert result["spec"]["containers"] == [{"name": "c"}]


def test_a_map_can_be_replaced_or_deleted(schema: Schema) -> None:
    live = pod({"name": "a"}, securityContext={"runAsUser": 1, "fsGroup": 2})
    replaced = {"spec": {"securityContext": {"$patch": "replace", "fsGroup": 3}}}
    assert strategic_merge(live, replaced, schema)["spec"]["securityContext"] == {"fsGroup": 3}
    deleted = {"spec": {"securityContext": {"$patch": "delete"}}}
    assert "securityContext" not in strategic_merge(live, deleted, schema)["spec"]


def test_atomic_lists_are_replaced(schema: Schema) -> None:
    live = pod({"name": "a", "command": ["x", "y"]})
    result = strategic_merge(live, pod({"name": "a", "command": ["z"]}), schema)
    assert result["spec"]["containers"][0]["command"] == ["z"]


def test_sets_grow_and_shrink(schema: Schema) -> None:
    live = {"metadata": {"name": "p", "finalizers": ["a", "b"]}}
    grown = strategic_merge(live, {"metadata": {"finalizers": ["c", "a"]}}, schema)
    assert grown["metadata"]["finalizers"] == ["a", "b", "c"]
    removal = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert strategic_merge(grown, removal, schema)["metadata"]["finalizers"] == ["b", "c"]


def test_retained_keys_drop_the_others(schema: Schema) -> None:
    volume = {"name": "v", "emptyDir": {}}
    patch = {"name": "v", "hostPath": {"path": "/x"}, "$retainKeys": ["name", "hostPath"]}
    live = pod({"name": "a"}, volumes=[volume])
    result = strategic_merge(live, {"spec": {"volumes": [patch]}}, schema)
    assert result["spec"]["volumes"] == [{"name": "v", "hostPath": {"path": "/x"}}]


def test_the_order_of_items_can_be_set(schema: Schema) -> None:
    live = pod({"name": "a"}, {"name": "b"}, {"name": "c"})
    order = [{"name": name} for name in ("c", "a", "b")]
    patch = {"spec": {"$setElementOrder/containers": order}}
    result = strategic_merge(live, patch, schema)
    assert [item["name"] for item in result["spec"]["containers"]] == ["c", "a", "b"]


def test_null_removes(schema: Schema) -> None:
    result = strategic_merge(pod(nodeName="n"), {"spec": {"nodeName": None}}, schema)
    assert "nodeName" not in result["spec"]


@pytest.mark.parametrize(
    "patch", [pod({"image": "no name"}), {"spec": {"$patch": "sideways"}}], ids=["key", "directive"]
)
def test_bad_patches_are_refused(schema: Schema, patch: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        strategic_merge(pod({"name": "a"}), patch, schema)
