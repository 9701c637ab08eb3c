"""A bare TCP proxy, as the measure of what any hop costs: it looks at nothing.

python -m benchmarks.relay HOST:PORT UPSTREAM:PORT
"""

import asyncio
import json
import os
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    def __init__(self) -> None:
        self.other: Side | None = None
        self.waiting = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.waiting:
            self.transport.write(self.waiting)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        if self.other.transport is None:
            self.other.waiting += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


async def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    upstream, _, upstream_port = sys.argv[2].rpartition(":")
    loop = asyncio.get_running_loop()
    connecting: set[asyncio.Task[object]] = set()

    def accept() -> Side:
        client, server = Side(), Side()
        client.other, server.other = server, client
        task: asyncio.Task[object] = loop.create_task(
            loop.create_connection(lambda: server, upstream, int(upstream_port))
        )
        connecting.add(task)
        task.add_done_callback(connecting.discard)
        return client

    server = await loop.create_server(accept, host, int(port))
    print(json.dumps([os.getpid()]), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
