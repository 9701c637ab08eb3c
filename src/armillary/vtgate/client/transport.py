"""The bytes between one client and the gateway: TLS, packets, and holding back. I/O."""

import asyncio
import logging
import ssl
from typing import cast

from armillary.base.errors import ArmillaryError, WireError
from armillary.vtgate.errors import err_payload
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.wire.packets import PacketReader, frame
from armillary.wire.tls import TlsServerFilter

logger = logging.getLogger(__name__)


class ClientTransport(asyncio.Protocol):
    """What arrives becomes payloads for `pump`; what is written is held back for a slow reader."""

    def __init__(self, *, payload_bytes_max: int) -> None:
        self.peer = ""
        self._transport: asyncio.Transport | None = None
        self._reader = PacketReader(payload_bytes_max=payload_bytes_max)
        self._tls: TlsServerFilter | None = None
        self._closed = False
        self._writable = True
        self._drained: asyncio.Future[None] | None = None
        self._relaying: BackendConnection | None = None

    def _pump(self) -> None:
        """Take the payloads that are there."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "socket"

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        try:
            if self._tls is not None:
                data, answer = self._tls.receive(data)
                if answer and self._transport is not None:
                    self._transport.write(answer)
            if data:
                self._reader.feed(data)
                self._pump()
        except Exception as error:  # noqa: BLE001  the edge: one client must not end the gateway
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Say why, and close: nothing that goes wrong with one client reaches others."""
        if not isinstance(error, ArmillaryError | ssl.SSLError):
            if not isinstance(error, IndexError | ValueError):
                logger.error("a client's bytes met a bug", exc_info=error)
            error = WireError(f"malformed packet: {error}")  # cut where no length said so
        logger.info("client dropped", extra={"peer": self.peer, "reason": str(error)})
        if isinstance(error, ArmillaryError):
            self.write(frame(err_payload(error), self._reader.sequence_next))
        self.close()

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._tls is not None:
            data = self._tls.send(data)
        self._transport.write(data)

    def pause_writing(self) -> None:
        self._writable = False
        if self._relaying is not None:
            self._relaying.pause()

    def resume_writing(self) -> None:
        self._writable = True
        if self._relaying is not None:
            self._relaying.resume()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    async def drain(self) -> None:
        if self._writable or self._closed:
            return
        self._drained = asyncio.get_running_loop().create_future()
        await self._drained

    def relaying(self, backend: BackendConnection | None) -> None:
        if backend is None and self._relaying is not None and not self._writable:
            self._relaying.resume()
        self._relaying = backend
        if backend is not None and not self._writable:
            backend.pause()

    @property
    def _is_secure(self) -> bool:
        return self._tls is not None or self.peer == "socket"

    def _begin_tls(self, context: ssl.SSLContext) -> None:
        self._tls = TlsServerFilter(context)
        encrypted = self._reader.take_unread()
        if encrypted:
            self.data_received(encrypted)

    def _say(self, payload: bytes) -> None:
        """Send one packet, numbered behind the last one that came."""
        sequence = self._reader.sequence_next
        self.write(frame(payload, sequence))
        self._reader.sequence_next = (sequence + 1) & 0xFF
