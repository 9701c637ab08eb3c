"""SPDY/3.1 framing as kubectl speaks it. Sans-IO: bytes in, events out; frames to send as bytes.

kubectl's library does no flow control of its own (it sends no WINDOW_UPDATE and heeds none), so
back-pressure is the connection's: stop reading, and the peer stops writing.
Source: SPDY Protocol Draft 3.1; moby/spdystream.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from armillary.base.errors import WireError
from armillary.local.kubelet.streams.spdy_dictionary import DICTIONARY

_VERSION = 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY = 1, 2, 3, 6, 7
_FLAG_FIN = 0x01
_HEADER_BYTES = 8
_CONTROL = 0x8000_0000
FRAME_BYTES_MAX = 1 << 24
_HEADERS_BYTES_MAX = 1 << 16
RST_REFUSED = 3


@dataclass(frozen=True, slots=True)
class StreamOpened:
    stream: int
    headers: Mapping[str, str]
    ended: bool


@dataclass(frozen=True, slots=True)
class StreamData:
    stream: int
    data: bytes
    ended: bool


@dataclass(frozen=True, slots=True)
class StreamReset:
    stream: int


@dataclass(frozen=True, slots=True)
class PingReceived:
    ping: int


@dataclass(frozen=True, slots=True)
class GoAwayReceived:
    pass


SpdyEvent = StreamOpened | StreamData | StreamReset | PingReceived | GoAwayReceived


class SpdyConnection:
    """The server's side of one connection."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> list[SpdyEvent]:
        """Take bytes in any pieces; return what has become complete.

        Raises:
            WireError: not SPDY/3, or a frame over the limit; the connection is spent.
        """
        self._unread += data
        events: list[SpdyEvent] = []
        start = 0
        while len(self._unread) - start >= _HEADER_BYTES:
            word, tail = struct.unpack_from(">II", self._unread, start)
            flags, length = tail >> 24, tail & 0xFF_FFFF
            end = start + _HEADER_BYTES + length
            if len(self._unread) < end:
                break
            body = bytes(self._unread[start + _HEADER_BYTES : end])
            start = end
            if word & _CONTROL:
                event = self._control(word, flags, body)
                if event is not None:
                    events.append(event)
            else:
                events.append(StreamData(word & 0x7FFF_FFFF, body, bool(flags & _FLAG_FIN)))
        del self._unread[:start]
        return events

    def _control(self, word: int, flags: int, body: bytes) -> SpdyEvent | None:
        version, kind = (word >> 16) & 0x7FFF, word & 0xFFFF
        if version != _VERSION:
            raise WireError(f"wanted SPDY version {_VERSION}, got {version}")
        try:
            if kind == _SYN_STREAM:
                (stream,) = struct.unpack_from(">I", body)
                headers = self._headers(body[10:])
                return StreamOpened(stream & 0x7FFF_FFFF, headers, bool(flags & _FLAG_FIN))
            if kind == _RST_STREAM:
                return StreamReset(struct.unpack_from(">I", body)[0] & 0x7FFF_FFFF)
            if kind == _PING:
                return PingReceived(struct.unpack_from(">I", body)[0])
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise WireError(f"malformed SPDY frame of type {kind}: {error}") from error
        return GoAwayReceived() if kind == _GOAWAY else None

    def _headers(self, block: bytes) -> dict[str, str]:
        text = self._inflate.decompress(block, _HEADERS_BYTES_MAX)
        if self._inflate.unconsumed_tail:
            raise WireError(f"SPDY headers of more than {_HEADERS_BYTES_MAX} bytes")
        (count,) = struct.unpack_from(">I", text)
        at = 4
        headers = {}
        for _ in range(count):
            name, at = _string(text, at)
            value, at = _string(text, at)
            headers[name.lower()] = value
        return headers

    def reply(self, stream: int, headers: Mapping[str, str] | None = None) -> bytes:
        """Return the frame that accepts a stream."""
        pairs = headers or {}
        text = struct.pack(">I", len(pairs))
        for name, value in pairs.items():
            for part in (name.encode(), value.encode()):
                text += struct.pack(">I", len(part)) + part
        block = self._deflate.compress(text) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _frame(_SYN_REPLY, 0, struct.pack(">I", stream) + block)

    def data(self, stream: int, data: bytes, *, end: bool = False) -> bytes:
        assert len(data) < FRAME_BYTES_MAX
        flags = _FLAG_FIN if end else 0
        return struct.pack(">II", stream, flags << 24 | len(data)) + data

    def reset(self, stream: int, status: int) -> bytes:
        return _frame(_RST_STREAM, 0, struct.pack(">II", stream, status))

    def pong(self, ping: int) -> bytes:
        return _frame(_PING, 0, struct.pack(">I", ping))


def _frame(kind: int, flags: int, body: bytes) -> bytes:
    head = struct.pack(">II", _CONTROL | _VERSION << 16 | kind, flags << 24 | len(body))
    return head + body


def _string(text: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">I", text, at)
    end = at + 4 + length
    if end > len(text):
        raise WireError("SPDY headers are cut short")
    return text[at + 4 : end].decode(), end
