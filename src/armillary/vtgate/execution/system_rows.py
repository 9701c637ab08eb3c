"""Rows about databases: where a server names its own, the client reads its keyspace. I/O.

Tools take the names that they read for the ones that they may write: they look for their tables
under them, and do not find them under another name.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from armillary.sql.like import as_pattern, is_like
from armillary.vtgate.answers.output import CollectedOutput, Output
from armillary.vtgate.answers.replies import answer_rows
from armillary.vtgate.planner.plan import SelectPlan
from armillary.vtgate.rendering import Statement
from armillary.vtgate.tablets.cluster import Cluster
from armillary.wire.columns import ColumnDefinition
from armillary.wire.scanner import ResponseSummary
from armillary.wire.statements import quote

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor

# TABLE_SCHEMA and its like, whatever they are called in the answer; Db; JDBC's TABLE_CAT.
_NAMES_DATABASE = re.compile(rb"schema|database|^db$|_cat$", re.IGNORECASE)
_CREATES_DATABASE = b"Create Database"


async def ask_system(
    executor: "Executor", keyspace: str, shard: str, sql: bytes, out: Output, group: str
) -> ResponseSummary:
    """Ask one server about its tables, and answer with the name of its keyspace.

    Raises:
        MysqlError: the server's error.
        TabletUnavailableError: no tablet takes it.
    """
    old, new = executor.rename(keyspace)
    if old == new:
        return await executor.on_shard(keyspace, shard, sql, out, group=group, again=True)
    found = CollectedOutput()
    summary = await executor.on_shard(keyspace, shard, sql, found, group=group, again=True)
    rename_cells(found.columns, found.rows, old, new)
    await answer_rows(executor.session, out, found.columns, found.rows)
    return summary


def name_databases(cluster: Cluster, plan: SelectPlan, statement: Statement) -> Statement:
    """Put databases' own names where a question to system tables names keyspaces.

    A pattern that the keyspace is like, and its database is not, becomes the database's name.
    """
    literals = list(statement.literals)
    asked = plan.route.keyspace
    for index in plan.schema_literals:
        name = literals[index][1:-1].decode("utf-8", "replace")
        database = cluster.database_of(name if name in cluster.vschema.keyspaces else asked)
        if name in cluster.vschema.keyspaces:
            literals[index] = quote(database.encode())
        elif "%" in name and is_like(asked, name) and not is_like(database, name):
            literals[index] = quote(as_pattern(database).encode())
    return Statement(b"", statement.key, literals)


def rename_cells(
    columns: Sequence[ColumnDefinition], rows: list[list[bytes | None]], old: bytes, new: bytes
) -> None:
    for index, column in enumerate(columns):
        if column.name == _CREATES_DATABASE:
            for row in rows:
                row[index] = (row[index] or b"").replace(b"`%b`" % old, b"`%b`" % new, 1)
        elif _NAMES_DATABASE.search(column.org_name) or _NAMES_DATABASE.search(column.name):
            for row in rows:
                if row[index] == old:
                    row[index] = new
