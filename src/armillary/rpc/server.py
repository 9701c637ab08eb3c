"""Run a gRPC server, closed with a grace period when its block ends. I/O."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import grpc
import grpc.aio

from armillary.base.errors import UnavailableError
from armillary.rpc.auth import StaticAuth

logger = logging.getLogger(__name__)

_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second process on the same port must fail, not share
    ("grpc.max_receive_message_length", 64 * 2**20),
    ("grpc.max_send_message_length", 64 * 2**20),
    # Clients ping idle streams (health, backup progress) to find dead peers.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


@asynccontextmanager
async def serve_grpc(
    address: str,
    handlers: "Sequence[grpc.GenericRpcHandler[Any, Any]]",
    auth: StaticAuth | None = None,
    *,
    tls: grpc.ServerCredentials | None = None,
    grace_s: float = 2.0,
) -> AsyncIterator[int]:
    """Serve at `host:port` or `unix:/path` within the block; yields the port (0 asks for one).

    Raises:
        UnavailableError: the address cannot be bound.
    Cancelled: calls in flight get `grace_s`, then they are cancelled.
    """
    server = grpc.aio.server(interceptors=[auth] if auth else None, options=_OPTIONS)
    for handler in handlers:
        server.add_generic_rpc_handlers((handler,))
    try:
        port = server.add_secure_port(address, tls) if tls else server.add_insecure_port(address)
    except RuntimeError:
        raise UnavailableError(f"cannot listen on {address}") from None
    await server.start()
    logger.info("gRPC server listens", extra={"address": address, "port": port})
    try:
        yield port
    finally:
        with anyio.CancelScope(shield=True):
            await server.stop(grace_s)
