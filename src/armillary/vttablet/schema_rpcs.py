"""Calls about tables: read the schema, change it. I/O."""

import fnmatch
import logging
import re
from collections.abc import Sequence
from typing import Any

from armillary.base.errors import ArmillaryError, InputError, MysqlError, PreconditionError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletType
from armillary.mysqld import admin, replication
from armillary.mysqld.connection import Connection, MysqlParams, connect
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.vttablet.query_results import encode_field
from armillary.vttablet.query_rpcs import QueryRpcs

logger = logging.getLogger(__name__)

# A view whose tables, columns or functions are gone; a view whose definer is.
_BROKEN_VIEW_ERRNOS = frozenset({1356, 1449})


class SchemaRpcs(QueryRpcs):
    async def get_schema(self, request: pb.GetSchemaRequest) -> pb.GetSchemaResponse:
        async with await connect(self.agent.params(raw_values=False)) as connection:
            schema = await read_schema(connection, self.agent.identity.database, request)
        return pb.GetSchemaResponse(schema_definition=schema)

    async def reload_schema(self, request: pb.ReloadSchemaRequest) -> pb.ReloadSchemaResponse:
        """Tell the gateways which tables have changed, when the position is reached."""
        if request.wait_position:
            async with await self.agent.dba() as connection:
                await replication.wait_for_position(
                    connection,
                    self.agent.flavor,
                    Position.parse(request.wait_position),
                    timeout_s=self._wait_s,
                )
        await self.agent.tables.look()
        return pb.ReloadSchemaResponse()

    async def apply_schema(self, request: pb.ApplySchemaRequest) -> pb.ApplySchemaResponse:
        """Run DDL on the tablet's database; the error of a bad statement is mysqld's own.

        Statements before a bad one have taken effect: DDL commits by itself. What ran is never
        told as failed: if the tables cannot be read afterwards, the answer is without them.
        """
        agent = self.agent
        if not request.sql.strip():
            raise InputError("no SQL was given")
        async with agent.action("ApplySchema", needs_data=True):
            if request.allow_replication and agent.role.tablet_type != TabletType.PRIMARY:
                raise PreconditionError(
                    f"tablet {agent.identity.alias} is {agent.role.tablet_type.name}: a schema "
                    "change that replicates belongs on the primary"
                )
            whole = pb.GetSchemaRequest(include_views=True)
            database = agent.identity.database
            async with await connect(self._ddl_params(database)) as connection:
                before = await read_schema(connection, database, whole)
                await self._set_session(connection, request)
                try:
                    await connection.query_all(request.sql)
                finally:
                    await self._tell_of_tables()
                after = await _read_after(connection, database, whole)
        logger.info("schema changed", extra={"database": database})
        return pb.ApplySchemaResponse(before_schema=before, after_schema=after)

    async def _tell_of_tables(self) -> None:
        """Gateways hear of the change before whoever asked for it does; else a little later."""
        try:
            await self.agent.tables.look()
        except ArmillaryError as error:
            logger.warning("cannot look at the tables", extra={"reason": str(error)})

    def _ddl_params(self, database: str) -> MysqlParams:
        agent = self.agent
        return MysqlParams(
            user=agent.accounts.dba,
            password=agent.credentials.password(agent.accounts.dba),
            socket=agent.params().socket,
            database=database,
            multi_statements=True,
        )

    async def _set_session(self, connection: Connection, request: pb.ApplySchemaRequest) -> None:
        if not request.allow_replication:
            await connection.execute("SET SESSION sql_log_bin = 0")
        if request.disable_foreign_key_checks:
            await connection.execute("SET SESSION foreign_key_checks = 0")
        if request.sql_mode:
            await connection.execute("SET SESSION sql_mode = %s", (request.sql_mode,))


async def _read_after(
    connection: Connection, database: str, request: pb.GetSchemaRequest
) -> pb.SchemaDefinition:
    """Return the tables after a change; nothing if they cannot be read, for the change stands."""
    try:
        return await read_schema(connection, database, request)
    except ArmillaryError as error:
        logger.warning(
            "the schema was changed, and cannot be read now",
            extra={"database": database, "reason": str(error)},
        )
        return pb.SchemaDefinition()


async def read_schema(
    connection: Connection, database: str, request: pb.GetSchemaRequest
) -> pb.SchemaDefinition:
    """Return the tables of `database` that the request's filters let pass, by name.

    A view that is not valid any more is there without what cannot be read of it.
    """
    definition = pb.SchemaDefinition(
        database_schema=await _show_create(connection, "DATABASE", admin.quote_name(database))
    )
    rows = await connection.query(
        "SELECT table_name, table_type, COALESCE(data_length, 0), COALESCE(table_rows, 0) "
        "FROM information_schema.tables WHERE table_schema = %s ORDER BY table_name",
        (database,),
    )
    for name, kind, data_length, row_count in rows.values:
        is_view = kind == "VIEW"
        if (is_view and not request.include_views) or not _is_wanted(name, request):
            continue
        table = definition.table_definitions.add(
            name=name,
            type=kind,
            data_length=0 if is_view else int(data_length),
            row_count=0 if is_view else int(row_count),
        )
        quoted = f"{admin.quote_name(database)}.{admin.quote_name(name)}"
        try:
            text = await _show_create(connection, "VIEW" if is_view else "TABLE", quoted)
            table.schema = text if is_view else _without_counter(text)
            if not request.table_schema_only:
                await _add_columns(connection, database, table, quoted)
        except MysqlError as error:
            if not (is_view and error.errno in _BROKEN_VIEW_ERRNOS):
                raise
            logger.warning("a view is not valid", extra={"view": name, "reason": str(error)})
    return definition


async def _add_columns(
    connection: Connection, database: str, table: pb.TableDefinition, quoted: str
) -> None:
    rows = await connection.query(f"SELECT * FROM {quoted} WHERE 1 = 0")
    table.columns.extend(column.name for column in rows.columns)
    table.fields.extend(encode_field(column) for column in rows.columns)
    keys = await connection.query(
        "SELECT column_name FROM information_schema.key_column_usage "
        "WHERE table_schema = %s AND table_name = %s AND constraint_name = 'PRIMARY' "
        "ORDER BY ordinal_position",
        (database, table.name),
    )
    table.primary_key_columns.extend(str(column) for column in keys.column())


async def _show_create(connection: Connection, kind: str, quoted: str) -> str:
    row: Sequence[Any] = (await connection.query(f"SHOW CREATE {kind} {quoted}")).values[0]
    return str(row[1])


def _without_counter(create_table: str) -> str:
    """Drop AUTO_INCREMENT=n, which differs between shards whose schema is the same."""
    return re.sub(r" AUTO_INCREMENT=\d+", "", create_table)


def _is_wanted(name: str, request: pb.GetSchemaRequest) -> bool:
    if request.tables and not any(_matches(name, pattern) for pattern in request.tables):
        return False
    return not any(_matches(name, pattern) for pattern in request.exclude_tables)


def _matches(name: str, pattern: str) -> bool:
    """Match as Vitess does: `/regex/`, else a name that may have `*` in it."""
    if pattern.startswith("/"):
        return re.search(pattern.strip("/"), name) is not None
    return fnmatch.fnmatchcase(name, pattern)
