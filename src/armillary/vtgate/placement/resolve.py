"""From a route and a statement's literals to shards; lookups ask the executor."""

import re
from collections.abc import Awaitable, Callable, Sequence

from armillary.base.errors import InputError, PreconditionError
from armillary.model.tablet import TabletType
from armillary.routing.lookup import LookupVindex
from armillary.routing.partition import Partition
from armillary.routing.vindexes import LOOSE_KINDS, FunctionalVindex, Value
from armillary.routing.vschema import UnknownKeyspaceError
from armillary.sql.literals import EXACT_DOUBLES, NotAValue, literal_value, whole_double
from armillary.vtgate.errors import RefusedError, SqlError, TabletUnavailableError, several_shards
from armillary.vtgate.placement.stored_values import whole_number
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
from armillary.vtgate.planner.shapes import EXACT_COLLATIONS, ColumnShape
from armillary.vtgate.tablets.cluster import Cluster
from armillary.wire.protocol import BINARY_COLLATION, ColumnType

# By collation: text to which only text of the same primary weights is equal. What a server holds
# equal may differ there: general_ci takes ß for s and ı for i, other collations much more.
_ONE_WEIGHT = {
    33: re.compile(rb"[\x20-HJ-RT-hj-rt-\x7e]*"),  # utf8mb3_general_ci
    45: re.compile(rb"[\x20-HJ-RT-hj-rt-\x7e]*"),  # utf8mb4_general_ci
    8: re.compile(rb"[\x20-XZ^-xz-\x7e]*"),  # latin1_swedish_ci, where Y = Ü and ] = Ö
    11: re.compile(rb"[\x20-\x7e]*"),  # ascii_general_ci
}


def has_one_weight(value: bytes, collation_id: int) -> bool:
    """Whether all text that a collation holds equal to `value` has its primary weights.

    Measured over all characters of the collations; of others nothing is promised.
    """
    if collation_id in EXACT_COLLATIONS:
        return True
    safe = _ONE_WEIGHT.get(collation_id)
    return safe is not None and safe.fullmatch(value) is not None


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
    if column is None or column.type == ColumnType.YEAR:
        raise NotAValue
    if vindex.by_number or column.is_integer:
        number = whole_number(literal, value)
        if not column.is_integer and abs(number) >= EXACT_DOUBLES:
            raise NotAValue  # compared as doubles, of which one equals several numbers
        return number
    if isinstance(value, int) or not column.is_string:
        raise NotAValue
    if column.collation_id == BINARY_COLLATION:
        return value
    if vindex.type in LOOSE_KINDS and has_one_weight(value, column.collation_id):
        return value
    raise NotAValue


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

    def only_shard(self, keyspace: str) -> tuple[str, ...]:
        """Return the shard of an unsharded keyspace.

        Raises:
            SqlError: it has several, so its VSchema is missing or wrong.
        """
        shards = self.partition(keyspace).shards
        if len(shards) > 1:
            schema = self._cluster.vschema.keyspaces.get(keyspace)
            has_tables = schema is not None and bool(schema.tables)
            raise several_shards(keyspace, len(shards), has_tables=has_tables)
        return shards

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
                return self.only_shard(route.keyspace)
            case AllShards():
                return self._all(route.keyspace, partition)
            case ByKeyspaceId():
                return (partition.shard_of(route.keyspace_id),)
            case ByVindex():
                return self._by_vindex(route, partition, literals)
            case ByLookup():
                values = [source.literal(literals) for source in route.sources]
                if not all(_is_of_kind(value, route.column) for value in values):
                    return self._all(route.keyspace, partition)
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


def _is_of_kind(literal: bytes, column: ColumnShape | None) -> bool:
    """Whether a value is compared with the column as it is; 0 equals any text without digits."""
    if column is None or literal.upper() == b"NULL":
        return True
    if column.is_string:
        return literal[:1] in (b"'", b'"')
    if not column.is_number:
        return True
    return literal.lstrip(b"-").isdigit() or whole_double(literal) is not None


def _ordered(partition: Partition, ids: set[bytes]) -> tuple[str, ...]:
    wanted = {partition.shard_of(keyspace_id) for keyspace_id in ids}
    return tuple(shard for shard in partition.shards if shard in wanted)


def unmappable(vindex: str, literal: bytes) -> SqlError:
    shown = literal[:60].decode("utf-8", "replace")
    return SqlError(1105, f"VT09023: could not map {shown} to a keyspace id by vindex {vindex}")
