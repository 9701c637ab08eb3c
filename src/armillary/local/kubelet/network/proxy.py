"""A TCP relay on each Service's cluster IP to its ready endpoints. I/O.

The bytes do not pass through Python objects one by one: asyncio streams with a bounded buffer on
either side, so a slow reader slows its writer.
"""

import ipaddress
import itertools
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio.abc import ByteStream, SocketStream, TaskGroup

from armillary.kube.informer import Informer
from armillary.kube.kinds import KubeObject
from armillary.local.kubelet.pod.spec import Json

logger = logging.getLogger(__name__)

_CONNECT_S_MAX = 5.0
_CHUNK_BYTES = 1 << 16
_SETTLE_S = 0.02
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    address: str
    port: int


Targets = tuple[tuple[str, int], ...]


def plan_listeners(services: Iterable[Json], endpoints: Iterable[Json]) -> dict[Listener, Targets]:
    """Return what to listen on and where each connection may go. Pure."""
    by_key = {_key(item): item for item in endpoints}
    wanted: dict[Listener, Targets] = {}
    for service in services:
        spec = service.get("spec") or {}
        address = spec.get("clusterIP") or "None"
        if address == "None" or ipaddress.ip_address(address) not in _LOOPBACK:
            continue
        subsets = (by_key.get(_key(service)) or {}).get("subsets") or ()
        for port in spec.get("ports") or ():
            if port.get("protocol", "TCP") == "TCP":
                targets = _targets(subsets, port.get("name") or "")
                wanted[Listener(address, port["port"])] = targets
    return wanted


def _targets(subsets: Iterable[Json], port_name: str) -> Targets:
    found = {
        (item["ip"], port["port"])
        for subset in subsets
        for port in subset.get("ports") or ()
        if (port.get("name") or "") == port_name
        for item in subset.get("addresses") or ()
    }
    return tuple(sorted(found))


def _key(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


class ServiceProxy:
    def __init__(self, *, services: Informer, endpoints: Informer) -> None:
        self._services = services
        self._endpoints = endpoints
        self._targets: dict[Listener, Targets] = {}
        self._turns: dict[Listener, Iterator[int]] = {}
        self._scopes: dict[Listener, anyio.CancelScope] = {}
        self._changed = anyio.Event()
        self._changed.set()
        for informer in (services, endpoints):
            informer.on_change(self._on_change)

    def _on_change(self, before: KubeObject | None, after: KubeObject | None) -> None:
        self._changed.set()

    async def run(self) -> None:
        async with anyio.create_task_group() as group:
            while True:
                await self._changed.wait()
                await anyio.sleep(_SETTLE_S)
                self._changed = anyio.Event()
                self._reconcile(group)

    def _reconcile(self, group: TaskGroup) -> None:
        self._targets = plan_listeners(self._services.list(), self._endpoints.list())
        for listener in [each for each in self._scopes if each not in self._targets]:
            self._scopes.pop(listener).cancel()
        for listener in self._targets:
            if listener not in self._scopes:
                self._scopes[listener] = anyio.CancelScope()
                self._turns[listener] = itertools.count()
                group.start_soon(self._serve, listener, self._scopes[listener])

    async def _serve(self, listener: Listener, scope: anyio.CancelScope) -> None:
        with scope:
            try:
                server = await anyio.create_tcp_listener(
                    local_host=listener.address, local_port=listener.port
                )
            except OSError as error:
                logger.warning(
                    "service address not usable",
                    extra={"address": f"{listener.address}:{listener.port}", "error": str(error)},
                )
                # Forgotten, so that the next change of any Service tries it again.
                self._scopes.pop(listener, None)
                return
            async with server:
                await server.serve(lambda client: self._relay(listener, client))

    async def _relay(self, listener: Listener, client: SocketStream) -> None:
        async with client:
            target = await self._connect(listener)
            if target is None:
                return
            async with target:
                await relay(client, target)

    async def _connect(self, listener: Listener) -> SocketStream | None:
        """Return a connection to the endpoint whose turn it is, or to the next that answers."""
        targets = self._targets.get(listener, ())
        if not targets:
            return None
        start = next(self._turns[listener])
        for step in range(len(targets)):
            host, port = targets[(start + step) % len(targets)]
            with suppress(OSError), anyio.move_on_after(_CONNECT_S_MAX):
                return await anyio.connect_tcp(host, port)
        return None


async def relay(one: ByteStream, other: ByteStream) -> None:
    """Copy both ways until both sides have ended, or one has broken."""
    async with anyio.create_task_group() as group:
        group.start_soon(_copy, one, other, group)
        group.start_soon(_copy, other, one, group)


async def _copy(source: ByteStream, sink: ByteStream, group: TaskGroup) -> None:
    try:
        while True:
            await sink.send(await source.receive(_CHUNK_BYTES))
    except anyio.EndOfStream:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await sink.send_eof()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        group.cancel_scope.cancel()
