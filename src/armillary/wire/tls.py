"""TLS as a filter of bytes, so that a protocol can begin in clear and go on encrypted. Sans-IO."""

import ssl

_READ_BYTES = 1 << 16


class TlsServerFilter:
    """Encrypted bytes in, clear bytes out, and the reverse."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._ready = False

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """Take bytes of the peer; return the clear bytes, and bytes to send to the peer.

        Raises:
            ssl.SSLError: the handshake failed or a record is broken; close the connection.
        """
        self._incoming.write(data)
        clear = bytearray()
        try:
            if not self._ready:
                self._tls.do_handshake()
                self._ready = True
            while chunk := self._tls.read(_READ_BYTES):
                clear += chunk
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            pass
        return bytes(clear), self._outgoing.read()

    def send(self, clear: bytes) -> bytes:
        """Return what to send to the peer for `clear`."""
        if clear:
            self._tls.write(clear)
        return self._outgoing.read()
