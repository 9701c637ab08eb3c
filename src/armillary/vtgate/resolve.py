"""From a route and a statement's literals to shards; lookups ask the executor."""

from collections.abc import Awaitable, Callable, Sequence

from armillary.base.errors import InputError, PreconditionError
from armillary.model.tablet import TabletType
from armillary.routing.lookup import LookupVindex
from armillary.routing.partition import Partition
from armillary.routing.vindexes import LOOSE_KINDS, FunctionalVindex, Value
from armillary.routing.vschema import UnknownKeyspaceError
from armillary.sql.literals import NotAValue, literal_value
from armillary.vtgate.cluster import Cluster
from armillary.vtgate.errors import RefusedError, SqlError, TabletUnavailableError
from armillary.vtgate.planner.plan import (
    AllShards,
    AnyShard,
    ByKeyspaceId,
    ByLookup,
    ByVindex,
    OnlyShard,
    Route,
    SameShard,
)
from armillary.vtgate.planner.shapes import ColumnShape
from armillary.wire.protocol import BINARY_COLLATION

Lookup = Callable[[LookupVindex, str, Sequence[bytes]], Awaitable[set[bytes]]]


def routing_value(
    literal: bytes, vindex: FunctionalVindex, column: ColumnShape | None, *, codec: str
) -> Value:
    """Return the value by which rows equal to `literal` were placed.

    MySQL compares more loosely than a hash does: 'A' = 'a', 1 = '1.0', 'a' = 'a '. Where equal
    values could have different ids, there is no value to route by.

    Raises:
        NotAValue: the statement must go to all shards.
    """
    value = literal_value(literal, codec=codec)
    if value is None:
        return None
    if vindex.by_number:
        if isinstance(value, bytes) and not _is_number(value):
            raise NotAValue
        return value
    if column is None:
        raise NotAValue
    if column.is_integer:
        return _as_integer(value)
    exact = vindex.type in LOOSE_KINDS or column.collation_id == BINARY_COLLATION
    if isinstance(value, int) or not column.is_string or not exact:
        raise NotAValue
    return value


def _as_integer(value: int | bytes) -> int:
    if isinstance(value, bytes) and not _is_number(value):
        raise NotAValue
    return int(value)


def placing_value(
    literal: bytes, vindex: FunctionalVindex, column: ColumnShape | None, *, codec: str
) -> Value:
    """Return the value by which a new row with `literal` in its column is placed.

    Raises:
        NotAValue: what will be stored cannot be told from the literal.
    """
    value = literal_value(literal, codec=codec)
    if column is None or value is None:
        return value
    if column.is_integer:
        return _as_integer(value)
    if not column.is_string and not vindex.by_number:
        raise NotAValue
    return value


def _is_number(value: bytes) -> bool:
    return value.isdigit() or (value[:1] == b"-" and value[1:].isdigit())


class Resolver:
    def __init__(
        self, cluster: Cluster, tablet_type: TabletType, *, codec: str, lookup: Lookup
    ) -> None:
        self._cluster = cluster
        self._tablet_type = tablet_type
        self._codec = codec
        self._lookup = lookup

    def partition(self, keyspace: str) -> Partition:
        """Raises: TabletUnavailableError, SqlError: no such keyspace, or nothing serves it."""
        layout = self._cluster.layouts.get(keyspace)
        partition = layout.partition(self._tablet_type) if layout is not None else None
        if partition is None or not partition.shards:
            if keyspace not in self._cluster.vschema.keyspaces:
                raise UnknownKeyspaceError(keyspace)
            raise TabletUnavailableError(f"keyspace {keyspace} has no serving shard")
        return partition

    async def shards(self, route: Route, literals: Sequence[bytes]) -> tuple[str, ...]:
        """Return the shards, in key range order; none when no row can match.

        Raises:
            RefusedError: routes that must meet do not.
            PreconditionError: the shards do not cover the keyspace.
        """
        partition = self.partition(route.keyspace)
        match route:
            case AnyShard():
                return partition.shards[:1]
            case OnlyShard():
                if len(partition.shards) > 1:
                    raise RefusedError(
                        f"keyspace {route.keyspace} is unsharded in its VSchema, "
                        f"and has {len(partition.shards)} shards"
                    )
                return partition.shards
            case AllShards():
                return self._all(route.keyspace, partition)
            case ByKeyspaceId():
                return (partition.shard_of(route.keyspace_id),)
            case ByVindex():
                return self._by_vindex(route, partition, literals)
            case ByLookup():
                values = [source.literal(literals) for source in route.sources]
                ids = await self._lookup(route.vindex, route.keyspace, values)
                return _ordered(partition, ids)
            case SameShard():
                return await self._same(route, literals)

    def _all(self, keyspace: str, partition: Partition) -> tuple[str, ...]:
        if not partition.is_whole():
            raise PreconditionError(
                f"the shards of {keyspace} that serve do not cover it: "
                f"{', '.join(partition.shards)}"
            )
        return partition.shards

    def _by_vindex(
        self, route: ByVindex, partition: Partition, literals: Sequence[bytes]
    ) -> tuple[str, ...]:
        ids: set[bytes] = set()
        try:
            for source in route.sources:
                literal = source.literal(literals)
                value = routing_value(literal, route.vindex, route.column, codec=self._codec)
                if value is None:
                    continue  # nothing equals NULL
                keyspace_id = route.vindex.map(value)
                if keyspace_id is not None:
                    ids.add(keyspace_id)
        except (NotAValue, InputError):
            return self._all(route.keyspace, partition)
        return _ordered(partition, ids)

    async def _same(self, route: SameShard, literals: Sequence[bytes]) -> tuple[str, ...]:
        found: set[tuple[str, ...]] = set()
        for part in route.routes:
            found.add(await self.shards(part, literals))
        if len(found) != 1 or len(next(iter(found))) != 1:
            raise RefusedError("joining or comparing rows that live on different shards")
        return next(iter(found))


def _ordered(partition: Partition, ids: set[bytes]) -> tuple[str, ...]:
    wanted = {partition.shard_of(keyspace_id) for keyspace_id in ids}
    return tuple(shard for shard in partition.shards if shard in wanted)


def unmappable(vindex: str, literal: bytes) -> SqlError:
    shown = literal[:60].decode("utf-8", "replace")
    return SqlError(1105, f"VT09023: could not map {shown} to a keyspace id by vindex {vindex}")
