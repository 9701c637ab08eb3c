"""Where an answer goes: to the client, or into memory for the gateway's own use."""

from collections.abc import Callable, Sequence
from typing import Protocol

from armillary.vtgate.tablets.backend import BackendConnection, RelayReceiver, Result
from armillary.wire.columns import ColumnDefinition, encode_column, replace_schema
from armillary.wire.lenenc import encode_int
from armillary.wire.packets import PacketWriter, packet_count
from armillary.wire.protocol import Status
from armillary.wire.responses import OkPacket, encode_eof, encode_ok
from armillary.wire.rows import encode_binary_row, encode_text_row, split_text_row, text_to_binary
from armillary.wire.scanner import ResponseScanner, ResponseSummary


class Client(Protocol):
    """What an output needs of the connection to the client."""

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def relaying(self, backend: BackendConnection | None) -> None:
        """Whom to hold back while the client is slow to read."""
        ...


class Output(Protocol):
    binary: bool

    async def relay(
        self, backend: BackendConnection, payload: bytes, *, rename: tuple[bytes, bytes] | None
    ) -> ResponseSummary:
        """Run one command and pass its answer on.

        Raises:
            MysqlError: the server refused before anything was passed on.
        """
        ...

    def ok(self, ok: OkPacket) -> None: ...

    def begin_rows(self, columns: Sequence[bytes], status: int) -> None: ...

    async def row(self, payload: bytes) -> None: ...

    def end_rows(self, *, status: int, warnings: int = 0) -> None: ...

    @property
    def untouched(self) -> bool:
        """Whether nothing of this statement's answer has gone out yet."""
        ...


_FLUSH_BYTES = 1 << 16


class ClientOutput:
    """Answers of one command; of several statements in it, all but the last announce more.

    Args:
        sequence: the id of the answer's first packet: 1, or more if the command was of several.
    """

    def __init__(self, client: Client, *, binary: bool = False, sequence: int = 1) -> None:
        self.binary = binary
        self.more = False
        self._client = client
        self._writer = PacketWriter(sequence)
        self._begun = False
        self._relayed = False  # packets went out under the server's ids
        self._later = False  # not the first answer of its command: sequence ids go on
        self._pending = bytearray()

    @property
    def untouched(self) -> bool:
        return not self._begun

    @property
    def renumbered(self) -> bool:
        """Whether all packets so far had our own sequence ids, so that more may follow."""
        return not self._relayed

    def next_statement(self, *, more: bool) -> None:
        self._later = self._later or self._begun
        self._begun = False
        self.more = more

    async def relay(
        self,
        backend: BackendConnection,
        payload: bytes,
        *,
        rename: tuple[bytes, bytes] | None = None,
        field_list: bool = False,
    ) -> ResponseSummary:
        their_sequence = packet_count(len(payload)) & 0xFF
        renumbering = self._later or self.more or self._writer.sequence_next != their_sequence
        self._relayed = not renumbering
        scanner = ResponseScanner(
            on_column=renamer(rename),
            renumber_from=self._writer.sequence_next if renumbering else None,
            more_results=self.more,
            field_list=field_list,
        )
        receiver = RelayReceiver(scanner, self._write)
        self._client.relaying(backend)
        try:
            backend.send(payload, receiver)
            summary = await receiver.done
        finally:
            self._client.relaying(None)
        if summary.error is not None and not self._begun:
            raise summary.error
        if renumbering:
            self._writer.sequence_next = scanner.sequence_next
        return summary

    def _write(self, data: bytes) -> None:
        """The first packet being an ERR, nothing is written: the caller may still try again."""
        if not self._begun:
            if data[4:5] == b"\xff":
                return
            self._begun = True
        self._client.write(data)

    def ok(self, ok: OkPacket) -> None:
        self._begun = True
        status = ok.status | (Status.MORE_RESULTS_EXISTS if self.more else 0)
        packet = OkPacket(
            affected_rows=ok.affected_rows,
            last_insert_id=ok.last_insert_id,
            status=status,
            warnings=ok.warnings,
            info=ok.info,
            schema=ok.schema,
        )
        self._client.write(self._writer.frame(encode_ok(packet)))

    def payload(self, payload: bytes) -> None:
        """Send one packet that somebody else has encoded."""
        self._begun = True
        self._client.write(self._writer.frame(payload))

    def begin_rows(self, columns: Sequence[bytes], status: int) -> None:
        self._begun = True
        frame = self._writer.frame
        out = bytearray(frame(encode_int(len(columns))))
        for column in columns:
            out += frame(column)
        out += frame(encode_eof(status=status))
        self._pending = out

    async def row(self, payload: bytes) -> None:
        self._pending += self._writer.frame(payload)
        if len(self._pending) >= _FLUSH_BYTES:
            self._flush()
            await self._client.drain()

    def _flush(self) -> None:
        if self._pending:
            self._client.write(bytes(self._pending))
            self._pending = bytearray()

    def end_rows(self, *, status: int, warnings: int = 0) -> None:
        if self.more:
            status |= Status.MORE_RESULTS_EXISTS
        self._pending += self._writer.frame(encode_eof(status=status, warnings=warnings))
        self._flush()

    def error(self, payload: bytes) -> None:
        """End the answer with an ERR packet, after rows or instead of them."""
        self._flush()
        self._begun = True
        self._client.write(self._writer.frame(payload))


class CollectedOutput:
    """Keeps the answer in memory, as text cells."""

    binary = False
    untouched = True

    def __init__(self) -> None:
        self.columns: list[ColumnDefinition] = []
        self.rows: list[list[bytes | None]] = []
        self.summary = ResponseSummary()
        self._column_count = 0

    async def relay(
        self,
        backend: BackendConnection,
        payload: bytes,
        *,
        rename: tuple[bytes, bytes] | None = None,
    ) -> ResponseSummary:
        result: Result = await backend.run(payload)
        self.columns = result.columns
        self.rows = [split_text_row(row, len(result.columns)) for row in result.rows]
        self.summary = result.summary
        return result.summary

    def ok(self, ok: OkPacket) -> None:
        self.summary.affected_rows = ok.affected_rows
        self.summary.last_insert_id = ok.last_insert_id

    def begin_rows(self, columns: Sequence[bytes], status: int) -> None:
        self._column_count = len(columns)

    async def row(self, payload: bytes) -> None:
        self.rows.append(split_text_row(payload, self._column_count))

    def end_rows(self, *, status: int, warnings: int = 0) -> None:
        return


_RENAMED_MAX = 2000
_renamed: dict[tuple[bytes, bytes], dict[bytes, bytes]] = {}


def renamer(rename: tuple[bytes, bytes] | None) -> Callable[[bytes], bytes] | None:
    """Return what renames a database in column definitions; it remembers those it has seen."""
    if rename is None or rename[0] == rename[1]:
        return None
    old, new = rename
    known = _renamed.setdefault(rename, {})

    def replace(payload: bytes) -> bytes:
        found = known.get(payload)
        if found is None:
            if len(known) >= _RENAMED_MAX:
                known.clear()
            found = known[payload] = replace_schema(payload, old, new)
        return found

    return replace


async def send_local_rows(
    out: Output,
    columns: Sequence[ColumnDefinition],
    rows: Sequence[Sequence[bytes | None]],
    *,
    status: int,
) -> None:
    """Send rows that the gateway made itself, in the client's protocol."""
    out.begin_rows([encode_column(column) for column in columns], status)
    for cells in rows:
        if out.binary:
            encoded = [text_to_binary(c, d) for c, d in zip(cells, columns, strict=True)]
            await out.row(encode_binary_row(encoded))
        else:
            await out.row(encode_text_row(cells))
    out.end_rows(status=status)
