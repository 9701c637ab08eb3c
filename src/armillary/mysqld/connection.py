"""One client connection to a mysqld: PyMySQL in a worker thread. I/O.

The only door to PyMySQL. A cancelled statement closes the connection: the thread that waits for
the answer then ends by itself, and the server rolls back.
"""

import logging
import socket as socket_module
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
import anyio.to_thread

from armillary.base.errors import MysqlError, UnavailableError
from armillary.mysqld.driver import CLIENT, FIELD_TYPE, pymysql, with_rsa

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

# Errors of the client library: the server cannot be reached, or went away.
_UNREACHABLE = frozenset({2002, 2003, 2006, 2013, 2014, 1053, 1927})
# PyMySQL drops the sqlstate of an error packet; these are the ones that callers look at.
_SQLSTATES = {
    1007: "HY000",
    1008: "HY000",
    1022: "23000",
    1044: "42000",
    1045: "28000",
    1046: "3D000",
    1049: "42000",
    1050: "42S01",
    1051: "42S02",
    1054: "42S22",
    1060: "42S21",
    1061: "42000",
    1062: "23000",
    1064: "42000",
    1091: "42000",
    1142: "42000",
    1146: "42S02",
    1213: "40001",
    1317: "70100",
    1451: "23000",
    1452: "23000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlParams:
    """How to reach a mysqld, and as whom: by unix socket, or by host and port."""

    user: str
    password: str = field(default="", repr=False)
    socket: Path | None = None
    host: str = ""
    port: int = 3306
    database: str = ""
    connect_timeout_s: float = 5.0
    raw_values: bool = False  # values as the bytes that the server sent, for relaying
    multi_statements: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type_code: int  # of the MySQL protocol
    flags: int
    charset: int
    length: int
    decimals: int
    table: str = ""
    database: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """The result of one statement; `columns` is empty when it returned no result set."""

    columns: tuple[Column, ...]
    values: tuple[tuple[Any, ...], ...]
    rows_affected: int = 0
    insert_id: int = 0

    def dicts(self) -> list[dict[str, Any]]:
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.values]

    def first(self) -> dict[str, Any] | None:
        """Return the first row by column name; None when there is none."""
        return self.dicts()[0] if self.values else None

    def scalar(self) -> Any:
        """Return the first column of the first row; None when there is no row."""
        return self.values[0][0] if self.values else None

    def column(self) -> list[Any]:
        """Return the first value of each row."""
        return [row[0] for row in self.values]


class Connection:
    """One session. Tasks that use it at once wait for one another: PyMySQL would mix their answers.

    They share what a session has (variables, a transaction), so most want a session each.
    """

    def __init__(self, raw: "pymysql.connections.Connection[Any]") -> None:
        self._raw = raw
        self._in_use = anyio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def query(self, sql: str | bytes, args: Sequence[Any] = ()) -> Rows:
        """Run one statement and return all its rows.

        Raises:
            MysqlError: the server refused it.
            UnavailableError: the server went away; whether the statement took effect is unknown.
        Cancelled: the connection is closed, and the server rolls the statement back.
        """
        return await self._in_thread(lambda: self._query(sql, args))

    async def query_all(self, sql: str | bytes) -> list[Rows]:
        """Run a text of several statements (needs `multi_statements`); return each one's rows."""
        return await self._in_thread(lambda: self._query_all(sql))

    async def execute(self, sql: str | bytes, args: Sequence[Any] = ()) -> int:
        """Run one statement and return the number of rows it changed. Raises: as `query`."""
        return (await self.query(sql, args)).rows_affected

    async def close(self) -> None:
        """Say goodbye if the connection is idle, else break it. Again: does nothing."""
        if self._in_use.locked():
            self._shut_down()
        elif self._raw.open:
            try:
                self._raw.close()
            except pymysql.err.MySQLError:
                logger.debug("connection was closed already")

    def escape(self, text: str) -> str:
        """Return `text` as a quoted SQL string."""
        quoted = self._raw.escape(text)
        assert isinstance(quoted, str)
        return quoted

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        async with self._in_use:
            try:
                return await anyio.to_thread.run_sync(
                    _translate_errors, call, abandon_on_cancel=True
                )
            except anyio.get_cancelled_exc_class():
                self._shut_down()
                raise

    def _shut_down(self) -> None:
        # shutdown() wakes a thread that is blocked in recv(); close() alone would not.
        sock = getattr(self._raw, "_sock", None)
        if sock is not None:
            try:
                sock.shutdown(socket_module.SHUT_RDWR)
            except OSError:
                logger.debug("socket was closed already")
        self._raw._force_close()  # type: ignore[attr-defined]

    def _query(self, sql: str | bytes, args: Sequence[Any]) -> Rows:
        with self._raw.cursor() as cursor:
            cursor.execute(sql, tuple(args) if args else None)
            return _rows_of(cursor)

    def _query_all(self, sql: str | bytes) -> list[Rows]:
        with self._raw.cursor() as cursor:
            cursor.execute(sql)
            results = [_rows_of(cursor)]
            while cursor.nextset():
                results.append(_rows_of(cursor))
            return results


async def connect(params: MysqlParams) -> Connection:
    """Open a session; use it as an async context manager.

    Raises:
        UnavailableError: nobody answers at that address; again may help.
        MysqlError: the server refused the user.
    """
    raw = await anyio.to_thread.run_sync(
        _translate_errors, lambda: _connect(params), abandon_on_cancel=True
    )
    return Connection(raw)


def _connect(params: MysqlParams) -> "pymysql.connections.Connection[Any]":
    where: dict[str, Any] = {"host": params.host, "port": params.port}
    if params.socket is None:
        with_rsa()
    else:
        # A socket needs no TLS, and getting ready for it costs more than all else of a session.
        where = {"unix_socket": str(params.socket), "ssl_disabled": True}
    options: dict[str, Any] = {"use_unicode": False, "conv": {}} if params.raw_values else {}
    connection = pymysql.connect(
        **where,
        **options,
        user=params.user,
        password=params.password,
        database=params.database or None,
        connect_timeout=params.connect_timeout_s,
        read_timeout=params.connect_timeout_s,
        charset="utf8mb4",
        autocommit=True,
        client_flag=CLIENT.MULTI_STATEMENTS if params.multi_statements else 0,
        defer_connect=True,
    )
    if params.socket is None:
        connection.connect()
    else:
        # As PyMySQL does for a socket that it opens itself: passwords need no key there.
        connection._secure = True  # type: ignore[attr-defined]
        connection.connect(_unix_socket(params))
    # A login has an end, also with a server that hangs; a statement takes as long as it takes.
    connection._read_timeout = None  # type: ignore[attr-defined]
    return connection


def _unix_socket(params: MysqlParams) -> socket_module.socket:
    """Return a connected socket; PyMySQL's own way leaks one at each refusal."""
    unix = socket_module.socket(socket_module.AF_UNIX, socket_module.SOCK_STREAM)
    try:
        unix.settimeout(params.connect_timeout_s)
        unix.connect(str(params.socket))
        unix.settimeout(None)
    except OSError:
        unix.close()
        raise
    return unix


def _rows_of(cursor: Any) -> Rows:
    result = cursor._result
    columns = tuple(
        Column(
            name=_text(field.name),
            type_code=field.type_code,
            flags=field.flags,
            charset=field.charsetnr,
            length=field.length,
            decimals=field.scale,
            table=_text(field.table_name),
            database=_text(field.db),
        )
        for field in (getattr(result, "fields", None) or ())
    )
    return Rows(
        columns=columns,
        values=tuple(cursor.fetchall()) if columns else (),
        rows_affected=max(cursor.rowcount, 0),
        insert_id=cursor.lastrowid or 0,
    )


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _translate_errors(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except pymysql.err.MySQLError as error:
        if not error.args or not isinstance(error.args[0], int) or error.args[0] == 0:
            # PyMySQL raises (0, "") and bare InterfaceErrors on a connection that is gone.
            raise UnavailableError("the connection to mysqld is closed") from error
        errno, message = error.args[0], str(error.args[1]) if len(error.args) > 1 else ""
        if errno in _UNREACHABLE:
            raise UnavailableError(f"mysqld does not answer: {message}") from error
        raise MysqlError(errno, _SQLSTATES.get(errno, "HY000"), message) from error
    except OSError as error:
        raise UnavailableError(f"mysqld does not answer: {error}") from error


__all__ = [
    "FIELD_TYPE",
    "Column",
    "Connection",
    "MysqlParams",
    "Rows",
    "connect",
]
