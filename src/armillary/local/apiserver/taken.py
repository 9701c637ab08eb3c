"""The response of a connection that needs none: taken over by the relay, or gone."""

from typing import Any

from aiohttp import web


class TakenResponse(web.StreamResponse):
    """Writes nothing; aiohttp closes the connection afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: Any = b"") -> None:
        return None
