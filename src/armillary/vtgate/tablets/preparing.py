"""Prepared statements on the tablets' side. I/O."""

import asyncio
from collections.abc import Callable

from armillary.base.errors import WireError
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.wire.packets import PacketReader
from armillary.wire.protocol import Command
from armillary.wire.responses import parse_err
from armillary.wire.statements import encode_execute, parse_prepare_ok

_STATEMENTS_MAX = 200  # of one connection
FEW_STATEMENTS = 20  # so many it may keep, however many the idle ones have


async def prepare_without_parameters(backend: BackendConnection, sql: bytes) -> bytes:
    """Prepare `sql` on a backend and return the COM_STMT_EXECUTE that runs it.

    Raises:
        MysqlError: the server refuses the statement.
    """
    statement_id, parameters = await prepare_on(backend, sql)
    if parameters:
        raise WireError("a statement without parameters wanted")
    return encode_execute(statement_id, b"", ())


async def prepare_on(backend: BackendConnection, sql: bytes) -> tuple[int, int]:
    """Return the id and parameter count of `sql` on this backend, preparing it the first time."""
    known = backend.statements.get(sql)
    if known is not None:
        return known
    return note_prepared(backend, sql, (await read_prepare(backend, sql))[0])


def note_prepared(backend: BackendConnection, sql: bytes, answer: bytes) -> tuple[int, int]:
    """Remember what a backend answered to COM_STMT_PREPARE; the oldest of many are closed.

    A server counts the statements of all connections, and refuses the next one (1461).
    """
    ok = parse_prepare_ok(answer)
    prepared = ok.statement_id, ok.parameter_count
    if backend.broken:
        return prepared
    statements, kept = backend.statements, backend.kept
    while len(statements) >= (FEW_STATEMENTS if kept.count >= kept.limit else _STATEMENTS_MAX):
        old_id, _ = statements.pop(next(iter(statements)))
        kept.count -= 1
        close_statement(backend, old_id)
    statements[sql] = prepared
    kept.count += 1
    return prepared


def close_statement(backend: BackendConnection, statement_id: int) -> None:
    payload = bytes((Command.STMT_CLOSE,)) + statement_id.to_bytes(4, "little")
    backend.send_raw(len(payload).to_bytes(3, "little") + b"\x00" + payload)


async def read_prepare(backend: BackendConnection, sql: bytes) -> list[bytes]:
    """Run COM_STMT_PREPARE; return all payloads of the answer, EOF packets included.

    Raises:
        MysqlError: the server refuses the statement.
    """
    done: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()

    def finished(payloads: list[bytes]) -> None:
        if not done.done():
            done.set_result(payloads)

    def lost(error: Exception) -> None:
        if not done.done():
            done.set_exception(error)

    backend.send(bytes((Command.STMT_PREPARE,)) + sql, PrepareReceiver(finished, lost))
    payloads = await done
    if payloads[0][:1] == b"\xff":
        raise parse_err(payloads[0])
    return payloads


class PrepareReceiver:
    """Collects the packets of an answer to COM_STMT_PREPARE."""

    def __init__(
        self, finished: Callable[[list[bytes]], None], lost: Callable[[Exception], None]
    ) -> None:
        self.lost = lost
        self._finished = finished
        self._reader = PacketReader(payload_bytes_max=1 << 24, of_answer=True)
        self._payloads: list[bytes] = []
        self._wanted = 1

    def receive(self, data: bytes) -> bool:
        self._reader.feed(data)
        while (payload := self._reader.next_payload()) is not None:
            self._payloads.append(payload)
            if len(self._payloads) == 1 and payload[:1] == b"\x00":
                ok = parse_prepare_ok(payload)
                for count in (ok.parameter_count, ok.column_count):
                    self._wanted += count + 1 if count else 0
        if len(self._payloads) < self._wanted:
            return False
        self._finished(self._payloads)
        return True
