"""A watch inside a WebSocket, as some client libraries ask for it: each event a message. I/O."""

from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from aiohttp import WSMsgType, web

from armillary.local.apiserver.answers import EventEncoder
from armillary.local.apiserver.verbs.watch import WatchEvent

_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


def wants_websocket(request: web.BaseRequest) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


async def send_events(
    request: web.BaseRequest, batches: AsyncIterator[list[WatchEvent]], encoder: EventEncoder
) -> web.StreamResponse:
    """Send until the watch ends or the client does."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async with anyio.create_task_group() as group:
        group.start_soon(_hear, socket, group.cancel_scope)
        async for batch in batches:
            with suppress(ConnectionError):  # the client has gone, which is heard as well
                for event in batch:
                    await socket.send_str(encoder.encode([event]).decode())
        group.cancel_scope.cancel()
    await socket.close()
    return socket


async def _hear(socket: web.WebSocketResponse, scope: anyio.CancelScope) -> None:
    """A watcher has nothing to say but that it goes."""
    while (await socket.receive()).type not in _ENDS:
        pass
    scope.cancel()
