"""SPDY/3.1 framing, fed one byte at a time."""

import struct
import zlib

import pytest

from armillary.base.errors import WireError
from armillary.local.kubelet.streams.exec_streams import (
    Input,
    Resize,
    decode_message,
    exit_status,
)
from armillary.local.kubelet.streams.spdy import (
    GoAwayReceived,
    PingReceived,
    SpdyConnection,
    SpdyEvent,
    StreamData,
    StreamOpened,
    StreamReset,
)
from armillary.local.kubelet.streams.spdy_dictionary import DICTIONARY


class Client:
    """The other side: makes the frames that kubectl would send."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def open(self, stream: int, headers: dict[str, str], *, end: bool = False) -> bytes:
        text = struct.pack(">I", len(headers))
        for pair in headers.items():
            for part in pair:
                text += struct.pack(">I", len(part)) + part.encode()
        block = self._deflate.compress(text) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return control(1, struct.pack(">IIH", stream, 0, 0) + block, flags=int(end))


def control(kind: int, body: bytes, *, flags: int = 0, version: int = 3) -> bytes:
    return struct.pack(">HHI", 0x8000 | version, kind, flags << 24 | len(body)) + body


def data(stream: int, body: bytes, *, end: bool = False) -> bytes:
    return struct.pack(">II", stream, int(end) << 24 | len(body)) + body


def session() -> tuple[bytes, list[SpdyEvent]]:
    client = Client()
    sent = client.open(1, {"streamtype": "error", "port": "80"}, end=True)
    sent += client.open(3, {"StreamType": "data", "port": "80"})
    sent += data(3, b"hello") + data(3, b"", end=True)
    sent += control(6, struct.pack(">I", 7))
    sent += control(9, struct.pack(">II", 3, 4))  # WINDOW_UPDATE: nothing to do
    sent += control(3, struct.pack(">II", 3, 5)) + control(7, struct.pack(">II", 3, 0))
    return sent, [
        StreamOpened(1, {"streamtype": "error", "port": "80"}, True),
        StreamOpened(3, {"streamtype": "data", "port": "80"}, False),
        StreamData(3, b"hello", False),
        StreamData(3, b"", True),
        PingReceived(7),
        StreamReset(3),
        GoAwayReceived(),
    ]


def test_the_dictionary_is_the_standards() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_frames_may_come_in_any_pieces(step: int) -> None:
    sent, expected = session()
    connection = SpdyConnection()
    events: list[SpdyEvent] = []
    for start in range(0, len(sent), step):
        events += connection.feed(sent[start : start + step])
    assert events == expected


def test_our_replies_can_be_read_by_a_peer() -> None:
    connection = SpdyConnection()
    inflate = zlib.decompressobj(zdict=DICTIONARY)
    for stream in (1, 3):  # the second proves that the compressor's state is shared
        frame = connection.reply(stream, {"status": "200"})
        word, tail, number = struct.unpack_from(">III", frame)
        assert (word, tail, number) == (0x80030002, len(frame) - 8, stream)
        text = inflate.decompress(frame[12:])
        assert text == struct.pack(">II6sI3s", 1, 6, b"status", 3, b"200")


def test_what_we_send_as_data_and_control() -> None:
    connection = SpdyConnection()
    assert connection.data(5, b"ab") == data(5, b"ab")
    assert connection.data(5, b"", end=True) == data(5, b"", end=True)
    assert connection.pong(9) == control(6, struct.pack(">I", 9))
    assert connection.reset(5, 3) == control(3, struct.pack(">II", 5, 3))


@pytest.mark.parametrize(
    "frame",
    [
        control(1, b"\x00" * 10 + b"not zlib"),
        control(6, b""),
        control(6, b"\x00\x00\x00\x01", version=2),
        control(1, b""),
    ],
)
def test_broken_frames_are_refused(frame: bytes) -> None:
    with pytest.raises(WireError):
        SpdyConnection().feed(frame)


def test_headers_cannot_be_a_bomb() -> None:
    frame = Client().open(1, {"a": "b" * 200_000})
    with pytest.raises(WireError, match="headers of more than"):
        SpdyConnection().feed(frame)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\x00abc", Input(b"abc")),
        (b"\x00", None),
        (b"\xff\x00", Input(b"")),
        (b"\xff\x01", None),
        (b'\x04{"Width": 80, "Height": 24}', Resize(80, 24)),
        (b'\x04{"Width": 80}', None),
        (b'\x04{"Width": -1, "Height": 24}', None),
        (b"\x04nonsense", None),
        (b"\x01x", None),
    ],
)
def test_exec_messages(message: bytes, expected: object) -> None:
    assert decode_message(message) == expected


def test_exit_codes_in_status_objects() -> None:
    assert exit_status(0)["status"] == "Success"
    causes = exit_status(7)["details"]["causes"]
    assert causes == [{"reason": "ExitCode", "message": "7"}]
