"""Send a SELECT to several shards at once, and answer with what `scatter` makes of theirs. I/O."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING

import anyio

from armillary.base.errors import ArmillaryError
from armillary.sql.literals import literal_kinds
from armillary.vtgate.answers.output import Output
from armillary.vtgate.answers.scatter import (
    ScatterPlan,
    finish_draft,
    limit_number,
    merge_rows,
    probe_template,
)
from armillary.vtgate.errors import (
    ConnectionLostError,
    RefusedError,
    TabletUnavailableError,
    is_known_away,
)
from armillary.vtgate.execution.server_warnings import read_warnings
from armillary.vtgate.gateway import CachedPlan
from armillary.vtgate.planner.plan import ScatterDraft, SessionTerm, Source
from armillary.vtgate.planner.shapes import ColumnShape, column_shape
from armillary.vtgate.planner.text import LIMIT_TERM
from armillary.vtgate.tablets.backend import BackendConnection, RowStream
from armillary.vtgate.tablets.preparing import prepare_without_parameters
from armillary.wire.columns import ColumnDefinition, replace_schema
from armillary.wire.protocol import ColumnFlag, ColumnType, Command
from armillary.wire.scanner import ResponseSummary

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor
    from armillary.vtgate.rendering import Statement

_CANCELLED_CLEANUP_S = 5.0
_PAUSE_S = 0.2  # between tries, if health tells nothing new
_LIMIT_MAX = (1 << 64) - 1
_PLANS_MAX = 16  # for sessions of different collations and settings, and kinds of literals


class ScatterRunner:
    def __init__(
        self, executor: "Executor", keyspace: str, shards: Sequence[str], group: str
    ) -> None:
        self._executor = executor
        self._keyspace = keyspace
        self._shards = shards
        self._group = group
        self._is_answering = False

    async def run(
        self, cached: CachedPlan, draft: ScatterDraft, statement: "Statement", out: Output
    ) -> ResponseSummary:
        """Outside of transactions it begins again when a tablet went away before all answered.

        Raises:
            RefusedError: the answers cannot be merged exactly.
            MysqlError: a shard's.
            TabletUnavailableError: no tablet of a shard takes it.
        """
        tablets = self._executor.gateway.tablets
        give_up_at = tablets.retries_until()
        is_first = True
        while True:
            try:
                return await self._run_once(cached, draft, statement, out)
            except (ConnectionLostError, TabletUnavailableError) as error:
                too_late = is_known_away(error) or time.monotonic() >= give_up_at
                if too_late or self._executor.transactions.pinning or self._is_answering:
                    raise
            if not is_first:  # one of two replicas may be gone, and this was its turn
                with anyio.move_on_after(_PAUSE_S):
                    await tablets.cluster.wait_for_change()
            is_first = False

    async def _run_once(
        self, cached: CachedPlan, draft: ScatterDraft, statement: "Statement", out: Output
    ) -> ResponseSummary:
        limit, offset = _limits(draft, statement.literals)
        for attempt in range(2):
            plan = await self._finished(cached, draft, statement)
            text = b""
            if limit is not None and draft.group is None and not draft.distinct:
                text = b" limit %d" % min(limit + offset, _LIMIT_MAX)
            sql = self._executor.texts.render(
                plan.template, statement.literals, {LIMIT_TERM.name: text}
            )
            binary = out.binary and plan.group is None
            async with AsyncExitStack() as stack:
                streams = await self._open(stack, sql, binary=binary)
                if not _still_fits(plan, streams, binary=binary):
                    cached.scatter.clear()
                    self._executor.gateway.cluster.tables_changed()
                    if attempt == 0:
                        continue
                    raise RefusedError(
                        "columns that differ between shards: their types depend on the rows, or "
                        "the table is being changed"
                    )
                _widen(streams)
                self._is_answering = True
                return await self._merge(plan, streams, out, limit, offset)
        raise AssertionError("the second attempt returns or raises")

    async def _finished(
        self, cached: CachedPlan, draft: ScatterDraft, statement: "Statement"
    ) -> ScatterPlan:
        """Complete the plan with the columns' types, as sessions like this one see them.

        `coalesce(n, 5)` is a number and `coalesce(n, '5')` is text, though one plan serves both.
        """
        session = self._executor.session
        place = session.pool_key, literal_kinds(statement.literals)
        has_variables = any(
            isinstance(piece, SessionTerm) and piece.name.startswith("@")
            for piece in probe_template(draft)
        )
        known = cached.scatter.get(place)
        if known is not None and not has_variables:
            return known
        gateway = self._executor.gateway
        sql = self._executor.texts.render(
            probe_template(draft), statement.literals, {LIMIT_TERM.name: b" limit 0"}
        )
        settings = tuple(text for _, text in session.settings)
        answer = await gateway.ask(self._keyspace, sql, settings, collation_id=session.collation_id)
        for definition in answer.columns:
            shape = column_shape(definition)
            if shape.is_text or shape.is_enum_or_set:
                await gateway.learn_collation(self._keyspace, definition.collation_id)
        plan = finish_draft(draft, answer.columns, gateway.collation)
        if len(cached.scatter) >= _PLANS_MAX:
            cached.scatter.clear()
        cached.scatter[place] = plan
        return plan

    async def _open(self, stack: AsyncExitStack, sql: bytes, *, binary: bool) -> list[RowStream]:
        """Start the query on every shard, and wait until all have begun to answer."""
        streams = []
        for shard in self._shards:
            with self._suspecting(shard):
                streams.append(await self._send(stack, shard, sql, binary=binary))
        for shard, stream in zip(self._shards, streams, strict=True):
            with self._suspecting(shard):
                await stream.started()
        return streams

    async def _send(
        self, stack: AsyncExitStack, shard: str, sql: bytes, *, binary: bool
    ) -> RowStream:
        executor = self._executor
        connection = await stack.enter_async_context(
            executor.using(self._keyspace, shard, self._group, reading=True)
        )
        executor.transactions.mark_used(self._keyspace, shard, self._group, None)
        stream = RowStream(connection)
        payload = bytes((Command.QUERY,)) + sql
        if binary:
            payload = await prepare_without_parameters(connection, sql)
        connection.send(payload, stream)
        stack.push_async_callback(_finish_stream, connection, stream)
        return stream

    @contextmanager
    def _suspecting(self, shard: str) -> Iterator[None]:
        try:
            yield
        except (ConnectionLostError, TabletUnavailableError) as error:
            self._executor.suspect(self._keyspace, shard, error)
            raise

    async def _merge(
        self,
        plan: ScatterPlan,
        streams: Sequence[RowStream],
        out: Output,
        limit: int | None,
        offset: int,
    ) -> ResponseSummary:
        old, new = self._executor.rename(self._keyspace)
        status = self._executor.session.status
        columns = [
            replace_schema(payload, old, new)
            for payload in streams[0].column_payloads[: plan.visible]
        ]
        summary = ResponseSummary(has_rows=True, status=status)
        out.begin_rows(columns, status)
        async for row in merge_rows(plan, streams, binary=out.binary, limit=limit, offset=offset):
            summary.row_count += 1
            await out.row(row)
        summary.warnings = sum(stream.summary.warnings for stream in streams)
        for stream in streams:
            if stream.summary.warnings and not stream.connection.busy:
                found = await read_warnings(stream.connection)
                self._executor.session.new_warnings += found
        out.end_rows(status=status, warnings=summary.warnings)
        return summary


def _limits(draft: ScatterDraft, literals: Sequence[bytes]) -> tuple[int | None, int]:
    def number(source: Source | None) -> int | None:
        return None if source is None else limit_number(source.literal(literals))

    return number(draft.limit), number(draft.offset) or 0


# MySQL may change these into one another, where a value passes through a temporary table.
_WIDTHS: dict[int, int] = {
    ColumnType.TINY: 1,
    ColumnType.SHORT: 2,
    ColumnType.INT24: 3,
    ColumnType.LONG: 4,
    ColumnType.LONGLONG: 8,
}
_SHORT_TEXTS = frozenset(
    {
        ColumnType.VARCHAR,
        ColumnType.VAR_STRING,
        ColumnType.STRING,
        ColumnType.ENUM,
        ColumnType.SET,
    }
)
_WITH_DECIMALS = frozenset(
    {
        ColumnType.DECIMAL,
        ColumnType.NEWDECIMAL,
        ColumnType.FLOAT,
        ColumnType.DOUBLE,
        ColumnType.TIMESTAMP,
        ColumnType.TIME,
        ColumnType.DATETIME,
    }
)


async def _finish_stream(connection: BackendConnection, stream: RowStream) -> None:
    """Read what is left of an answer, so that the connection can serve again."""
    if not connection.busy:
        return
    with anyio.move_on_after(_CANCELLED_CLEANUP_S, shield=True):
        try:
            while await stream.next_rows():
                pass
            return
        except ArmillaryError:
            pass
    if connection.busy:
        connection.abort()


def _widen(streams: Sequence[RowStream]) -> None:
    """Give the first answer's columns, which stand for all, the widest integers of any."""
    first = streams[0]
    for index in range(len(first.columns)):
        widest = max(streams, key=lambda stream: _WIDTHS.get(stream.columns[index].type, 0))
        first.columns[index] = widest.columns[index]
        first.column_payloads[index] = widest.column_payloads[index]


def _still_fits(plan: ScatterPlan, streams: Sequence[RowStream], *, binary: bool) -> bool:
    """Whether the answers have the columns that the plan was made for, and no other.

    While a schema change goes from shard to shard, `select *` may have them in another order.
    Of other columns, even of one more, those that were added behind would not be where the plan
    has them. Decimals and sign may depend on a literal's value: `round(d, 1)`, `round(d, 3)`.
    """
    names = [column.name for column in streams[0].columns[: plan.visible]]
    types = [column.type for column in streams[0].columns]
    return all(
        len(stream.columns) == plan.width
        and [column.name for column in stream.columns[: plan.visible]] == names
        and all(map(_is_alike, stream.columns[: plan.visible], plan.shapes))
        # Binary rows can be read only by their own types; one codec reads all.
        and (not binary or [column.type for column in stream.columns] == types)
        for stream in streams
    )


def _is_alike(column: ColumnDefinition, shape: ColumnShape) -> bool:
    """Collations are no sign: a session may have its results converted. Nor are a text's decimals:
    they say whether it came out of a temporary table.
    """
    return (
        (column.type == shape.type or _is_changed(column.type, shape.type))
        and (column.decimals == shape.decimals or column.type not in _WITH_DECIMALS)
        and not (column.flags ^ shape.flags) & ColumnFlag.UNSIGNED
    )


def _is_changed(one: int, other: int) -> bool:
    return any(one in kinds and other in kinds for kinds in (_WIDTHS, _SHORT_TEXTS))
