"""Tablets and the lists of which tablets a shard has in a cell. I/O."""

import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing

from armillary.base.errors import AlreadyExistsError, NotFoundError, UnavailableError
from armillary.model.tablet import TabletAlias
from armillary.pb import topodata_pb2
from armillary.topo import paths, records
from armillary.topo.convert import alias_from_pb, alias_of, alias_to_pb
from armillary.topo.keyspace_records import KeyspaceRecords
from armillary.topo.records import Stored

logger = logging.getLogger(__name__)

Tablet = topodata_pb2.Tablet


class TabletRecords(KeyspaceRecords):
    async def get_tablet(self, alias: TabletAlias) -> Stored[Tablet]:
        connection = await self._cells.of(alias.cell)
        return await records.read(connection, paths.tablet(alias), Tablet)

    async def create_tablet(self, tablet: Tablet) -> None:
        """Create the record and enter the tablet into its shard's list.

        Raises:
            AlreadyExistsError: there is a record (the list is put right nevertheless).
        """
        alias = alias_of(tablet)
        connection = await self._cells.of(alias.cell)
        try:
            await records.create(connection, paths.tablet(alias), tablet)
        finally:
            await self.add_to_shard_replication(tablet)

    async def put_tablet(self, tablet: Tablet) -> None:
        """Create or replace the record, and enter the tablet into its shard's list."""
        alias = alias_of(tablet)
        await records.write(await self._cells.of(alias.cell), paths.tablet(alias), tablet)
        await self.add_to_shard_replication(tablet)

    async def update_tablet(
        self, alias: TabletAlias, change: Callable[[Tablet], bool | None]
    ) -> Tablet:
        """Let `change` edit the record; see `records.update`."""
        connection = await self._cells.of(alias.cell)
        return await records.update(connection, paths.tablet(alias), Tablet, change)

    async def delete_tablet(self, alias: TabletAlias) -> None:
        """Delete the record, and the tablet from its shard's list."""
        connection = await self._cells.of(alias.cell)
        stored = await records.read(connection, paths.tablet(alias), Tablet)
        await connection.delete(paths.tablet(alias), None)
        await self.remove_from_shard_replication(stored.value.keyspace, stored.value.shard, alias)

    async def list_tablets(
        self, cells: Sequence[str] | None = None, *, strict: bool = False
    ) -> list[Tablet]:
        """Return all tablets of these cells (all cells for None), by alias.

        A cell whose server is away is left out with a log line, unless `strict` or it is the
        only one that could have answered.
        """
        names = await self.list_cells() if cells is None else cells
        found: list[Tablet] = []
        failures: list[UnavailableError] = []
        for cell in names:
            try:
                connection = await self._cells.of(cell)
                files = await connection.list_files(paths.TABLETS)
            except UnavailableError as error:
                logger.warning("cell left out", extra={"cell": cell, "error": str(error)})
                failures.append(error)
                continue
            found += [
                records.decode(Tablet, path, file).value
                for path, file in files.items()
                if path.endswith("/Tablet")
            ]
        if failures and (strict or len(failures) == len(names)):
            raise failures[0]
        return sorted(found, key=lambda tablet: str(alias_of(tablet)))

    async def tablets_of_shard(
        self, keyspace: str, shard: str, *, strict: bool = False
    ) -> dict[TabletAlias, Tablet]:
        """Return the shard's tablets in all cells. `strict`: every cell must answer."""
        return {
            alias_of(tablet): tablet
            for tablet in await self.list_tablets(strict=strict)
            if tablet.keyspace == keyspace and tablet.shard == shard
        }

    # Which tablets of a cell replicate a shard

    async def get_shard_replication(
        self, cell: str, keyspace: str, shard: str
    ) -> Stored[topodata_pb2.ShardReplication]:
        connection = await self._cells.of(cell)
        path = paths.shard_replication(keyspace, shard)
        return await records.read(connection, path, topodata_pb2.ShardReplication)

    async def add_to_shard_replication(self, tablet: Tablet) -> None:
        alias = alias_of(tablet)
        connection = await self._cells.of(alias.cell)
        path = paths.shard_replication(tablet.keyspace, tablet.shard)

        def add(record: topodata_pb2.ShardReplication) -> bool:
            if alias in _aliases(record):
                return False
            record.nodes.add(tablet_alias=alias_to_pb(alias))
            return True

        try:
            await records.update(connection, path, topodata_pb2.ShardReplication, add)
        except NotFoundError:
            fresh = topodata_pb2.ShardReplication()
            add(fresh)
            try:
                await records.create(connection, path, fresh)
            except AlreadyExistsError:
                await records.update(connection, path, topodata_pb2.ShardReplication, add)

    async def remove_from_shard_replication(
        self, keyspace: str, shard: str, alias: TabletAlias
    ) -> None:
        connection = await self._cells.of(alias.cell)
        path = paths.shard_replication(keyspace, shard)

        def remove(record: topodata_pb2.ShardReplication) -> bool:
            kept = [alias_to_pb(other) for other in _aliases(record) if other != alias]
            changed = len(kept) != len(record.nodes)
            del record.nodes[:]
            for other in kept:
                record.nodes.add(tablet_alias=other)
            return changed

        try:
            await records.update(connection, path, topodata_pb2.ShardReplication, remove)
        except NotFoundError:
            return

    async def delete_shard_replication(self, cell: str, keyspace: str, shard: str) -> None:
        connection = await self._cells.of(cell)
        await records.delete_if_there(connection, paths.shard_replication(keyspace, shard))

    async def watch_tablet(self, alias: TabletAlias) -> AsyncGenerator[Tablet | None, None]:
        """Yield a tablet's record now and after each change, for ever; None while it has none."""
        connection = await self._cells.of(alias.cell)
        path = paths.tablet(alias)
        async with aclosing(connection.watch(path)) as states:
            async for file in states:
                yield records.decode_or_none(Tablet, path, file)

    async def watch_tablets(self, cell: str) -> AsyncGenerator[dict[TabletAlias, Tablet], None]:
        """Yield all tablets of a cell now and after each change, for ever."""
        connection = await self._cells.of(cell)
        async with aclosing(connection.watch_dir(paths.TABLETS)) as states:
            async for files in states:
                tablets = (
                    records.decode(Tablet, path, file).value
                    for path, file in files.items()
                    if path.endswith("/Tablet")
                )
                yield {alias_of(tablet): tablet for tablet in tablets}


def _aliases(record: topodata_pb2.ShardReplication) -> Iterable[TabletAlias]:
    return [alias_from_pb(node.tablet_alias) for node in record.nodes]
