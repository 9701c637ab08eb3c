"""What all controllers of the operator share: client, caches, writer, events, topology. I/O."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from anyio.abc import TaskGroup

from armillary.base.clock import utc_now
from armillary.kube import kinds
from armillary.kube.client import KubeClient
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.kube.objects import (
    controller_of,
    generation_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from armillary.kube.workqueue import WorkQueue
from armillary.operator.objects.writer import ObjectWriter
from armillary.operator.render.labels import CLUSTER, PREFIX
from armillary.operator.topology import TopologyPool
from armillary.settings.operator import OperatorSettings

_OWNER = "owner"
_CLUSTER = "cluster"

# Children that carry the cluster's label; a watch on it spares us all other pods.
_LABELLED = (
    kinds.POD,
    kinds.PERSISTENT_VOLUME_CLAIM,
    kinds.SERVICE,
    kinds.DEPLOYMENT,
    kinds.POD_DISRUPTION_BUDGET,
)
_CUSTOM = (
    kinds.PLANETSCALE_CLUSTER,
    kinds.VITESS_CLUSTER,
    kinds.VITESS_CELL,
    kinds.VITESS_KEYSPACE,
    kinds.VITESS_SHARD,
    kinds.VITESS_BACKUP,
    kinds.VITESS_BACKUP_STORAGE,
    kinds.ETCD_LOCKSERVER,
)


class ObjectKey(NamedTuple):
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


class World:
    """Build it, let controllers `subscribe`, then `start` the caches, then run the controllers."""

    def __init__(
        self,
        client: KubeClient,
        settings: OperatorSettings,
        recorder: EventRecorder,
        topology: TopologyPool,
    ) -> None:
        self.client = client
        self.settings = settings
        self.recorder = recorder
        self.topology = topology
        self.writer = ObjectWriter(client, recorder)
        # One namespace is watched as such; several are picked out of a watch on all.
        names = settings.watch_namespaces
        self._namespaces = frozenset(names)
        namespace = names[0] if len(names) == 1 else None
        indexes = {_OWNER: _owner_uids, _CLUSTER: _cluster_labels}
        self._informers: Mapping[ResourceKind, Informer] = {
            kind: Informer(
                client,
                kind,
                namespace=namespace,
                labels=CLUSTER if kind in _LABELLED else None,
                indexes=indexes,
            )
            for kind in (*_CUSTOM, *_LABELLED)
        }

    def now(self) -> datetime:
        return utc_now()

    async def start(self, group: TaskGroup) -> None:
        """Start all caches; returns when every one has its first list."""
        for informer in self._informers.values():
            group.start_soon(informer.run)
        for informer in self._informers.values():
            await informer.wait_synced()

    # --- reading

    def get(self, kind: ResourceKind, namespace: str, name: str) -> KubeObject | None:
        return self._informers[kind].get(name, namespace)

    def all(self, kind: ResourceKind) -> Sequence[KubeObject]:
        return self._informers[kind].list()

    def children(self, kind: ResourceKind, owner: KubeObject) -> Sequence[KubeObject]:
        """Return the objects whose controller is `owner`."""
        return self._informers[kind].by_index(_OWNER, uid_of(owner))

    def of_cluster(self, kind: ResourceKind, namespace: str, cluster: str) -> list[KubeObject]:
        """Return the objects that carry the cluster's label."""
        found = self._informers[kind].by_index(_CLUSTER, cluster)
        return [obj for obj in found if namespace_of(obj) == namespace]

    # --- waking

    def wake_on_self(self, kind: ResourceKind, queue: WorkQueue[ObjectKey]) -> None:
        """Add an object's own key whenever it changes."""
        self._wake(kind, queue, lambda obj: [ObjectKey(kind.kind, namespace_of(obj), name_of(obj))])

    def wake_on_spec(self, kind: ResourceKind, queue: WorkQueue[ObjectKey]) -> None:
        """Add an object's own key when it comes, goes or has another spec.

        For loops whose status tells what they found in the world outside: a status that woke them
        would make them look again at once, for as long as what they find differs.
        """

        def on_change(before: KubeObject | None, after: KubeObject | None) -> None:
            if before and after and generation_of(before) == generation_of(after):
                return
            obj = after or before
            if obj is not None:
                self._add(queue, ObjectKey(kind.kind, namespace_of(obj), name_of(obj)))

        self._informers[kind].on_change(on_change)

    def wake_on_children(
        self, child: ResourceKind, owner: ResourceKind, queue: WorkQueue[ObjectKey]
    ) -> None:
        """Add the controller's key whenever a child of the kind changes."""

        def keys(obj: KubeObject) -> Iterable[ObjectKey]:
            reference = controller_of(obj)
            if reference and reference.get("kind") == owner.kind:
                yield ObjectKey(owner.kind, namespace_of(obj), str(reference["name"]))

        self._wake(child, queue, keys)

    def wake_on(
        self,
        kind: ResourceKind,
        queue: WorkQueue[ObjectKey],
        keys: Callable[[KubeObject], Iterable[ObjectKey]],
    ) -> None:
        """Add the keys that `keys` names whenever an object of the kind changes."""
        self._wake(kind, queue, keys)

    def _wake(
        self,
        kind: ResourceKind,
        queue: WorkQueue[ObjectKey],
        keys: Callable[[KubeObject], Iterable[ObjectKey]],
    ) -> None:
        def on_change(before: KubeObject | None, after: KubeObject | None) -> None:
            for obj in (before, after):
                for key in keys(obj) if obj is not None else ():
                    self._add(queue, key)

        self._informers[kind].on_change(on_change)

    def _add(self, queue: WorkQueue[ObjectKey], key: ObjectKey) -> None:
        if not self._namespaces or key.namespace in self._namespaces:
            queue.add(key)


def _owner_uids(obj: KubeObject) -> Iterable[str]:
    reference = controller_of(obj)
    return [str(reference["uid"])] if reference else []


def _cluster_labels(obj: KubeObject) -> Iterable[str]:
    cluster = labels_of(obj).get(PREFIX + "cluster")
    return [cluster] if cluster else []
