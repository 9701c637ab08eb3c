"""A trouble that lasts is told in the log when it begins, and when its reason changes."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from armillary.base.errors import UnavailableError
from armillary.operator.cluster.loop import ClusterLoop
from armillary.operator.cluster.model import parse_cluster
from armillary.operator.shard.replication_loop import ReplicationLoop
from armillary.operator.world import ObjectKey, World
from tests.unit.operator.example import example_object, example_shard

WORLD = cast(World, SimpleNamespace(recorder=None))
REASONS = ("no answer", "no answer", "another authority", "another authority", "no answer")
TOLD = ["no answer", "another authority", "no answer"]


def told(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record.__dict__["error"] for record in caplog.records]


def test_why_replication_has_to_wait(caplog: pytest.LogCaptureFixture) -> None:
    loop, key = ReplicationLoop(WORLD), ObjectKey("VitessShard", "planetscale", "s")
    with caplog.at_level("INFO"):
        for reason in REASONS:
            loop._tell_wait(key, example_shard(), UnavailableError(reason))
    assert told(caplog) == TOLD


def test_why_the_topology_is_not_reached(caplog: pytest.LogCaptureFixture) -> None:
    """The cluster's own status remembers it, also for the next operator."""
    loop, obj = ClusterLoop(WORLD), example_object()
    with caplog.at_level("INFO"):
        for reason in REASONS:
            (condition,) = loop._tell_topology(parse_cluster(obj), reason)
            assert reason in condition.message
            said = {"type": condition.type, "status": "False", "message": condition.message}
            obj["status"] = {"conditions": [said]}
    assert told(caplog) == TOLD
