"""What all sessions of one gateway share. I/O."""

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from armillary.base.errors import ArmillaryError, MysqlError
from armillary.model.tablet import TabletType
from armillary.sql.executable_comments import ServerKind
from armillary.vtgate.answers.merge import CollationFacts
from armillary.vtgate.errors import TabletUnavailableError
from armillary.vtgate.planner.plan import Plan
from armillary.vtgate.planner.relays import Relay, relay_of
from armillary.vtgate.planner.shapes import TableShape, shape_of
from armillary.vtgate.tablets.backend import Result
from armillary.vtgate.tablets.cluster import Cluster
from armillary.vtgate.tablets.pool import PoolKey
from armillary.vtgate.tablets.selection import Tablets
from armillary.vtgate.writes.sequences import Sequence
from armillary.wire.protocol import UTF8MB4_GENERAL_CI
from armillary.wire.rows import split_text_row
from armillary.wire.statements import quote

if TYPE_CHECKING:
    from armillary.vtgate.answers.scatter import ScatterPlan

logger = logging.getLogger(__name__)

ReloadSchemas = Callable[[str], Awaitable[None]]
Ask = Callable[[str, bytes], Awaitable[Result]]  # of a keyspace, a query

SHAPE_TTL_S = 60.0
_PLAN_BYTES_MAX = 16 << 20
_VERSION_RETRY_S = 10.0
_PLAN_KEY_BYTES_MAX = 16 << 10
_PLAN_BYTES = 2000  # a plan besides its key, roughly
# A question may have to wait for a schema change, but not for days.
METADATA_KEY = PoolKey(
    UTF8MB4_GENERAL_CI, False, ("SET character_set_results = NULL, lock_wait_timeout = 50",)
)


@dataclass(slots=True)
class CachedPlan:
    plan: Plan
    generation: int
    expires_at: float
    relay: Relay | None = field(init=False)
    # By the kind of session, and the kinds of literals, on which the columns' types depend.
    scatter: "dict[tuple[PoolKey, tuple[bytes, ...]], ScatterPlan]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.relay = relay_of(self.plan)


@dataclass(slots=True)
class PlanCache:
    """Plans by key, bounded by bytes; the one unused for longest goes first."""

    entries: "OrderedDict[tuple[str, str], CachedPlan]" = field(default_factory=OrderedDict)
    bytes_used: int = 0

    def get(self, key: tuple[str, str], generation: int) -> CachedPlan | None:
        found = self.entries.get(key)
        if found is None:
            return None
        if found.generation != generation or found.expires_at < time.monotonic():
            self._drop(key)
            return None
        self.entries.move_to_end(key)
        return found

    def put(self, key: tuple[str, str], plan: CachedPlan) -> None:
        if len(key[1]) > _PLAN_KEY_BYTES_MAX:
            return
        if key in self.entries:
            self._drop(key)
        self.entries[key] = plan
        self.bytes_used += len(key[1]) + _PLAN_BYTES
        while self.bytes_used > _PLAN_BYTES_MAX:
            self._drop(next(iter(self.entries)))

    def drop(self, key: tuple[str, str]) -> None:
        if key in self.entries:
            self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        del self.entries[key]
        self.bytes_used -= len(key[1]) + _PLAN_BYTES


def _texts(cells: list[bytes | None]) -> tuple[str, str]:
    first, second = ((cell or b"").decode("utf-8", "replace") for cell in cells)
    return first, second


@dataclass(frozen=True, slots=True)
class _KnownShape:
    shape: TableShape
    generation: int
    expires_at: float


class Gateway:
    def __init__(
        self, cluster: Cluster, tablets: Tablets, reload_schemas: ReloadSchemas | None = None
    ) -> None:
        self.cluster = cluster
        self._reload_schemas = reload_schemas
        self.tablets = tablets
        self.server_kind: ServerKind | None = None  # until one was asked
        self.plans = PlanCache()
        self._shapes: dict[tuple[str, str], _KnownShape] = {}
        self._collations: dict[int, CollationFacts] = {}
        self._sequences: dict[tuple[str, str], Sequence] = {}

    def sequence(self, keyspace: str, table: str) -> Sequence:
        return self._sequences.setdefault((keyspace, table), Sequence())

    async def schema_changed(self, keyspace: str) -> None:
        """Forget tables as they were, here and, before this returns, in all other gateways."""
        self.cluster.tables_changed()
        if self._reload_schemas is not None:
            with anyio.CancelScope(shield=True):
                await self._reload_schemas(keyspace)

    def shape_now(self, keyspace: str, table: str) -> TableShape | None:
        """As `shape`, without asking: None when it is not known."""
        known = self._shapes.get((keyspace, table))
        if known is None or known.generation != self.cluster.generation:
            return None
        return known.shape if known.expires_at > time.monotonic() else None

    async def shape(
        self, keyspace: str, table: str, *, anew: bool = False, ask: Ask | None = None
    ) -> TableShape:
        """Return a table's columns, asking a shard once a minute, and after each known change.

        Args:
            anew: ask in any case; plans made of other columns are not used again.
            ask: how, if not over any connection. It describes columns as they are.
        Raises:
            MysqlError: the table is not there.
            TabletUnavailableError: no shard answers.
        """
        known = self.shape_now(keyspace, table)
        if known is not None and not anew:
            return known
        ask = ask or self.ask
        generation = self.cluster.generation  # of before: what changes meanwhile is asked anew
        name = table.replace("`", "``").encode()
        result = await ask(keyspace, b"select * from `" + name + b"` limit 0")
        answer = await ask(
            keyspace,
            b"select lower(column_name), extra, column_default is not null and "
            b"column_default <> 'NULL' from information_schema.columns "
            b"where table_schema = database() and table_name = " + quote(table.encode()),
        )
        defaults, extras = set(), {}
        for row in answer.rows:
            name, extra, has_default = (cell or b"" for cell in split_text_row(row, 3))
            extras[name.decode()] = extra.decode()
            if has_default == b"1":
                defaults.add(name.decode())
        fired = await ask(
            keyspace,
            b"select event_manipulation, action_statement from information_schema.triggers "
            b"where event_object_schema = database() and action_timing = 'BEFORE' "
            b"and event_object_table = " + quote(table.encode()),
        )
        triggers = [_texts(split_text_row(row, 2)) for row in fired.rows]
        shape = shape_of(result.columns, defaults=defaults, extras=extras, triggers=triggers)
        if known is not None and known != shape:
            self.cluster.tables_changed()
            generation += 1
        expires_at = time.monotonic() + SHAPE_TTL_S
        self._shapes[(keyspace, table)] = _KnownShape(shape, generation, expires_at)
        return shape

    async def ask(
        self,
        keyspace: str,
        sql: bytes,
        settings: tuple[str, ...] = (),
        *,
        collation_id: int = UTF8MB4_GENERAL_CI,
    ) -> Result:
        """Run a query on any shard; its columns come with the collations that they really have.

        Raises:
            MysqlError: the server refuses.
            TabletUnavailableError: no shard answers.
        """
        layout = self.cluster.layouts.get(keyspace)
        partition = layout.partition(TabletType.PRIMARY) if layout is not None else None
        if partition is None or not partition.shards:
            raise TabletUnavailableError(f"keyspace {keyspace} has no serving shard")
        error: Exception | None = None
        for tablet_type in (TabletType.PRIMARY, TabletType.REPLICA, TabletType.RDONLY):
            for shard in partition.shards:
                pool = self.tablets.pool_now(keyspace, shard, tablet_type)
                if pool is None:
                    continue
                key = PoolKey(collation_id, False, (*settings, *METADATA_KEY.settings))
                try:
                    connection = await pool.acquire(key)
                except TabletUnavailableError as problem:
                    error = problem
                    continue
                try:
                    return await connection.query(sql)
                finally:
                    pool.release(key, connection)
        raise error or TabletUnavailableError(f"no healthy tablet in keyspace {keyspace}")

    async def server_version(self) -> str:
        """Wait for a tablet that serves, and return its server's version as clients see ours.

        Drivers choose collations and syntax by it, so it must be that of the servers behind.
        `server_kind` is that server's from then on.
        """
        while True:
            for tablet in self.cluster.tablets():
                if not tablet.serving:
                    continue
                pool = self.tablets.pools.of(tablet)
                try:
                    connection = await pool.acquire(METADATA_KEY)
                except ArmillaryError as error:
                    logger.warning("no version of a server", extra={"reason": str(error)})
                    continue
                pool.release(METADATA_KEY, connection)
                self.server_kind = ServerKind.parse(connection.server_version)
                number = connection.server_version.partition("-MariaDB")
                return f"{number[0]}{number[1]}-Armillary"
            with anyio.move_on_after(_VERSION_RETRY_S):
                await self.cluster.wait_for_change()

    def collation(self, collation_id: int) -> CollationFacts:
        """Return what `learn_collations` has learnt."""
        return self._collations[collation_id]

    async def learn_collation(self, keyspace: str, collation_id: int) -> None:
        """Ask a server how this collation compares; it never changes, so once is enough."""
        if collation_id in self._collations:
            return
        name, charset = await self._collation_name(keyspace, collation_id)
        space = f"convert(' ' using {charset}) collate {name}"
        two = f"convert('  ' using {charset}) collate {name}"
        a, a_space = (f"convert('{text}' using {charset}) collate {name}" for text in ("a", "a "))
        result = await self.ask(
            keyspace,
            f"select weight_string({space}), weight_string({two}), {a} = {a_space}".encode(),
        )
        cells = split_text_row(result.rows[0], 3)
        one, double = cells[0] or b"", cells[1] or b""
        self._collations[collation_id] = CollationFacts(
            name=name, pads=cells[2] == b"1", space=one, single_level=double == one * 2
        )

    async def _collation_name(self, keyspace: str, collation_id: int) -> tuple[str, str]:
        queries = (
            "select full_collation_name, character_set_name "
            "from information_schema.collation_character_set_applicability "
            f"where id = {collation_id:d}",
            "select collation_name, character_set_name from information_schema.collations "
            f"where id = {collation_id:d}",
        )
        for sql in queries:
            try:
                result = await self.ask(keyspace, sql.encode())
            except MysqlError:
                continue  # MariaDB has the first form, MySQL the second
            if result.rows:
                name, charset = split_text_row(result.rows[0], 2)
                return (name or b"").decode("ascii"), (charset or b"").decode("ascii")
        raise MysqlError(1273, "HY000", f"Unknown collation: {collation_id}")
