"""Ask the tablets that restore why they have not finished. I/O."""

from collections.abc import Mapping
from contextlib import aclosing

import anyio

from armillary.base.errors import ArmillaryError
from armillary.kube.objects import phase_of
from armillary.model.tablet import RESTORE_DAMAGED_TAG, RESTORE_USED_TAG, TabletAlias, TabletType
from armillary.operator.shard.observe import ShardSeen
from armillary.operator.shard.restoring import OlderRestored
from armillary.operator.shard.tablets import Shard
from armillary.operator.world import World
from armillary.pb import topodata_pb2
from armillary.rpc.tablet_client import TabletManagerClient

_ANSWER_S_MAX = 2.0


async def ask_restoring(world: World, shard: Shard, seen: ShardSeen) -> dict[TabletAlias, str]:
    """Return the reasons of the tablets whose type is RESTORE, in their own words."""
    records = seen.topology.records if seen.topology else {}
    asked = {
        alias: record
        for alias, record in records.items()
        if TabletType(record.type) is TabletType.RESTORE
        and alias in seen.pods
        and phase_of(seen.pods[alias]) == "Running"
    }
    if not asked:
        return {}
    reasons: dict[TabletAlias, str] = {}
    try:
        client = await world.topology.tablets(shard.namespace, shard.cluster)
    except ArmillaryError:
        return dict.fromkeys(asked, "restoring")

    async def ask(alias: TabletAlias, record: topodata_pb2.Tablet) -> None:
        reasons[alias] = await _reason_of(client, record)

    async with anyio.create_task_group() as group:
        for alias, record in asked.items():
            group.start_soon(ask, alias, record)
    return reasons


async def _reason_of(client: TabletManagerClient, record: topodata_pb2.Tablet) -> str:
    try:
        with anyio.fail_after(_ANSWER_S_MAX):
            async with aclosing(client.stream_health(record)) as answers:
                async for answer in answers:
                    return str(answer.realtime_stats.health_error) or "restoring"
    except (ArmillaryError, TimeoutError):
        pass
    return "it does not say why"


def older_restored(
    records: Mapping[TabletAlias, topodata_pb2.Tablet],
) -> dict[TabletAlias, OlderRestored]:
    """Return the tablets whose record tells that newer backups were damaged."""
    return {
        alias: OlderRestored(record.tags[RESTORE_USED_TAG], record.tags[RESTORE_DAMAGED_TAG])
        for alias, record in records.items()
        if RESTORE_DAMAGED_TAG in record.tags and TabletType(record.type) is not TabletType.RESTORE
    }
