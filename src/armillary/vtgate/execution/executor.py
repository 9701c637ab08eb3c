"""Run a session's statements: plan, send, merge, keep lookups in step. I/O."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio

from armillary.base.errors import ArmillaryError, MysqlError
from armillary.model.tablet import TabletType
from armillary.vtgate.answers.output import CollectedOutput, Output
from armillary.vtgate.errors import (
    ConnectionLostError,
    RefusedError,
    SqlError,
    TabletUnavailableError,
    is_harmless,
    is_known_away,
)
from armillary.vtgate.execution.planning import plan_for
from armillary.vtgate.execution.relaying import relay
from armillary.vtgate.execution.scatter_run import ScatterRunner
from armillary.vtgate.execution.system_rows import ask_system, name_databases
from armillary.vtgate.execution.tables import Tables
from armillary.vtgate.gateway import CachedPlan, Gateway
from armillary.vtgate.placement.resolve import Resolver
from armillary.vtgate.planner.plan import AnyShard, DmlPlan, InsertPlan, SelectPlan
from armillary.vtgate.planner.stored_functions import refuse_stored_call
from armillary.vtgate.planner.text import tokens_of
from armillary.vtgate.rendering import SessionText, Statement
from armillary.vtgate.session import Session
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.vtgate.transactions.transaction import Transactions
from armillary.vtgate.writes.changes import Changes
from armillary.vtgate.writes.inserts import Inserts
from armillary.vtgate.writes.lookups import Lookups
from armillary.wire.columns import ColumnDefinition
from armillary.wire.rows import split_text_row
from armillary.wire.scanner import ResponseSummary

_T = TypeVar("_T")
Relay = Callable[[BackendConnection, str, bytes, Output], Awaitable[ResponseSummary]]


class Executor:
    def __init__(self, gateway: Gateway, session: Session) -> None:
        self.gateway = gateway
        self.session = session
        self.texts = SessionText(session)
        self.tables = Tables(gateway, session)
        self.transactions = Transactions(session, gateway.tablets)
        self.lookups = Lookups(
            self.run_internal,
            in_transaction=lambda: self.transactions.pinning,
            goes_on=lambda: session.pins_connections,
            created=session.created_lookups,
            standing=session.standing_lookups,
            freed=session.freed_lookups,
        )
        self.running: set[BackendConnection] = set()

    def resolver(self) -> Resolver:
        return Resolver(
            self.gateway.cluster,
            self.session.target.tablet_type,
            codec=self.session.codec,
            lookup=self.lookups.map,
        )

    # Running

    async def run_internal(
        self, sql: str, literals: Sequence[bytes], *, keyspace: str, group: str
    ) -> CollectedOutput:
        """Run one of the gateway's own statements in this session, and keep its answer."""
        out = CollectedOutput()
        statement = Statement(b"", sql, literals)
        cached = await plan_for(self.tables, statement, keyspace=keyspace)
        await self.run_plan(cached, statement, out, group=group)
        return out

    async def run_plan(
        self, cached: CachedPlan, statement: Statement, out: Output, *, group: str = "normal"
    ) -> ResponseSummary:
        plan = cached.plan
        if not self.transactions.pinning:
            self.session.spend_once(writing=not isinstance(plan, SelectPlan))
        match plan:
            case SelectPlan():
                return await self._select(cached, plan, statement, out, group)
            case InsertPlan():
                return await Inserts(self, group).insert(plan, statement, out)
            case DmlPlan():
                return await Changes(self, group).change(plan, statement, out)

    async def _select(
        self,
        cached: CachedPlan,
        plan: SelectPlan,
        statement: Statement,
        out: Output,
        group: str,
    ) -> ResponseSummary:
        if not plan.route.keyspace:
            raise SqlError(1046, "VT09005: no database selected, and there is no keyspace")
        if plan.schema_literals:
            statement = name_databases(self.gateway.cluster, plan, statement)
        shards = await self.resolver().shards(plan.route, statement.literals)
        keyspace = plan.route.keyspace
        if not shards:
            shards = self.resolver().partition(keyspace).shards[:1]
        if isinstance(plan.route, AnyShard):
            if plan.one_answer is not None:
                self._refuse_on_several(keyspace, plan.one_answer)
            if self.session.has_snapshot and not plan.route.reads_rows:
                group = "outside"  # the server may be one that the snapshot is not of
        if len(shards) == 1:
            sql = self.texts.text_of(plan.template, statement)
            if plan.is_system:
                return await ask_system(self, keyspace, shards[0], sql, out, group)
            return await self.on_shard(
                keyspace, shards[0], sql, out, group=group, again=not plan.locking
            )
        if isinstance(plan.scatter, RefusedError):
            raise plan.scatter
        return await ScatterRunner(self, keyspace, shards, group).run(
            cached, plan.scatter, statement, out
        )

    def _refuse_on_several(self, keyspace: str, refusal: RefusedError) -> None:
        """Raises: RefusedError: the keyspace has several shards, and any would answer alone."""
        layout = self.gateway.cluster.layouts.get(keyspace)
        partition = layout.partition(self.session.target.tablet_type) if layout else None
        if partition is not None and len(partition.shards) > 1:
            raise refusal

    async def on_shard(
        self,
        keyspace: str,
        shard: str,
        sql: bytes,
        out: Output,
        *,
        group: str = "normal",
        again: bool = False,
        relay: Relay | None = None,
    ) -> ResponseSummary:
        """Run one statement on one shard and pass its answer on, by `Executor.relay` or `relay`.

        A statement that surely had no effect is tried again on the next primary; `again` says
        that the statement may be repeated even if it was under way (a read).

        Raises:
            MysqlError: the server's error.
            TabletUnavailableError: no tablet takes it.
        """
        give_up_at = self.gateway.tablets.retries_until()
        transactions = self.transactions
        while True:
            try:
                async with self.using(keyspace, shard, group, reading=again) as connection:
                    summary = await (relay or self.relay)(connection, keyspace, sql, out)
                transactions.mark_used(keyspace, shard, group, None if again else sql)
                return summary
            except (MysqlError, ConnectionLostError, TabletUnavailableError) as error:
                if not is_harmless(error, read_only_statement=again) or not out.untouched:
                    raise
                self.suspect(keyspace, shard, error)
                if is_known_away(error) or time.monotonic() >= give_up_at:
                    raise
                if not await transactions.drop_if_fresh(keyspace, shard, group):
                    raise

    async def relay(
        self, connection: BackendConnection, keyspace: str, sql: bytes, out: Output
    ) -> ResponseSummary:
        """Run one statement on this connection and pass its answer on.

        Raises:
            MysqlError: the server's error, if `out` does not pass it on.
            ConnectionLostError: the connection broke.
        """
        return await relay(self.session, connection, sql, out, rename=self.rename(keyspace))

    async def whole(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do all of `work` or nothing of it; do it again if a change of primary undid it.

        Raises:
            ArmillaryError: what failed; then nothing of it was done.
            OutcomeUnknownError: the connection broke during COMMIT.
        """
        give_up_at = self.gateway.tablets.retries_until()
        outermost = not self.transactions.pinning
        while True:
            try:
                async with self.transactions.atomic():
                    return await work()
            except (MysqlError, ConnectionLostError, TabletUnavailableError) as error:
                # Rolled back by now, so a lost connection does no harm either.
                harmless = is_harmless(error, read_only_statement=True)
                is_too_late = is_known_away(error) or time.monotonic() >= give_up_at
                if not outermost or not harmless or is_too_late:
                    raise

    def suspect(self, keyspace: str, shard: str, error: ArmillaryError) -> None:
        """What a statement met on a shard's primary: others need not meet it as well."""
        is_primary = self.session.target.tablet_type == TabletType.PRIMARY
        if is_primary and not is_known_away(error):
            still_reads = isinstance(error, MysqlError)
            self.gateway.tablets.suspect_primary(keyspace, shard, still_reads=still_reads)

    @asynccontextmanager
    async def using(
        self, keyspace: str, shard: str, group: str, *, reading: bool = False
    ) -> AsyncIterator[BackendConnection]:
        async with self.transactions.connection(
            keyspace, shard, group=group, reading=reading
        ) as connection:
            self.running.add(connection)
            try:
                yield connection
            finally:
                self.running.discard(connection)

    def rename(self, keyspace: str) -> tuple[bytes, bytes]:
        return self.gateway.cluster.database_of(keyspace).encode(), keyspace.encode()

    # Several shards

    async def on_all(
        self, keyspace: str, shards: Sequence[str], sql: bytes, *, group: str = "normal"
    ) -> list[ResponseSummary]:
        """Run one statement on several shards at once, and keep their answers' summaries.

        Raises:
            MysqlError: what the first failing shard says; the others have still run.
        """
        summaries: list[ResponseSummary | None] = [None] * len(shards)
        errors: list[ArmillaryError] = []

        async def run(number: int, shard: str) -> None:
            out = CollectedOutput()
            try:
                summaries[number] = await self.on_shard(keyspace, shard, sql, out, group=group)
            except ArmillaryError as error:
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            for number, shard in enumerate(shards):
                tasks.start_soon(run, number, shard)
        if errors:
            raise errors[0]
        return [summary for summary in summaries if summary is not None]

    async def evaluate(self, *expressions: bytes) -> list[tuple[bytes | None, ColumnDefinition]]:
        """Return values and what they are, as a server with this session's settings says.

        Raises:
            MysqlError: the server refuses a setting or the expression.
            RefusedError: it calls a stored function, and the keyspace has several shards.
        """
        layouts = self.gateway.cluster.layouts
        keyspace = self.session.target.keyspace
        if keyspace not in layouts:
            keyspace = next(iter(layouts), "")
        settings = tuple(text for _, text in self.session.settings)
        for expression in expressions:
            refusal = refuse_stored_call(tokens_of(expression.decode("latin-1")))
            if refusal is not None:
                self._refuse_on_several(keyspace, refusal)
        texts = [
            self.texts.with_session_values(expression.decode("latin-1")).encode("latin-1")
            for expression in expressions
        ]
        answer = await self.gateway.ask(
            keyspace,
            b"select " + b", ".join(texts),
            settings,
            collation_id=self.session.collation_id,
        )
        cells = split_text_row(answer.rows[0], len(answer.columns))
        return list(zip(cells, answer.columns, strict=True))
