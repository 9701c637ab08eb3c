"""Follow one response of a mysqld through arbitrary chunks, without decoding its rows. Sans-IO.

Every packet header is walked, for a look at the last bytes could be forged by row data. Until the
rows begin, packets are held and may be rewritten; rows then pass as they came.
"""

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct

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


_HEADER_AND_FIRST = Struct("<IB").unpack_from  # length, sequence id above it; the byte behind
_HEAD_BYTES_MAX = 1 << 16


@dataclass(slots=True)
class KnownHead:
    """What came before the rows of an answer, and what became of it.

    An answer that begins with the same bytes has the same packets there, so none is looked at.
    """

    came: bytes = b""
    passed: bytes = b""


_FIRST, _COLUMNS, _COLUMNS_EOF, _ROWS, _DONE = range(5)


class ResponseScanner:
    """Feed it chunks; it returns what to pass on, and knows when the response is over.

    Args:
        on_column: rewrites one column definition's payload.
        on_error: rewrites an ERR packet's error.
        renumber_from: give all packets new sequence ids from this one on.
        more_results: set MORE_RESULTS_EXISTS in the last packet.
        field_list: the response has no column count: it is of COM_FIELD_LIST.
        head: shared by responses whose columns are rewritten alike; not with `renumber_from`.
    """

    __slots__ = (
        "_columns_left", "_continues", "_field_list", "_head", "_more_results", "_on_column",
        "_on_error", "_sequence", "_skip", "_state", "_unread", "summary",
    )  # fmt: skip

    def __init__(
        self,
        *,
        on_column: Callable[[bytes], bytes] | None = None,
        on_error: Callable[[MysqlError], MysqlError] | None = None,
        renumber_from: int | None = None,
        more_results: bool = False,
        field_list: bool = False,
        head: KnownHead | None = None,
    ) -> None:
        assert head is None or renumber_from is None
        self.summary = ResponseSummary()
        self._on_column = on_column
        self._on_error = on_error
        self._sequence = renumber_from
        self._more_results = more_results
        self._field_list = field_list
        self._head = head
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
        state = self._state
        if not self._unread:
            if state == _ROWS:
                return self._pass_rows(data, 0)
            head = self._head
            if state == _FIRST and head is not None and head.came and data.startswith(head.came):
                self._state = _ROWS
                self.summary.has_rows = True
                if head.came == head.passed:
                    return self._pass_rows(data, 0, len(head.came))
                return head.passed + self._pass_rows(data, len(head.came))
        if state == _DONE:
            raise WireError("bytes after the end of a response")
        self._unread += data
        if state == _ROWS:
            data = bytes(self._unread)
            self._unread.clear()
            return self._pass_rows(data, 0)
        out = bytearray()
        self._take_head(out)
        if self._state == _ROWS:
            data = bytes(self._unread)
            self._unread.clear()
            out += self._pass_rows(data, 0)
        elif self._state == _DONE and self._unread:
            raise WireError("bytes after the end of a response")
        return bytes(out)

    def _take_head(self, out: bytearray) -> None:
        """Pass whole packets until the rows begin or the response ends."""
        unread = self._unread
        at = 0
        starts_here = self._state == _FIRST and not out
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
        whole = starts_here and self._state == _ROWS and at <= _HEAD_BYTES_MAX
        if whole and self._head is not None:
            self._head.came, self._head.passed = bytes(unread[:at]), bytes(out)
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
        else:
            self._state = _DONE

    def _pass_rows(self, data: bytes, start: int, rows_at: int | None = None) -> bytes:
        """Pass `data` from `start` on, without a tail whose meaning cannot be told yet.

        `rows_at` is where the rows begin; the bytes before it have been looked at.
        """
        at = (start if rows_at is None else rows_at) + self._skip
        size = len(data)
        cut = size - HEADER_BYTES  # before it stand a header and a byte
        rows = 0
        continues = self._continues
        target = bytearray(data) if self._sequence is not None else None
        while at < cut:
            length, first = _HEADER_AND_FIRST(data, at)
            length &= PART_BYTES_MAX
            if first >= 0xFE and not continues and (first == 0xFF or length < 9):
                break
            if target is not None:
                target[at + 3] = self._next_sequence()
            if not continues:
                rows += 1
            continues = length == PART_BYTES_MAX
            at += HEADER_BYTES + length
        self._continues = continues
        self.summary.row_count += rows
        if at >= size:
            self._skip = at - size
            passed = data if target is None else bytes(target)
            return passed[start:] if start else passed
        self._skip = 0
        return self._take_tail(data, start, at, target)

    def _next_sequence(self) -> int:
        assert self._sequence is not None
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFF
        return sequence

    def _take_tail(self, data: bytes, start: int, at: int, target: bytearray | None) -> bytes:
        """From `at`, a packet border, comes a short piece of a packet, or the last packet."""
        passed = data[start:at] if target is None else bytes(target[start:at])
        size = len(data)
        end = at + HEADER_BYTES + int.from_bytes(data[at : at + 3], "little")
        if size - at <= HEADER_BYTES or end > size:
            self._unread += data[at:]
            return passed
        came = data[at + HEADER_BYTES : end]
        payload = self._end_with_error(came) if came[:1] == b"\xff" else self._end_with_eof(came)
        if payload is came and end == size and target is None:
            return data[start:] if start else data
        sequence = data[at + 3] if target is None else self._next_sequence()
        out = bytearray(passed)
        out += len(payload).to_bytes(3, "little") + bytes((sequence,)) + payload
        if end < size:
            if self._state == _DONE:
                raise WireError("bytes after the end of a response")
            self._unread += data[end:]
            self._take_head(out)
            if self._state == _ROWS:
                more = bytes(self._unread)
                self._unread.clear()
                out += self._pass_rows(more, 0)
            elif self._state == _DONE and self._unread:
                raise WireError("bytes after the end of a response")
        return bytes(out)


def _with_more_results(payload: bytes, at: int) -> bytes:
    status = int.from_bytes(payload[at : at + 2], "little") | Status.MORE_RESULTS_EXISTS
    return payload[:at] + status.to_bytes(2, "little") + payload[at + 2 :]
