"""Open topologies and tablet clients of clusters, shared by all controllers. I/O.

Each is opened at first use in a task of its own and kept. One that stops answering is dropped, and
the next use opens it anew: the addresses behind it may have changed.
"""

import json
import logging
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup, TaskStatus

from armillary.base.clock import monotonic_s
from armillary.base.errors import ArmillaryError, UnavailableError
from armillary.etcd.records import EtcdTls
from armillary.kube.client import KubeClient
from armillary.kube.kinds import ENDPOINTS, SECRET, SERVICE
from armillary.kube.objects import labels_of
from armillary.operator.crd.lockserver import TopologyParams
from armillary.operator.render import names
from armillary.operator.render.labels import CLUSTER, COMPONENT, ETCD
from armillary.operator.render.podparts import PLAINTEXT
from armillary.operator.render.secrets import (
    ETCD_AUTHORITY,
    ETCD_CLIENT_CERT,
    ETCD_CLIENT_KEY,
    LOCKSERVER_TLS_NAME,
)
from armillary.rpc.static_users import ClientCredentials
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.settings.topo import TopoSettings
from armillary.topo.server import TopoServer

logger = logging.getLogger(__name__)

_REOPEN_AFTER_S = 10.0
# Others may still be using what one of them found broken: closing a channel kills their calls.
_CLOSE_AFTER_S = 120.0


@dataclass(slots=True)
class _Open:
    topo: TopoServer
    opened_at_s: float
    dropped: anyio.Event = field(default_factory=anyio.Event)


class TopologyPool:
    """Run `hold` in a task; use the rest from anywhere.

    What is opened is what changes topology and tablets, so it is given only to who may act: the
    client's fence is asked each time.
    """

    def __init__(self, client: KubeClient, *, topology_timeout_s: float) -> None:
        self._client = client
        self._timeout_s = topology_timeout_s
        self._open: dict[tuple[str, TopologyParams], _Open] = {}
        self._tablets: dict[tuple[str, str], tuple[ClientCredentials, TabletManagerClient]] = {}
        self._group: TaskGroup | None = None
        self._opening = anyio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TopologyPool"]:
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                yield self
            finally:
                group.cancel_scope.cancel()

    @asynccontextmanager
    async def use(self, namespace: str, params: TopologyParams) -> AsyncIterator[TopoServer]:
        """Yield the topology within a deadline.

        Raises:
            UnavailableError: it does not answer, or not in time.
        """
        opened = await self._get(namespace, params)
        try:
            with anyio.fail_after(self._timeout_s):
                yield opened.topo
        except (UnavailableError, TimeoutError) as error:
            self._drop_stale(namespace, params, opened)
            if isinstance(error, TimeoutError):
                raise UnavailableError(f"topology {params.address}: no answer in time") from error
            raise

    async def get(self, namespace: str, params: TopologyParams) -> TopoServer:
        """Return the topology without a deadline: for acts under a lock."""
        return (await self._get(namespace, params)).topo

    async def tablets(self, namespace: str, cluster: str) -> TabletManagerClient:
        """Return the client of a cluster's tablets, with the credentials of its auth secret."""
        # Asked for each time: a cluster that is deleted and made again has other passwords.
        credentials = await self.credentials(namespace, cluster)
        known = self._tablets.get((namespace, cluster))
        if known is None or known[0] != credentials:
            # The old client is not closed: calls on it may be under way, and idle channels cost
            # next to nothing.
            known = (credentials, TabletManagerClient(credentials, timeout_s=5.0))
            self._tablets[namespace, cluster] = known
        return known[1]

    def _check_fence(self) -> None:
        if self._client.fence is not None:
            self._client.fence()

    async def _get(self, namespace: str, params: TopologyParams) -> _Open:
        key = (namespace, params)
        self._check_fence()
        async with self._opening:
            if key not in self._open:
                assert self._group is not None, "use it inside 'running'"
                self._open[key] = await self._group.start(self._hold, namespace, params)
            return self._open[key]

    async def _hold(
        self,
        namespace: str,
        params: TopologyParams,
        *,
        task_status: TaskStatus[_Open] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Keep one topology open; what it opened is closed in the task that opened it."""

        async def resolve(address: str) -> Sequence[str]:
            return await self._resolve(namespace, address)

        async def find_tls(address: str) -> EtcdTls | None:
            return await self._find_tls(namespace, address)

        settings = TopoSettings(
            topo_implementation=params.implementation,
            topo_global_server_address=params.address,
            topo_global_root=params.root_path,
        )
        is_open = False
        try:
            async with TopoServer.open(settings, resolve=resolve, find_tls=find_tls) as topo:
                opened = _Open(topo, monotonic_s())
                is_open = True
                task_status.started(opened)
                await opened.dropped.wait()
                await anyio.sleep(_CLOSE_AFTER_S)
        except ArmillaryError as error:
            if not is_open:
                raise  # to whoever asked for it
            logger.debug("topology closed badly", extra={"error": str(error)})

    def _drop_stale(self, namespace: str, params: TopologyParams, opened: _Open) -> None:
        if monotonic_s() - opened.opened_at_s < _REOPEN_AFTER_S:
            return
        if self._open.get((namespace, params)) is opened:
            del self._open[namespace, params]
        opened.dropped.set()

    async def _resolve(self, namespace: str, address: str) -> Sequence[str]:
        """Return addresses that can be dialled from here.

        A Service's name means something inside pods only; the operator may run outside, so it
        asks for the Service's endpoints, which is right inside as well.
        """
        resolved: list[str] = []
        for item in address.split(","):
            host, _, port = item.strip().removeprefix(PLAINTEXT).rpartition(":")
            service, _, rest = host.partition(".")
            if rest and not rest.startswith(f"{namespace}.svc") and rest != namespace:
                resolved.append(item.strip())
                continue
            resolved += await self._endpoints(namespace, service, port) or [item.strip()]
        logger.debug("resolved topology", extra={"address": address, "found": resolved})
        return resolved

    async def _endpoints(self, namespace: str, service: str, port: str) -> list[str]:
        """Return the ready addresses of a Service; empty when there is no such Service.

        Raises:
            UnavailableError: there is, and nothing behind it is ready: dialling would only hang.
        """
        endpoints = await self._client.get(ENDPOINTS, service, namespace) or {}
        found = [
            f"{entry['ip']}:{port}"
            for subset in endpoints.get("subsets") or ()
            for entry in subset.get("addresses") or ()
        ]
        if not found and await self._client.get(SERVICE, service, namespace) is not None:
            raise UnavailableError(f"nothing behind Service {service} is ready")
        return found

    async def _find_tls(self, namespace: str, address: str) -> EtcdTls | None:
        """Return what a lockserver of ours wants to be shown; None for somebody else's server."""
        service = await self._client.get(SERVICE, address.partition(":")[0], namespace)
        labels = labels_of(service) if service is not None else {}
        if labels.get(COMPONENT) != ETCD:
            return None
        data = await self._auth_secret(namespace, labels[CLUSTER])
        return EtcdTls(
            ca=b64decode(data[ETCD_AUTHORITY]),
            cert=b64decode(data[ETCD_CLIENT_CERT]),
            key=b64decode(data[ETCD_CLIENT_KEY]),
            server_name=LOCKSERVER_TLS_NAME,
        )

    async def credentials(self, namespace: str, cluster: str) -> ClientCredentials:
        """Return what the cluster's servers want to be shown.

        Raises:
            UnavailableError: the cluster has no auth secret yet.
        """
        data = await self._auth_secret(namespace, cluster)
        self._check_fence()
        entry = json.loads(b64decode(data["grpc-client.json"]))
        return ClientCredentials(entry["Username"], entry["Password"])

    async def _auth_secret(self, namespace: str, cluster: str) -> dict[str, str]:
        secret = await self._client.get(SECRET, names.auth_secret(cluster), namespace)
        data: dict[str, str] = (secret or {}).get("data") or {}
        if not data:
            raise UnavailableError(f"the auth secret of cluster {cluster} is not there yet")
        return data
