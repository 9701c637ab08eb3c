"""The API server's process: store, cache, registry, HTTP, objects that always exist. I/O."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskStatus

from armillary.etcd.client import EtcdClient
from armillary.local.apiserver.auth import Gate, build_tls
from armillary.local.apiserver.cleanup import clean_up_custom_resources
from armillary.local.apiserver.expiry import expire_events
from armillary.local.apiserver.kinds.registry import Registry
from armillary.local.apiserver.objects.addresses import ServiceAddresses
from armillary.local.apiserver.relay import Relay
from armillary.local.apiserver.schema.builtin import BuiltinSchemas
from armillary.local.apiserver.server import ApiServer, serve
from armillary.local.apiserver.status import StatusError
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.store.etcd import EtcdStore
from armillary.local.apiserver.store.records import ObjectStore
from armillary.local.apiserver.verbs.call import Call
from armillary.local.apiserver.verbs.prepare import World
from armillary.local.apiserver.verbs.write import Writer
from armillary.local.pki import Pki, ensure_pki, write_kubeconfig
from armillary.settings.local import API_HOST, ApiserverSettings

logger = logging.getLogger(__name__)

NAMESPACES = ("default", "kube-system")


async def run(
    settings: ApiserverSettings, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Serve the Kubernetes API on API_HOST:port until cancelled; started once it answers."""
    pki = ensure_pki(settings.dir)
    async with (
        EtcdClient([settings.etcd_endpoint]) as etcd,
        open_apiserver(
            EtcdStore(etcd),
            pki=pki,
            host=API_HOST,
            port=settings.port,
            service_cidr=settings.service_cidr,
        ) as port,
    ):
        write_kubeconfig(settings.dir, port=port)
        logger.info("API server listens", extra={"host": API_HOST, "port": port})
        task_status.started()
        await anyio.sleep_forever()


@asynccontextmanager
async def open_apiserver(
    store: ObjectStore, *, pki: Pki, host: str, port: int, service_cidr: str
) -> AsyncIterator[int]:
    """Run an API server on `store` while the context is open; yields its port."""
    schemas = BuiltinSchemas()
    registry = Registry(schemas)
    addresses = ServiceAddresses(service_cidr)
    cache = ObjectCache(store)
    cache.add_follower(registry)
    cache.add_follower(addresses)
    writer = Writer(store, World(cache, addresses))
    api = ApiServer(
        gate=Gate(pki.read_token()),
        cache=cache,
        registry=registry,
        writer=writer,
        relay=Relay(cache, pki),
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(cache.run)
        tasks.start_soon(cache.compact_regularly)
        tasks.start_soon(clean_up_custom_resources, cache, registry, writer)
        tasks.start_soon(expire_events, cache, registry, writer)
        await ensure_namespaces(registry, writer)
        async with serve(api, host, port, build_tls(pki)) as listening_port:
            yield listening_port
        tasks.cancel_scope.cancel()


async def ensure_namespaces(registry: Registry, writer: Writer) -> None:
    """Create the namespaces that every cluster has. Again: leaves them alone."""
    for name in NAMESPACES:
        call = Call(resource=registry.builtin("namespaces"), query={}, user_agent="armillary/1")
        try:
            await writer.create(call, {"metadata": {"name": name}})
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
