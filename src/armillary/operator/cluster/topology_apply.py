"""Read and write the global topology of one cluster. I/O."""

import contextlib
import logging
from collections.abc import Awaitable, Iterable
from typing import assert_never

from armillary.base.errors import NotFoundError, PreconditionError, UnavailableError
from armillary.model.tablet import TabletType
from armillary.operator.cluster.topology_plan import (
    CELLS_ALIAS,
    CellRecord,
    PruneCell,
    PruneKeyspace,
    PruneSrvKeyspace,
    PutAlias,
    PutCell,
    PutSrvKeyspace,
    PutSrvVSchema,
    TopologyAction,
    TopologySeen,
)
from armillary.pb import topodata_pb2
from armillary.topo.convert import alias_of, type_of
from armillary.topo.server import TopoServer

logger = logging.getLogger(__name__)


async def observe_topology(topo: TopoServer, serving_cells: Iterable[str] = ()) -> TopologySeen:
    """Read the records.

    Args:
        serving_cells: whose serving records count; one whose lockserver is away is left out.
    """
    cells = {}
    for cell in await topo.list_cells():
        info = (await topo.get_cell_info(cell)).value
        cells[cell] = CellRecord(info.server_address, info.root)
    aliases = await topo.get_cells_aliases()
    alias = aliases.get(CELLS_ALIAS)
    keyspaces = {}
    for keyspace in await topo.list_keyspaces():
        try:
            record = (await topo.get_keyspace(keyspace)).value
        except NotFoundError:
            continue  # deleted since the list was read
        keyspaces[keyspace] = record.keyspace_type == topodata_pb2.SNAPSHOT
    served: dict[str, frozenset[str]] = {}
    vschemas: dict[str, frozenset[str]] = {}
    for cell in sorted(set(serving_cells) & cells.keys()):
        try:
            served[cell] = frozenset(await topo.list_srv_keyspaces(cell))
            vschemas[cell] = await _seen_by_vtgates(topo, cell)
        except UnavailableError as error:
            logger.info("cell not seen", extra={"cell": cell, "error": str(error)})
    return TopologySeen(
        cells=cells,
        alias=frozenset(alias.cells) if alias is not None else None,
        keyspaces=keyspaces,
        served=served,
        vschemas=vschemas,
    )


async def _seen_by_vtgates(topo: TopoServer, cell: str) -> frozenset[str]:
    try:
        return frozenset((await topo.get_srv_vschema(cell)).value.keyspaces)
    except NotFoundError:
        return frozenset()


async def apply_topology(topo: TopoServer, actions: Iterable[TopologyAction]) -> None:
    """Carry out the plan; every action may be repeated.

    Raises:
        UnavailableError: the topology does not answer.
    """
    for action in actions:
        logger.info("topology action", extra={"action": repr(action)})
        try:
            await _apply(topo, action)
        except (NotFoundError, PreconditionError) as error:
            # Somebody was faster, or it is still in use: the next pass decides anew.
            logger.warning(
                "topology action refused", extra={"action": repr(action), "error": str(error)}
            )


async def _apply(topo: TopoServer, action: TopologyAction) -> None:
    match action:
        case PutCell(cell, record, is_new):
            info = topodata_pb2.CellInfo(server_address=record.server_address, root=record.root)
            if is_new:
                await topo.create_cell_info(cell, info)
            else:
                await topo.update_cell_info(cell, lambda found: found.CopyFrom(info))
        case PutAlias(cells, is_new):
            if is_new:
                await topo.create_cells_alias(CELLS_ALIAS, cells)
            else:
                await topo.update_cells_alias(CELLS_ALIAS, cells)
        case PruneCell(cell):
            await topo.delete_cell_info(cell)
        case PruneSrvKeyspace(cell, keyspace):
            await topo.delete_srv_keyspace(cell, keyspace)
        case PutSrvKeyspace(cell, keyspace, is_snapshot):
            await topo.rebuild_keyspace_graph(keyspace, [cell], allow_partial=is_snapshot)
        case PutSrvVSchema(cell):
            await topo.rebuild_srv_vschema([cell])
        case PruneKeyspace(keyspace):
            await delete_keyspace(topo, keyspace)
        case _:
            assert_never(action)


async def delete_keyspace(topo: TopoServer, keyspace: str) -> None:
    """Delete a keyspace's records, from the leaves to the root, so a crash leaves none hanging.

    Raises:
        PreconditionError: its record is a snapshot's by now, which is the user's own.
    """
    record = (await topo.get_keyspace(keyspace)).value
    if record.keyspace_type == topodata_pb2.SNAPSHOT:
        raise PreconditionError(f"keyspace {keyspace} is a snapshot now: left alone")
    for cell in await topo.list_cells():
        await _ignore_absent(topo.delete_srv_keyspace(cell, keyspace))
    for shard in await topo.list_shards(keyspace):
        await delete_shard(topo, keyspace, shard)
    await _ignore_absent(topo.delete_vschema(keyspace))
    await _ignore_absent(topo.delete_keyspace(keyspace))
    await topo.rebuild_srv_vschema()


async def delete_shard(topo: TopoServer, keyspace: str, shard: str) -> None:
    """Delete a shard's tablets, replication records and the shard itself."""
    for cell in await topo.list_cells():
        await _delete_tablets(topo, cell, keyspace, shard)
        await _ignore_absent(topo.delete_shard_replication(cell, keyspace, shard))
    await _ignore_absent(topo.delete_shard(keyspace, shard))


async def _delete_tablets(topo: TopoServer, cell: str, keyspace: str, shard: str) -> None:
    for tablet in await topo.list_tablets([cell]):
        if tablet.keyspace == keyspace and tablet.shard == shard:
            logger.info(
                "tablet record goes with its shard",
                extra={"tablet": str(alias_of(tablet)), "type": TabletType(type_of(tablet)).name},
            )
            await _ignore_absent(topo.delete_tablet(alias_of(tablet)))


async def _ignore_absent(call: Awaitable[object]) -> None:
    with contextlib.suppress(NotFoundError):
        await call
