"""One statement over one connection, and what it does there that its answer does not tell. I/O."""

import re

from armillary.sql.commands import split_first_word
from armillary.vtgate.answers.output import Output
from armillary.vtgate.execution.server_warnings import read_warnings
from armillary.vtgate.session import Session
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.vtgate.tablets.preparing import prepare_without_parameters
from armillary.wire.lenenc import read_cell
from armillary.wire.protocol import Command
from armillary.wire.scanner import ResponseSummary

_INSERTS = frozenset({"INSERT", "REPLACE"})
_RETURNING = re.compile(rb"\breturning\b", re.IGNORECASE)
_COUNTS_FOUND = re.compile(rb"sql_calc_found_rows", re.IGNORECASE)


def is_call(sql: bytes) -> bool:
    return split_first_word(sql)[0] == "CALL"


async def relay(
    session: Session,
    connection: BackendConnection,
    sql: bytes,
    out: Output,
    *,
    rename: tuple[bytes, bytes],
) -> ResponseSummary:
    """Pass the answer on, and return what the session is to remember of it.

    Raises:
        MysqlError: the server's error, if `out` does not pass it on.
        ConnectionLostError: the connection broke.
    """
    word = split_first_word(sql)[0]
    calls = word == "CALL"
    if calls:
        connection.tainted = True  # whatever the procedure has set there
    # Rows end an INSERT ... RETURNING, and another statement's answer may end a CALL.
    hides_id = calls or (word in _INSERTS and _RETURNING.search(sql) is not None)
    if hides_id:
        await connection.query(b"set last_insert_id = %d" % session.last_insert_id)
    payload = await _payload(connection, sql, out)
    summary = await out.relay(connection, payload, rename=rename)
    if summary.warnings:
        session.new_warnings += await read_warnings(connection)
    if summary.has_rows and _COUNTS_FOUND.search(sql):
        summary.row_count = await _number(connection, b"found_rows()")
    if hides_id and summary.error is None:
        summary.last_insert_id = await _number(connection, b"last_insert_id()")
    return summary


async def _payload(connection: BackendConnection, sql: bytes, out: Output) -> bytes:
    if out.binary:
        return await prepare_without_parameters(connection, sql)
    return bytes((Command.QUERY,)) + sql


async def _number(connection: BackendConnection, function: bytes) -> int:
    """Ask for a value of the connection, while it is still ours."""
    answer = await connection.query(b"select " + function)
    return int(read_cell(answer.rows[0], 0)[0] or 0)
