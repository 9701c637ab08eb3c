"""The part of Vitess's query service that vtgate and operators need here: the health stream. I/O.

Queries themselves go from vtgate straight to mysqld.
"""

from collections.abc import AsyncIterator

from armillary.pb import query_pb2
from armillary.vttablet.health_stream import HealthStream


class QueryService:
    def __init__(self, health: HealthStream) -> None:
        self._health = health

    async def stream_health(
        self, request: query_pb2.StreamHealthRequest
    ) -> AsyncIterator[query_pb2.StreamHealthResponse]:
        async for response in self._health.listen():
            yield response
