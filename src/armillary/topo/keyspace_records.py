"""Keyspaces, shards, vschemas and routing rules: what the global topology says. I/O."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from armillary.base.errors import AlreadyExistsError, NotFoundError
from armillary.model.keyrange import KeyRange, parse_shard_name
from armillary.pb import topodata_pb2, vschema_pb2
from armillary.topo import paths, records
from armillary.topo.convert import key_range_of, key_range_to_pb
from armillary.topo.locking import Locking
from armillary.topo.names import require_keyspace_name
from armillary.topo.records import Stored


class KeyspaceRecords(Locking):
    async def list_keyspaces(self) -> list[str]:
        files = await self._cells.global_.list_files(paths.KEYSPACES, data=False)
        return paths.names_with_record(list(files), paths.KEYSPACES, "Keyspace")

    async def get_keyspace(self, keyspace: str) -> Stored[topodata_pb2.Keyspace]:
        path = paths.keyspace(keyspace)
        return await records.read(self._cells.global_, path, topodata_pb2.Keyspace)

    async def create_keyspace(self, keyspace: str, record: topodata_pb2.Keyspace) -> None:
        """Raises AlreadyExistsError."""
        require_keyspace_name(keyspace)
        await records.create(self._cells.global_, paths.keyspace(keyspace), record)

    async def update_keyspace(
        self, keyspace: str, change: Callable[[topodata_pb2.Keyspace], bool | None]
    ) -> topodata_pb2.Keyspace:
        """Let `change` edit the record; see `records.update`."""
        path = paths.keyspace(keyspace)
        return await records.update(self._cells.global_, path, topodata_pb2.Keyspace, change)

    async def delete_keyspace(self, keyspace: str) -> None:
        """Delete the record and the vschema; the caller has dealt with the shards."""
        await self._cells.global_.delete(paths.keyspace(keyspace), None)
        await self.delete_vschema(keyspace)

    # Shards

    async def list_shards(self, keyspace: str) -> list[str]:
        """Return shard names in the order of their key ranges; [] for an unknown keyspace."""
        directory = paths.shards_dir(keyspace)
        files = await self._cells.global_.list_files(directory, data=False)
        return sorted(paths.names_with_record(list(files), directory, "Shard"), key=_range_order)

    async def shards_of_keyspace(self, keyspace: str) -> dict[str, Stored[topodata_pb2.Shard]]:
        """Return all shard records, in the order of their key ranges."""
        directory = paths.shards_dir(keyspace)
        files = await self._cells.global_.list_files(directory)
        names = paths.names_with_record(list(files), directory, "Shard")
        return {
            name: records.decode(
                topodata_pb2.Shard,
                paths.shard(keyspace, name),
                files[paths.shard(keyspace, name)],
            )
            for name in sorted(names, key=_range_order)
        }

    async def get_shard(self, keyspace: str, shard: str) -> Stored[topodata_pb2.Shard]:
        path = paths.shard(keyspace, shard)
        return await records.read(self._cells.global_, path, topodata_pb2.Shard)

    async def watch_shard(
        self, keyspace: str, shard: str
    ) -> AsyncGenerator[topodata_pb2.Shard | None, None]:
        """Yield the record now and after each change, for ever; None while there is none."""
        path = paths.shard(keyspace, shard)
        async with aclosing(self._cells.global_.watch(path)) as states:
            async for file in states:
                yield records.decode_or_none(topodata_pb2.Shard, path, file)

    async def create_shard(self, keyspace: str, shard: str) -> None:
        """Create a shard record; it serves unless its range overlaps an existing shard's.

        Raises:
            NotFoundError: no such keyspace.
            AlreadyExistsError: the shard exists.
        """
        name, key_range = parse_shard_name(shard)
        async with self.lock_keyspace(keyspace, f"CreateShard({name})") as lock:
            others = await self.shards_of_keyspace(keyspace)
            if name in others:
                raise AlreadyExistsError(f"node already exists: {paths.shard(keyspace, name)}")
            overlaps = any(_overlap(key_range, key_range_of(s.value)) for s in others.values())
            record = topodata_pb2.Shard(
                key_range=key_range_to_pb(key_range), is_primary_serving=not overlaps
            )
            await lock.check()
            await records.create(self._cells.global_, paths.shard(keyspace, name), record)

    async def get_or_create_shard(
        self, keyspace: str, shard: str, *, create_keyspace: bool = True
    ) -> Stored[topodata_pb2.Shard]:
        """Return the shard; a missing keyspace is made NORMAL with a blank vschema first.

        For a tablet that starts; a person uses CreateKeyspace and CreateShard.

        Raises:
            NotFoundError: no such keyspace, and `create_keyspace` is off.
        """
        name, _ = parse_shard_name(shard)
        try:
            return await self.get_shard(keyspace, name)
        except NotFoundError:
            pass
        if create_keyspace:
            with suppress(AlreadyExistsError):
                await self.create_keyspace(keyspace, topodata_pb2.Keyspace())
            await self.ensure_vschema(keyspace)
        with suppress(AlreadyExistsError):
            await self.create_shard(keyspace, name)
        return await self.get_shard(keyspace, name)

    async def update_shard(
        self,
        keyspace: str,
        shard: str,
        change: Callable[[topodata_pb2.Shard], bool | None],
    ) -> topodata_pb2.Shard:
        """Let `change` edit the record; see `records.update`."""
        path = paths.shard(keyspace, shard)
        return await records.update(self._cells.global_, path, topodata_pb2.Shard, change)

    async def delete_shard(self, keyspace: str, shard: str) -> None:
        await self._cells.global_.delete(paths.shard(keyspace, shard), None)

    # VSchema and rules

    async def get_vschema(self, keyspace: str) -> Stored[vschema_pb2.Keyspace]:
        path = paths.vschema(keyspace)
        return await records.read(self._cells.global_, path, vschema_pb2.Keyspace)

    async def ensure_vschema(self, keyspace: str) -> None:
        """Create a blank, unsharded vschema when there is none."""
        try:
            await records.create(
                self._cells.global_, paths.vschema(keyspace), vschema_pb2.Keyspace()
            )
        except AlreadyExistsError:
            return

    async def put_vschema(self, keyspace: str, vschema: vschema_pb2.Keyspace) -> None:
        """Create or replace. vtgate sees it after `rebuild_srv_vschema`."""
        await records.write(self._cells.global_, paths.vschema(keyspace), vschema)

    async def delete_vschema(self, keyspace: str) -> None:
        await records.delete_if_there(self._cells.global_, paths.vschema(keyspace))

    async def get_routing_rules(self) -> vschema_pb2.RoutingRules:
        stored = await records.read_or_none(
            self._cells.global_, paths.ROUTING_RULES, vschema_pb2.RoutingRules
        )
        return stored.value if stored else vschema_pb2.RoutingRules()

    async def put_routing_rules(self, rules: vschema_pb2.RoutingRules) -> None:
        """No rules at all are no record."""
        if rules.rules:
            await records.write(self._cells.global_, paths.ROUTING_RULES, rules)
        else:
            await records.delete_if_there(self._cells.global_, paths.ROUTING_RULES)

    async def get_shard_routing_rules(self) -> vschema_pb2.ShardRoutingRules | None:
        stored = await records.read_or_none(
            self._cells.global_, paths.SHARD_ROUTING_RULES, vschema_pb2.ShardRoutingRules
        )
        return stored.value if stored else None

    async def get_keyspace_routing_rules(self) -> vschema_pb2.KeyspaceRoutingRules | None:
        stored = await records.read_or_none(
            self._cells.global_, paths.KEYSPACE_ROUTING_RULES, vschema_pb2.KeyspaceRoutingRules
        )
        return stored.value if stored else None

    async def get_mirror_rules(self) -> vschema_pb2.MirrorRules | None:
        stored = await records.read_or_none(
            self._cells.global_, paths.MIRROR_RULES, vschema_pb2.MirrorRules
        )
        return stored.value if stored else None


def _overlap(mine: KeyRange | None, theirs: KeyRange | None) -> bool:
    """A shard without a range overlaps every other one."""
    return mine is None or theirs is None or mine.intersects(theirs)


def _range_order(shard: str) -> tuple[bytes, str]:
    start = shard.partition("-")[0] if "-" in shard else ""
    try:
        return bytes.fromhex(start), shard
    except ValueError:
        return b"", shard
