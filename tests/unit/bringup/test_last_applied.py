"""What `armillary up` applies can be changed with `kubectl apply` afterwards, removals included."""

import json
from typing import Any

from armillary.cli.bringup.deploy import LAST_APPLIED, with_last_applied


def _example() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "users", "namespace": "planetscale", "annotations": {"a": "b"}},
    }


def test_the_manifest_is_noted_as_the_user_wrote_it() -> None:
    applied = with_last_applied(_example())
    assert json.loads(applied["metadata"]["annotations"][LAST_APPLIED]) == _example()
    assert applied["metadata"]["annotations"]["a"] == "b"


def test_a_note_in_the_manifest_does_not_nest() -> None:
    assert with_last_applied(with_last_applied(_example())) == with_last_applied(_example())
