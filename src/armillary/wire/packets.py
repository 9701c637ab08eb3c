"""MySQL packets: bytes in, whole payloads out; payloads in, bytes out. Sans-IO.

Source: MySQL client/server protocol, "Protocol Basics: MySQL Packets". A packet is a
3-byte little-endian payload length, a 1-byte sequence id, then the payload. A payload
part of exactly 0xFFFFFF bytes says that the payload goes on in the next packet.
"""

from armillary.base.errors import WireError
from armillary.wire.protocol import HEADER_BYTES, PART_BYTES_MAX


class PacketOutOfOrderError(WireError):
    errno = 1156

    def __init__(self, *, expected: int, received: int) -> None:
        super().__init__(f"packets out of order: wanted sequence id {expected}, found {received}")
        self.expected = expected
        self.received = received


class PacketTooLargeError(WireError):
    errno = 1153

    def __init__(self, *, payload_bytes_max: int) -> None:
        super().__init__(f"got a packet bigger than the limit of {payload_bytes_max} bytes")
        self.payload_bytes_max = payload_bytes_max


class PacketReader:
    """Feed it what the peer sent, in any chunks; ask for payloads until it says None.

    Args:
        of_answer: the first packet may have any sequence id: it follows those of its command.
    """

    def __init__(
        self,
        *,
        payload_bytes_max: int,
        part_bytes_max: int = PART_BYTES_MAX,
        of_answer: bool = False,
    ) -> None:
        assert payload_bytes_max > 0
        self._is_first_of_answer = of_answer
        self._payload_bytes_max = payload_bytes_max
        self._part_bytes_max = part_bytes_max  # smaller only in tests
        self._unread = bytearray()
        self._payload = bytearray()  # parts of the payload under way
        self.sequence_next = 0

    def start_command(self) -> None:
        """Expect sequence id 0 again: each command restarts the count, but not in its midst."""
        if not self._payload:
            self.sequence_next = 0

    def feed(self, data: bytes) -> None:
        self._unread += data

    @property
    def buffered_bytes(self) -> int:
        return len(self._unread)

    def take_unread(self) -> bytes:
        """Hand over what was fed and not read: the bytes after an SSLRequest belong to TLS."""
        unread, self._unread = bytes(self._unread), bytearray()
        return unread

    def next_payload(self) -> bytes | None:
        """Return the next whole payload, or None when more bytes are needed.

        Raises:
            PacketTooLargeError: the header announces more than `payload_bytes_max`;
                raised before the body arrives, so a peer cannot make us hold it.
            PacketOutOfOrderError: the sequence id is not the expected one.
        After either the reader is spent: close the connection.
        """
        unread = self._unread
        while len(unread) >= HEADER_BYTES:
            part_bytes = unread[0] | unread[1] << 8 | unread[2] << 16
            if self._is_first_of_answer:
                self._is_first_of_answer = False
                self.sequence_next = unread[3]
            if unread[3] != self.sequence_next:
                raise PacketOutOfOrderError(expected=self.sequence_next, received=unread[3])
            if len(self._payload) + part_bytes > self._payload_bytes_max:
                self.sequence_next = (self.sequence_next + 1) & 0xFF  # of the answer
                raise PacketTooLargeError(payload_bytes_max=self._payload_bytes_max)
            if len(unread) < HEADER_BYTES + part_bytes:
                return None
            part = bytes(unread[HEADER_BYTES : HEADER_BYTES + part_bytes])
            del unread[: HEADER_BYTES + part_bytes]
            self.sequence_next = (self.sequence_next + 1) & 0xFF
            if part_bytes < self._part_bytes_max:
                if not self._payload:
                    return part
                payload, self._payload = bytes(self._payload + part), bytearray()
                return payload
            self._payload += part
        return None


def frame(payload: bytes, sequence: int, *, part_bytes_max: int = PART_BYTES_MAX) -> bytes:
    """Return the packets that carry `payload`, the first one with sequence id `sequence`."""
    if len(payload) < part_bytes_max:
        return len(payload).to_bytes(3, "little") + bytes((sequence & 0xFF,)) + payload
    parts = []
    for start in range(0, len(payload) + 1, part_bytes_max):
        part = payload[start : start + part_bytes_max]
        parts.append(len(part).to_bytes(3, "little") + bytes((sequence & 0xFF,)) + part)
        sequence += 1
    return b"".join(parts)


def packet_count(payload_bytes: int) -> int:
    """How many sequence ids `frame` uses for a payload of this size."""
    return payload_bytes // PART_BYTES_MAX + 1


class PacketWriter:
    """Frames payloads one after another and keeps the sequence id."""

    def __init__(self, sequence_next: int = 1) -> None:
        self.sequence_next = sequence_next

    def frame(self, payload: bytes) -> bytes:
        framed = frame(payload, self.sequence_next)
        self.sequence_next = (self.sequence_next + packet_count(len(payload))) & 0xFF
        return framed
