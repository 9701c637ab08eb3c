"""GET_LOCK and its like: named locks, which hold sessions of all gateways apart. I/O.

Sessions meet only where they ask one server, so all ask the primary of the first shard of the
keyspace whose name sorts first, whatever keyspace they use (as Vitess does). A session that may
hold locks has a connection of its own there, besides all others, until it ends or gives up all.
"""

from armillary.model.tablet import TabletType
from armillary.vtgate.answers.output import Output
from armillary.vtgate.errors import RefusedError, StateLostError, TabletUnavailableError
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.planner.stored_functions import refuse_stored_call
from armillary.vtgate.planner.text import (
    SessionUse,
    build_template,
    find_session_terms,
    refuse_connection_state,
    tokens_of,
)
from armillary.vtgate.session import Reserved, ServerKey
from armillary.vtgate.transactions.reserving import bring_up_to_date, discard
from armillary.wire.scanner import ResponseSummary

_ELSEWHERE = frozenset(
    """FROM INTO UNION EXCEPT INTERSECT TABLE VALUES WITH PROCEDURE INSERT UPDATE DELETE REPLACE SET
    CALL""".split()  # noqa: SIM905
)
_HOLDS = frozenset({"named locks"})
_FILTERS = frozenset({"WHERE", "HAVING", "LIMIT", "OFFSET", "FETCH"})


class NamedLocks:
    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._session = executor.session

    async def run(self, sql: bytes, out: Output) -> ResponseSummary:
        """Answer SELECT or DO of values of which some are calls for named locks.

        Raises:
            RefusedError: it reads or writes tables as well, or asks who holds a lock.
            StateLostError: as `tell_loss`.
            TabletUnavailableError: the tablet that has the locks does not serve.
        """
        text = sql.decode("latin-1")
        use = find_session_terms(tokens_of(text))
        self._refuse_more(text, use)
        self.tell_loss()
        server = self._server()
        reserved = self._session.named_locks or await self._reserve(server)
        # Also when the statement fails: it may have been behind the lock.
        may_hold = self._session.named_locks is not None or "GET_LOCK" in use.named_locks
        try:
            await bring_up_to_date(self._session, reserved)
            summary = await self._relay(reserved, server, self._render(text, use), out)
            may_hold &= summary.error is not None or not _gives_up_all(text, use)
            return summary
        finally:
            self._keep(reserved, may_hold=may_hold)

    def tell_loss(self) -> None:
        """Do nothing while this session's named locks hold, if it has any.

        Raises:
            StateLostError: they are gone, or other sessions ask another server now. Told once.
        """
        reserved = self._session.named_locks
        if reserved is None:
            return
        server = self._server()
        if reserved.connection.broken:
            why = "the connection that held them is lost"
        elif self._executor.gateway.tablets.pool_now(*server) not in (reserved.pool, None):
            why = "another tablet serves there now"
        else:
            return
        self._session.named_locks = None
        discard(reserved)
        raise StateLostError(f"{server[0]}/{server[1]}", _HOLDS, why)

    def _server(self) -> ServerKey:
        layouts = self._executor.gateway.cluster.layouts
        for keyspace in sorted(layouts):
            partition = layouts[keyspace].partition(TabletType.PRIMARY)
            if partition is not None and partition.shards:
                return keyspace, partition.shards[0], TabletType.PRIMARY
        raise TabletUnavailableError("no keyspace has a serving shard, so nobody has named locks")

    async def _reserve(self, server: ServerKey) -> Reserved:
        pool = await self._executor.gateway.tablets.pool(*server)
        key = self._session.pool_key
        return Reserved(await pool.acquire(key), pool, key)

    async def _relay(
        self, reserved: Reserved, server: ServerKey, sql: bytes, out: Output
    ) -> ResponseSummary:
        executor = self._executor
        executor.running.add(reserved.connection)
        try:
            return await executor.relay(reserved.connection, server[0], sql, out)
        finally:
            executor.running.discard(reserved.connection)

    def _keep(self, reserved: Reserved, *, may_hold: bool) -> None:
        session = self._session
        if reserved.connection.busy:  # interrupted at work: its late answer is nobody's
            reserved.connection.abort()
        is_new = session.named_locks is None
        if may_hold and not (is_new and reserved.connection.broken):
            session.named_locks = reserved
        else:
            session.named_locks = None
            reserved.pool.release(reserved.key, reserved.connection)

    def _render(self, text: str, use: SessionUse) -> bytes:
        marks = [b"?"] * text.count("?")
        return self._executor.texts.render(build_template(text, use.splices), marks)

    def _refuse_more(self, text: str, use: SessionUse) -> None:
        tokens = [token for token in tokens_of(text) if token.text != ";"]
        words = [token.upper for token in tokens]
        call = min(use.named_locks)
        if words[-2:] == ["FROM", "DUAL"]:
            del words[-2:]
        if words[0] not in ("SELECT", "DO") or _ELSEWHERE & set(words) or words.count("SELECT") > 1:
            raise RefusedError(f"{call}() beside more than values; ask for it alone: SELECT {call}")
        if "IS_USED_LOCK" in use.named_locks:
            raise RefusedError("IS_USED_LOCK(): it would tell the id of a connection of a server")
        refusal = refuse_stored_call(tokens)
        if refusal is not None:
            raise refusal
        refuse_connection_state(use, locking=True)


def _gives_up_all(text: str, use: SessionUse) -> bool:
    """Whether no lock is held after a statement: it has surely called RELEASE_ALL_LOCKS()."""
    words = [token.upper for token in tokens_of(text)]
    is_surely_called = words[1:4] == ["RELEASE_ALL_LOCKS", "(", ")"] and not _FILTERS & set(words)
    return is_surely_called and "GET_LOCK" not in use.named_locks
