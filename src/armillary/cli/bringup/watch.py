"""Follow the objects of a namespace and tell the progress at each change. I/O."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from armillary.cli.bringup.progress import Progress, Seen, read_progress
from armillary.kube.client import KubeClient
from armillary.kube.informer import Informer
from armillary.kube.kinds import (
    ETCD_LOCKSERVER,
    EVENT,
    PLANETSCALE_CLUSTER,
    POD,
    VITESS_BACKUP_STORAGE,
    VITESS_CELL,
    VITESS_CLUSTER,
    VITESS_KEYSPACE,
    VITESS_SHARD,
)

_CHILDREN = (VITESS_CELL, VITESS_KEYSPACE, VITESS_BACKUP_STORAGE, ETCD_LOCKSERVER)

_SETTLE_S = 0.05  # several objects change at once; one picture of them is enough


@asynccontextmanager
async def follow_progress(
    client: KubeClient, namespace: str
) -> AsyncIterator[AsyncIterator[Progress]]:
    """Iterate over the progress of all clusters in `namespace`: now, then at each change."""
    kinds = (PLANETSCALE_CLUSTER, VITESS_CLUSTER, VITESS_SHARD, POD, EVENT, *_CHILDREN)
    informers = {kind: Informer(client, kind, namespace=namespace) for kind in kinds}
    changed = _Flag()
    async with anyio.create_task_group() as tg:
        for informer in informers.values():
            await tg.start(informer.run)
            informer.on_change(lambda before, after: changed.raise_())

        async def progress() -> AsyncIterator[Progress]:
            while True:
                yield read_progress(
                    Seen(
                        clusters=[
                            *informers[PLANETSCALE_CLUSTER].list(),
                            *informers[VITESS_CLUSTER].list(),
                        ],
                        shards=informers[VITESS_SHARD].list(),
                        pods=informers[POD].list(),
                        events=informers[EVENT].list(),
                        children=[obj for kind in _CHILDREN for obj in informers[kind].list()],
                    )
                )
                await changed.wait()
                await anyio.sleep(_SETTLE_S)

        yield progress()
        tg.cancel_scope.cancel()


class _Flag:
    """Raised by any change, lowered by whoever waited for it."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def raise_(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()
        self._event = anyio.Event()
