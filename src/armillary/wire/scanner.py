"""Follow one response of a mysqld through arbitrary chunks, without decoding its rows. Sans-IO.

Every packet header is walked, for a look at the last bytes could be forged by row data. Until the
rows begin, packets are held and may be rewritten; rows then pass as they came.
"""

from collections.abc import Callable
from dataclasses import dataclass

from armillary.base.errors import MysqlError, WireError
from armillary.wire.lenenc import read_int
from armillary.wire.protocol import HEADER_BYTES, PART_BYTES_MAX, Status
from armillary.wire.responses import encode_err, parse_err, parse_ok


@dataclass(slots=True)
class ResponseSummary:
    """What a response said besides its rows."""

    affected_rows: int = 0
    last_insert_id: int = 0
    status: int = 0
    warnings: int = 0
    info: bytes = b""
    error: MysqlError | None = None
    has_rows: bool = False
    row_count: int = 0


_FIRST, _COLUMNS, _COLUMNS_EOF, _ROWS, _DONE = range(5)


class ResponseScanner:
    """Feed it chunks; it returns what to pass on, and knows when the response is over.

    Args:
        on_column: rewrites one column definition's payload.
        on_error: rewrites an ERR packet's error.
        renumber_from: give all packets new sequence ids from this one on.
        more_results: set MORE_RESULTS_EXISTS in the last packet.
        field_list: the response has no column count: it is of COM_FIELD_LIST.
    """

    def __init__(
        self,
        *,
        on_column: Callable[[bytes], bytes] | None = None,
        on_error: Callable[[MysqlError], MysqlError] | None = None,
        renumber_from: int | None = None,
        more_results: bool = False,
        field_list: bool = False,
    ) -> None:
        self.summary = ResponseSummary()
        self.rows_begun = False
        self._on_column = on_column
        self._on_error = on_error
        self._sequence = renumber_from
        self._more_results = more_results
        self._field_list = field_list
        self._state = _COLUMNS if field_list else _FIRST
        self._columns_left = -1 if field_list else 0
        self._unread = bytearray()
        self._skip = 0  # bytes of the packet under way that still pass
        self._continues = False  # the packet under way was cut at 16 MB

    @property
    def done(self) -> bool:
        return self._state == _DONE

    @property
    def sequence_next(self) -> int:
        assert self._sequence is not None
        return self._sequence

    def feed(self, data: bytes) -> bytes:
        """Take the server's bytes and return those that go on to the client.

        Raises:
            WireError: not a response, or bytes after its end.
        """
        if self._state == _DONE:
            raise WireError("bytes after the end of a response")
        out = bytearray()
        if self._state != _ROWS or self._unread:
            self._unread += data
            data = b""
            self._take_head(out)
            if self._state == _ROWS:
                data = bytes(self._unread)
                self._unread.clear()
        if self._state == _ROWS and data:
            self._walk_rows(data, out)
        if self._state == _DONE and self._unread:
            raise WireError("bytes after the end of a response")
        return bytes(out)

    def _take_head(self, out: bytearray) -> None:
        """Pass whole packets until the rows begin or the response ends."""
        unread = self._unread
        at = 0
        while self._state not in (_ROWS, _DONE) and len(unread) - at >= HEADER_BYTES:
            size = unread[at] | unread[at + 1] << 8 | unread[at + 2] << 16
            if len(unread) - at < HEADER_BYTES + size:
                break
            payload = bytes(unread[at + HEADER_BYTES : at + HEADER_BYTES + size])
            sequence = unread[at + 3]
            at += HEADER_BYTES + size
            payload = self._take_payload(payload)
            if self._sequence is not None:
                sequence = self._sequence
                self._sequence = (sequence + 1) & 0xFF
            out += len(payload).to_bytes(3, "little") + bytes((sequence,)) + payload
        del unread[:at]

    def _take_payload(self, payload: bytes) -> bytes:
        first = payload[0] if payload else 0x00
        if first == 0xFF:
            return self._end_with_error(payload)
        if self._state == _FIRST:
            return self._take_first(payload, first)
        if self._field_list and first == 0xFE and len(payload) < 9:
            return self._end_with_eof(payload)
        if self._state == _COLUMNS:
            self._columns_left -= 1
            if self._columns_left == 0:
                self._state = _COLUMNS_EOF
            return self._on_column(payload) if self._on_column is not None else payload
        self._state = _ROWS
        self.rows_begun = True
        return payload

    def _take_first(self, payload: bytes, first: int) -> bytes:
        if first == 0xFB:
            raise WireError("LOAD DATA LOCAL is not supported")
        if first == 0x00:
            return self._end_with_ok(payload)
        self._columns_left, _ = read_int(payload, 0)
        self.summary.has_rows = True
        self._state = _COLUMNS
        return payload

    def _end_with_ok(self, payload: bytes) -> bytes:
        ok = parse_ok(payload)
        summary = self.summary
        summary.affected_rows = ok.affected_rows
        summary.last_insert_id = ok.last_insert_id
        summary.status = ok.status
        summary.warnings = ok.warnings
        summary.info = ok.info
        self._end(ok.status)
        if not self._more_results:
            return payload
        _, at = read_int(payload, 1)
        _, at = read_int(payload, at)
        return _with_more_results(payload, at)

    def _end_with_error(self, payload: bytes) -> bytes:
        error = parse_err(payload)
        if self._on_error is not None:
            error = self._on_error(error)
            payload = encode_err(error.errno, error.sqlstate, error.message)
        self.summary.error = error
        self._state = _DONE
        return payload

    def _end_with_eof(self, payload: bytes) -> bytes:
        self.summary.warnings = int.from_bytes(payload[1:3], "little")
        self.summary.status = int.from_bytes(payload[3:5], "little")
        self._end(self.summary.status)
        return _with_more_results(payload, 3) if self._more_results else payload

    def _end(self, status: int) -> None:
        """A response with more results (of CALL) starts over; the last one ends."""
        if status & Status.MORE_RESULTS_EXISTS:
            self._state = _FIRST
            self.rows_begun = False
        else:
            self._state = _DONE

    def _walk_rows(self, data: bytes, out: bytearray) -> None:
        """Find packet borders; pass all, except the tail that may be the last packet."""
        at = 0
        size = len(data)
        rows = 0
        sequence = self._sequence
        target: bytearray | None = bytearray(data) if sequence is not None else None
        while at < size:
            if self._skip:
                step = min(self._skip, size - at)
                self._skip -= step
                at += step
                continue
            if size - at < HEADER_BYTES + 1:
                break
            length = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            first = data[at + HEADER_BYTES]
            if not self._continues and (first == 0xFF or (first == 0xFE and length < 9)):
                break
            if target is not None and sequence is not None:
                target[at + 3] = sequence
                sequence = (sequence + 1) & 0xFF
            rows += not self._continues
            self._continues = length == PART_BYTES_MAX
            self._skip = HEADER_BYTES + length
        self._sequence = sequence
        self.summary.row_count += rows
        out += data[:at] if target is None else target[:at]
        if at < size:
            self._take_tail(data[at:], out)

    def _take_tail(self, tail: bytes, out: bytearray) -> None:
        """`tail` starts at a packet border: a short piece of a packet, or the last packet."""
        length = tail[0] | tail[1] << 8 | tail[2] << 16 if len(tail) >= HEADER_BYTES else 0
        if len(tail) < HEADER_BYTES + 1 or len(tail) < HEADER_BYTES + length:
            self._unread += tail
            return
        payload = tail[HEADER_BYTES : HEADER_BYTES + length]
        sequence = tail[3]
        if payload[0] == 0xFF:
            payload = self._end_with_error(payload)
        else:
            payload = self._end_with_eof(payload)
        if self._sequence is not None:
            sequence = self._sequence
            self._sequence = (sequence + 1) & 0xFF
        out += len(payload).to_bytes(3, "little") + bytes((sequence,)) + payload
        rest = tail[HEADER_BYTES + length :]
        if rest:
            self._unread += rest
            if self._state == _DONE:
                raise WireError("bytes after the end of a response")
            self._take_head(out)
            if self._state == _ROWS:
                more = bytes(self._unread)
                self._unread.clear()
                if more:
                    self._walk_rows(more, out)


def _with_more_results(payload: bytes, at: int) -> bytes:
    status = int.from_bytes(payload[at : at + 2], "little") | Status.MORE_RESULTS_EXISTS
    return payload[:at] + status.to_bytes(2, "little") + payload[at + 2 :]
