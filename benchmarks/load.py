"""Send one statement over and over from many connections, and tell how long answers took.

    python -m benchmarks.load '{"host": ..., "port": ..., "user": ..., "password": ..., ...}'

The client costs little, so that what is measured is the server or the gateway: every answer is told
by its length, which that of the first answer was. Prints a JSON object.
"""

import asyncio
import json
import socket
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast

import pymysql
import uvloop

from armillary.wire.packets import PacketReader, frame
from armillary.wire.protocol import ColumnType, Command
from armillary.wire.scanner import ResponseScanner
from armillary.wire.statements import encode_execute, parse_prepare_ok

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """`{n}` in the statement stands for a number that is used once."""

    host: str
    port: int
    user: str
    password: str
    database: str
    sql: str
    clients: int
    count: int
    prepared: int | None = None  # the parameter of a prepared statement
    first_number: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    per_s: float
    p50_us: float
    p99_us: float


class Client(asyncio.Protocol):
    def __init__(self, runner: "Runner", packet: bytes | None, answer_bytes: int) -> None:
        self._runner = runner
        self._packet = packet
        self._answer_bytes = answer_bytes
        self._missing = 0
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.send()

    def send(self) -> None:
        number = self._runner.next_number()
        if number is None:
            return
        self._missing = self._answer_bytes
        self._sent_at = time.perf_counter()
        self._transport.write(self._packet or self._runner.packet(number))

    def data_received(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing < 0:
            self._runner.fail("an answer is longer than the first one was")
        elif self._missing == 0:
            self._runner.answered(time.perf_counter() - self._sent_at)
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._runner.fail(f"connection lost: {exc}")


class Runner:
    def __init__(self, load: Load) -> None:
        self.load = load
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._given = 0
        self._times: list[float] = []

    def next_number(self) -> int | None:
        if self._given >= self.load.count:
            return None
        self._given += 1
        return self.load.first_number + self._given

    def packet(self, number: int) -> bytes:
        return query_packet(self.load.sql, number)

    def answered(self, seconds: float) -> None:
        self._times.append(seconds)
        if len(self._times) == self.load.count and not self.done.done():
            self.done.set_result(None)

    def fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(reason))

    async def run(self) -> Outcome:
        load = self.load
        loop = asyncio.get_running_loop()
        above = load.first_number + load.count + 1
        ready = [log_in(load, above + number) for number in range(load.clients)]
        started = time.perf_counter()
        for connection, packet, answer_bytes in ready:
            await loop.create_connection(
                lambda packet=packet, answer_bytes=answer_bytes: Client(self, packet, answer_bytes),
                sock=connection,
            )
        async with asyncio.timeout(TIMEOUT_S):
            await self.done
        elapsed = time.perf_counter() - started
        times = sorted(self._times)
        return Outcome(
            load.count / elapsed,
            times[len(times) // 2] * 1e6,
            times[min(len(times) - 1, len(times) * 99 // 100)] * 1e6,
        )


def query_packet(sql: str, number: int) -> bytes:
    return frame(bytes((Command.QUERY,)) + sql.replace("{n}", str(number)).encode(), 0)


def log_in(load: Load, number: int) -> tuple[socket.socket, bytes | None, int]:
    """Return a connection, what it sends if that never changes, and the answer's length."""
    client = pymysql.connect(
        host=load.host, port=load.port, user=load.user, password=load.password,
        database=load.database, autocommit=True,
    )  # fmt: skip
    connection = cast(socket.socket, client._sock)  # type: ignore[attr-defined]
    client._rfile = None  # type: ignore[attr-defined]
    packet: bytes | None
    if load.prepared is not None:
        statement_id = prepare(connection, load.sql)
        value = load.prepared.to_bytes(8, "little", signed=True)
        types = bytes((ColumnType.LONGLONG, 0))
        packet = frame(encode_execute(statement_id, types, [value]), 0)
    else:
        packet = query_packet(load.sql, number)
    connection.sendall(packet)
    scanner = ResponseScanner()
    answer_bytes = 0
    while not scanner.done:
        data = connection.recv(1 << 16)
        if not data:
            raise RuntimeError("connection lost")
        answer_bytes += len(data)
        scanner.feed(data)
    if scanner.summary.error is not None:
        raise scanner.summary.error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    duplicate = socket.socket(fileno=connection.dup().detach())
    return duplicate, None if "{n}" in load.sql else packet, answer_bytes


def prepare(connection: socket.socket, sql: str) -> int:
    connection.sendall(frame(bytes((Command.STMT_PREPARE,)) + sql.encode(), 0))
    reader = PacketReader(payload_bytes_max=1 << 20)
    reader.sequence_next = 1
    statement_id, missing = -1, 1
    while missing:
        reader.feed(connection.recv(1 << 16))
        while (payload := reader.next_payload()) is not None:
            missing -= 1
            if statement_id < 0:
                prepared = parse_prepare_ok(payload)
                statement_id = prepared.statement_id
                for count in (prepared.parameter_count, prepared.column_count):
                    missing += count + 1 if count else 0
    return statement_id


async def main() -> None:
    outcome = await Runner(Load(**json.loads(sys.argv[1]))).run()
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    uvloop.run(main())
