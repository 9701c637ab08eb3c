"""Who was seen with semi-sync at work is written once, whoever else writes the status."""

import pytest

from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias
from armillary.operator.crd.parts import Json
from armillary.operator.crd.read import read_status
from armillary.operator.crd.shard import ShardStatus
from armillary.operator.objects.status import status_as_written
from armillary.operator.shard.dead_primary import Primary
from armillary.operator.shard.semi_sync_seen import plan_semi_synced, recall_semi_synced

ALIAS = TabletAlias("zone1", 101)
TERM = "2026-01-01T00:00:00Z"


def merged(status: Json, patch: Json) -> Json:
    """The status after an API server merged the patch into it."""
    result = dict(status)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key) or {}, value)
        else:
            result[key] = value
    return result


@pytest.mark.parametrize("term", [TERM, ""])
@pytest.mark.parametrize(
    "before",
    [
        {},
        {"semiSyncMaster": {"alias": "zone1-0000000101", "termStart": ""}},
        {"semiSyncMaster": {"alias": "zone1-0000000100", "termStart": "2025-01-01T00:00:00Z"}},
    ],
)
def test_it_is_written_once_and_the_writer_of_the_rest_leaves_it(before: Json, term: str) -> None:
    seen = Primary(ALIAS, term)
    status = merged(before, plan_semi_synced(before, seen))
    obj: KubeObject = {"status": status}
    assert recall_semi_synced(obj, {}) == seen
    assert plan_semi_synced(status, seen) == {}
    kept = ShardStatus(semi_sync_master=read_status(obj, ShardStatus).semi_sync_master)
    rest = status_as_written(kept)
    assert rest["semiSyncMaster"] == status["semiSyncMaster"]


def test_nobody_is_seen_any_more() -> None:
    status = {"semiSyncMaster": {"alias": "zone1-0000000101"}, "other": 1}
    assert plan_semi_synced(status, None) == {"semiSyncMaster": None}
    assert plan_semi_synced({"other": 1}, None) == {}
