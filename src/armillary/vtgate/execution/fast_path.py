"""The short way of a statement that goes to one shard as it is: no task, no future. I/O.

It is taken only when everything is at hand: a cached plan, a vindex that computes, an idle
connection. Whatever is not at hand, or goes wrong before any byte of an answer has passed, takes
the long way, which knows how to wait and to try again.
"""

from collections.abc import Callable

from armillary.base.errors import ArmillaryError, InputError, PreconditionError
from armillary.routing.partition import Partition
from armillary.sql.literals import NotAValue, normalise
from armillary.sql.tokens import SqlSyntaxError
from armillary.vtgate.answers.output import renamer
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.placement.resolve import routing_value
from armillary.vtgate.planner.plan import ByVindex, DmlPlan, OnlyShard, Route, SelectPlan
from armillary.vtgate.session import Session
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.vtgate.tablets.pool import PoolKey, TabletPool
from armillary.wire.errnos import READ_ONLY_ERRNOS
from armillary.wire.scanner import ResponseScanner, ResponseSummary

_FIRST_LETTERS = frozenset((b"s", b"S", b"u", b"U", b"d", b"D", b"i", b"I"))


class FastRelay:
    """One statement on its way; tells its end by callbacks."""

    def __init__(
        self,
        connection: BackendConnection,
        pool: TabletPool,
        key: PoolKey,
        scanner: ResponseScanner,
        write: Callable[[bytes], None],
        done: Callable[["FastRelay", ResponseSummary | None, Exception | None], None],
        *,
        reading: bool,
    ) -> None:
        self.connection = connection
        self.reading = reading
        self.passed = False
        self._pool = pool
        self._key = key
        self._scanner = scanner
        self._write = write
        self._done = done

    def receive(self, data: bytes) -> bool:
        out = self._scanner.feed(data)
        finished = self._scanner.done
        if finished and not self.passed and self._scanner.summary.error is not None:
            out = b""  # the caller decides what becomes of it
        if out:
            self.passed = True
            self._write(out)
        if finished:
            # After this call the connection is free; give it back when it knows that itself.
            self.connection.after_response(self._finish)
        return finished

    def _finish(self) -> None:
        if not self._scanner.summary.warnings:
            self.release()
        self._done(self, self._scanner.summary, None)

    def release(self) -> None:
        """Give the connection back; after a warning the caller does, when it has read them."""
        self._pool.release(self._key, self.connection)

    def lost(self, error: Exception) -> None:
        self._pool.discard(self.connection)
        self._done(self, None, error)

    def give_up(self) -> None:
        """Nobody waits for the answer any more: close the connection, which ends the statement."""
        self._done = _nobody
        self.connection.abort()


def _nobody(relay: FastRelay, summary: ResponseSummary | None, error: Exception | None) -> None:
    return


def may_try_again(relay: FastRelay, summary: ResponseSummary | None) -> bool:
    """Whether the statement surely did nothing, or may be repeated."""
    if relay.passed:
        return False
    if summary is None:
        return relay.reading
    return summary.error is not None and summary.error.errno in READ_ONLY_ERRNOS


class FastPath:
    def __init__(self, gateway: Gateway, session: Session) -> None:
        self._gateway = gateway
        self._session = session

    def start(
        self,
        payload: bytes,
        write: Callable[[bytes], None],
        done: Callable[[FastRelay, ResponseSummary | None, Exception | None], None],
    ) -> FastRelay | None:
        """Send COM_QUERY `payload` on its way, or return None: take the long way."""
        if payload[1:2] not in _FIRST_LETTERS or b";" in payload:
            return None
        session = self._session
        target = session.target
        if session.pins_connections or target.is_direct:
            return None
        sql = payload[1:]
        try:
            statement = normalise(sql)
        except SqlSyntaxError:
            return None
        if statement.text is not sql:
            return None
        found = self._plan(statement.key)
        if found is None:
            return None
        route, reading = found
        shard = self._shard(route, statement.literals)
        if shard is None:
            return None
        pool = self._gateway.tablets.pool_now(route.keyspace, shard, target.tablet_type)
        connection = pool.take_idle(session.pool_key) if pool is not None else None
        if pool is None or connection is None:
            return None
        rename = (pool.tablet.database.encode(), route.keyspace.encode())
        scanner = ResponseScanner(on_column=renamer(rename))
        key = session.pool_key
        relay = FastRelay(connection, pool, key, scanner, write, done, reading=reading)
        try:
            connection.send(payload, relay)
        except ArmillaryError:
            pool.discard(connection)
            return None
        return relay

    def _plan(self, key: str) -> tuple[Route, bool] | None:
        """Return a cached plan's route, and whether it only reads; None if it is not simple."""
        target = self._session.target
        cluster = self._gateway.cluster
        cached = self._gateway.plans.get((target.keyspace, key), cluster.generation)
        if cached is None:
            return None
        plan = cached.plan
        if isinstance(plan, SelectPlan):
            simple = (
                plan.template is None
                and not plan.fixed
                and not plan.schema_literals
                and not plan.counts_found
            )
            return (plan.route, not plan.locking) if simple else None
        if isinstance(plan, DmlPlan) and plan.select_owned is None and plan.template is None:
            return (plan.route, False) if target.is_primary else None
        return None

    def _shard(self, route: Route, literals: tuple[bytes, ...]) -> str | None:
        layout = self._gateway.cluster.layouts.get(route.keyspace)
        partition = (
            layout.partition(self._session.target.tablet_type) if layout is not None else None
        )
        if partition is None:
            return None
        if isinstance(route, OnlyShard):
            return partition.shards[0] if len(partition.shards) == 1 else None
        if isinstance(route, ByVindex) and len(route.sources) == 1:
            return self._by_vindex(route, partition, literals)
        return None

    def _by_vindex(
        self, route: ByVindex, partition: Partition, literals: tuple[bytes, ...]
    ) -> str | None:
        try:
            literal = route.sources[0].literal(literals)
            value = routing_value(literal, route.vindex, route.column, codec=self._session.codec)
            keyspace_id = route.vindex.map(value) if value is not None else None
            return partition.shard_of(keyspace_id) if keyspace_id is not None else None
        except (NotAValue, InputError, PreconditionError):
            return None
