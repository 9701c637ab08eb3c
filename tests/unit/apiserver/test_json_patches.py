"""RFC 6902 and RFC 7386."""

from typing import Any

import pytest

from armillary.base.errors import InputError, PreconditionError
from armillary.local.apiserver.patch.json_patch import json_patch, merge_patch


@pytest.mark.parametrize(
    ("target", "patch", "wanted"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a"], {"b": 1}, {"b": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_of_the_rfc(target: Any, patch: Any, wanted: Any) -> None:
    assert merge_patch(target, patch) == wanted


@pytest.mark.parametrize(
    ("target", "operation", "wanted"),
    [
        ({"a": 1}, {"op": "add", "path": "/b", "value": 2}, {"a": 1, "b": 2}),
        ({"a": [1, 3]}, {"op": "add", "path": "/a/1", "value": 2}, {"a": [1, 2, 3]}),
        ({"a": [1]}, {"op": "add", "path": "/a/-", "value": 2}, {"a": [1, 2]}),
        ({"a": [1, 2]}, {"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"a": 1}, {"op": "replace", "path": "/a", "value": None}, {"a": None}),
        ({"a": [1]}, {"op": "replace", "path": "/a/0", "value": 9}, {"a": [9]}),
        ({"a": 1}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": 1, "b": 1}),
        ({"a": 1}, {"op": "move", "from": "/a", "path": "/b"}, {"b": 1}),
        ({"a/b~c": 1}, {"op": "replace", "path": "/a~1b~0c", "value": 2}, {"a/b~c": 2}),
        ({"a": 1}, {"op": "test", "path": "/a", "value": 1}, {"a": 1}),
        ({"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}),
    ],
)
def test_json_patch_operations(target: Any, operation: Any, wanted: Any) -> None:
    assert json_patch(target, [operation]) == wanted


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/nope"},
        {"op": "replace", "path": "/nope", "value": 1},
        {"op": "add", "path": "/list/5", "value": 1},
        {"op": "add", "path": "/no/parent", "value": 1},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "fly", "path": "/a"},
        {"op": "add"},
    ],
)
def test_impossible_operations_are_refused(operation: Any) -> None:
    with pytest.raises(InputError):
        json_patch({"a": 1, "list": []}, [operation])


def test_a_failing_test_is_told_apart() -> None:
    with pytest.raises(PreconditionError):
        json_patch({"a": 1}, [{"op": "test", "path": "/a", "value": 2}])


def test_the_target_is_left_alone() -> None:
    target = {"a": {"b": 1}}
    json_patch(target, [{"op": "add", "path": "/a/c", "value": 2}])
    assert target == {"a": {"b": 1}}
