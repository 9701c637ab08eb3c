"""The short way of a statement that goes to one shard as it is: no task, no future. I/O.

It is taken only when everything is at hand: a cached plan, a vindex that computes, an idle
connection. Whatever is not at hand, or goes wrong before any byte of an answer has passed, takes
the long way, which knows how to wait and to try again.
"""

import logging
from collections.abc import Sequence

from armillary.base.errors import InputError, PreconditionError, WireError
from armillary.routing.partition import Partition
from armillary.sql.executable_comments import UncertainCommentError
from armillary.sql.literals import NotAValue, normalise
from armillary.sql.tokens import SqlSyntaxError
from armillary.vtgate.answers.output import renamer
from armillary.vtgate.errors import SqlError
from armillary.vtgate.execution.fast_relay import FastExecute, FastRelay, RelayOwner
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.placement.resolve import routing_value
from armillary.vtgate.placement.stored_values import stored_value
from armillary.vtgate.planner.relays import Relay
from armillary.vtgate.session import PreparedStatement, Session
from armillary.vtgate.tablets.pool import TabletPool
from armillary.wire.protocol import INTEGER_TYPES, Command
from armillary.wire.scanner import KnownHead, ResponseScanner
from armillary.wire.statements import (
    ExecuteRequest,
    literals_of,
    may_be_relayed,
    parse_execute,
    statement_id_of,
)

logger = logging.getLogger(__name__)

# As plain numbers: looking up a member of an enum costs more than the comparison.
_QUERY, _STMT_EXECUTE = int(Command.QUERY), int(Command.STMT_EXECUTE)
_FIRST_LETTERS = frozenset(b"sSuUdDiI")
_HEADS_MAX = 100
_EXECUTE_BYTES_MAX = 1 << 23  # so that it is one packet to the tablet, too


class FastPath:
    def __init__(self, gateway: Gateway, session: Session) -> None:
        self._gateway = gateway
        self._session = session

    def take(self, payload: bytes, owner: RelayOwner) -> FastRelay | None:
        """Send a command on its way, or return None: take the long way."""
        command = payload[0] if payload else -1
        try:
            if command == _QUERY:
                return self.query(payload, owner)
            if command == _STMT_EXECUTE:
                return self.execute(payload, owner)
        except Exception:  # the long way tells the client what is wrong
            logger.exception("the short way met a bug")
        return None

    def query(self, payload: bytes, owner: RelayOwner) -> FastRelay | None:
        """Send COM_QUERY `payload` on its way, or return None: take the long way."""
        if len(payload) < 2 or payload[1] not in _FIRST_LETTERS or b";" in payload:
            return None
        if self._is_bound():
            return None
        sql = payload[1:]
        try:
            statement = normalise(sql)
        except (SqlSyntaxError, UncertainCommentError):
            return None
        if statement.text is not sql:
            return None
        found = self._find(statement.key, statement.literals)
        if found is None:
            return None
        relay, pool = found
        key = self._session.pool_key
        scanner = _scanner(relay, pool)
        connection = pool.take_idle(key)
        if connection is None:
            return None
        on_its_way = FastRelay(connection, pool, key, scanner, owner, reading=relay.reading)
        return on_its_way if on_its_way.send(payload) else None

    def execute(self, payload: bytes, owner: RelayOwner) -> FastRelay | None:
        """Send COM_STMT_EXECUTE on its way, or return None: take the long way."""
        if self._is_bound() or len(payload) > _EXECUTE_BYTES_MAX:
            return None
        try:
            statement = self._session.statements.get(statement_id_of(payload))
            if statement is None or not statement.parameter_count or statement.has_long_data:
                return None
            request = parse_execute(
                payload, parameter_count=statement.parameter_count, last_types=statement.types
            )
            # After LIMIT, MySQL takes integers only; the long way makes a 5 of `5.0` and of '5'.
            kinds = (request.types[2 * index] for index in statement.counts)
            if not may_be_relayed(request.types) or not INTEGER_TYPES.issuperset(kinds):
                return None
            parameters = literals_of(request)
        except WireError:
            return None
        target = self._session.target
        if statement.sql[0] not in _FIRST_LETTERS or statement.target_in(target) != target:
            return None
        literals = [parameters[slot] if isinstance(slot, int) else slot for slot in statement.slots]
        found = self._find(statement.key, literals)
        if found is None:
            return None
        statement.types = request.types
        return self._execute(statement, request, found, owner)

    def _execute(
        self,
        statement: PreparedStatement,
        request: ExecuteRequest,
        found: tuple[Relay, TabletPool],
        owner: RelayOwner,
    ) -> FastRelay | None:
        relay, pool = found
        key = self._session.pool_key
        scanner = _scanner(relay, pool)
        connection = pool.take_idle(key)
        if connection is None:
            return None
        on_its_way = FastExecute(connection, pool, key, scanner, owner, reading=relay.reading)
        return on_its_way if on_its_way.send_execute(statement.sql, request) else None

    def _is_bound(self) -> bool:
        """Whether statements must not go through just any connection to where their rows are."""
        session = self._session
        if session.once or session.select_limit is not None:
            return True
        return session.pins_connections or session.leaves_state or session.target.is_direct

    def _find(self, key: str, literals: Sequence[bytes]) -> tuple[Relay, TabletPool] | None:
        """Return where the statement goes as it is, if one tablet can take it now."""
        target = self._session.target
        gateway = self._gateway
        cluster = gateway.cluster
        cached = gateway.plans.get((target.keyspace, key), cluster.generation)
        relay = cached.relay if cached is not None else None
        if relay is None or (relay.writing and not target.is_primary):
            return None
        layout = cluster.layouts.get(relay.keyspace)
        partition = layout.partition(target.tablet_type) if layout is not None else None
        shard = self._shard(relay, partition, literals) if partition is not None else None
        if shard is None:
            return None
        pool = gateway.tablets.pool_now(relay.keyspace, shard, target.tablet_type)
        return (relay, pool) if pool is not None else None

    def _shard(self, relay: Relay, partition: Partition, literals: Sequence[bytes]) -> str | None:
        if relay.vindex is None:
            return partition.shards[0] if len(partition.shards) == 1 else None
        codec = self._session.codec
        shard = None
        try:
            for source in relay.sources:
                literal = source.literal(literals)
                if relay.into:
                    shape = self._gateway.shape_now(relay.keyspace, relay.table)
                    column = shape.columns.get(relay.into) if shape is not None else None
                    value = None
                    if column is not None:
                        value = stored_value(literal, column, codec=codec)
                else:
                    value = routing_value(literal, relay.vindex, relay.column, codec=codec)
                keyspace_id = relay.vindex.map(value) if value is not None else None
                place = partition.shard_of(keyspace_id) if keyspace_id is not None else None
                if place is None or shard not in (None, place):
                    return None
                shard = place
        except (NotAValue, InputError, PreconditionError, SqlError):
            return None
        return shard


def _scanner(relay: Relay, pool: TabletPool) -> ResponseScanner:
    """Return what follows the answer; answers to one plan mostly have the same columns."""
    known = relay.heads.get(pool.rename)
    if known is None:
        if len(relay.heads) >= _HEADS_MAX:
            relay.heads.clear()
        known = relay.heads[pool.rename] = (renamer(pool.rename), KnownHead())
    return ResponseScanner(on_column=known[0], head=known[1])
