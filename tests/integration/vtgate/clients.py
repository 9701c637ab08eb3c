"""The same statement to the gateway and to one server, and what came of it."""

import datetime
import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mysql.connector
import pymysql
from pymysql.constants import CLIENT

from tests.integration.vtgate.gate import PASSWORD, USER, Gate
from tests.integration.vtgate.servers import APP_PASSWORD, APP_USER, Server

REFUSED = 1235
Row = tuple[object, ...]


@dataclass(frozen=True)
class Answer:
    columns: tuple[str, ...] = ()
    types: tuple[int, ...] = ()
    rows: tuple[Row, ...] = ()
    affected: int = 0
    errno: int = 0
    message: str = ""

    @property
    def refused(self) -> bool:
        return self.errno == REFUSED


def connect_connector(gate: Gate, database: str) -> Any:
    """Connect as MySQL's own driver does. It would take a collation that MariaDB has not, once it
    has met a MySQL in the same process.
    """
    return mysql.connector.connect(
        host=gate.address,
        user=USER,
        password=PASSWORD,
        database=database,
        use_pure=True,
        ssl_disabled=True,
        charset="utf8mb4",
        collation="utf8mb4_general_ci",
    )


def connect_gate(
    gate: Gate, database: str | None = "main", *, autocommit: bool = True, flags: int = 0
) -> Any:
    return pymysql.connect(
        host=gate.address,
        port=gate.port,
        user=USER,
        password=PASSWORD,
        database=database,
        autocommit=autocommit,
        charset="utf8mb4",
        ssl_disabled=True,  # a TLS context costs more than most tests ask
        client_flag=CLIENT.MULTI_STATEMENTS | flags,
    )


def connect_whole(server: Server, database: str = "whole") -> Any:
    return pymysql.connect(
        host=server.address,
        port=server.port,
        user=APP_USER,
        password=APP_PASSWORD,
        database=database,
        autocommit=True,
        charset="utf8mb4",
        ssl_disabled=True,
        client_flag=CLIENT.MULTI_STATEMENTS,
    )


def ask(connection: Any, sql: str, args: Sequence[object] | None = None) -> Answer:
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, args)
            description: Any = cursor.description
            if description is None:
                return Answer(affected=cursor.rowcount)
            return Answer(
                columns=tuple(column[0] for column in description),
                types=tuple(column[1] for column in description),
                rows=tuple(tuple(row) for row in cursor.fetchall()),
            )
    except decimal.InvalidOperation as error:  # MySQL gives BIT inside CASE out as DECIMAL
        return Answer(errno=-2, message=repr(error))
    except pymysql.MySQLError as error:
        errno, message = (error.args[0], error.args[1]) if len(error.args) > 1 else (-1, str(error))
        return Answer(errno=int(errno), message=str(message))


def sortable(row: Row) -> tuple[str, ...]:
    return tuple(_text(cell) for cell in row)


def _text(cell: object) -> str:
    if isinstance(cell, float | int | decimal.Decimal) and not isinstance(cell, bool):
        return f"{float(cell):.10g}" if isinstance(cell, float) else str(cell)
    if isinstance(cell, datetime.timedelta):
        return str(cell.total_seconds())
    return repr(cell)
