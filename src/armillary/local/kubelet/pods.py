"""All pods of this node: one worker each, never two for one name. I/O."""

import logging

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus

from armillary.base.errors import ArmillaryError
from armillary.kube.informer import Informer
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import Key, key_of, uid_of
from armillary.local.kubelet.machine import Machine
from armillary.local.kubelet.pod.records import list_pod_dirs
from armillary.local.kubelet.pod.worker import PodWorker

logger = logging.getLogger(__name__)

_RETRY_S = 5.0
# What a pod of another shape than its schema says leads to.
_UNREADABLE = (ArmillaryError, AttributeError, LookupError, TypeError, ValueError)
_TELL_S_MAX = 15.0


class PodSet:
    """Starts and ends workers as the API server's pods come and go.

    A pod that is made anew under the same name has the same address and often the same volumes, so
    its worker begins only when nothing of its predecessor is left.
    """

    def __init__(self, machine: Machine, pods: Informer) -> None:
        self._machine = machine
        self._pods = pods
        self._workers: dict[str, PodWorker] = {}  # by uid
        self._unreadable: set[str] = set()  # uids of pods that we could not make sense of
        self._changed = anyio.Event()

    def worker(self, namespace: str, name: str) -> PodWorker | None:
        for worker in self._workers.values():
            if (worker.spec.namespace, worker.spec.name) == (namespace, name):
                return worker
        return None

    def workers(self) -> list[PodWorker]:
        return list(self._workers.values())

    def on_pod(self, before: KubeObject | None, after: KubeObject | None) -> None:
        """Informer callback for pods."""
        gone = before if after is None or (before and uid_of(before) != uid_of(after)) else None
        if gone is not None and uid_of(gone) in self._workers:
            self._workers[uid_of(gone)].vanish()
        if after is not None and uid_of(after) in self._workers:
            try:
                self._workers[uid_of(after)].update(after)
            except _UNREADABLE as error:
                self._tell_unreadable(after, error)
        self._changed.set()

    def on_source(self, before: KubeObject | None, after: KubeObject | None) -> None:
        """Informer callback for what volumes and environments are made from."""
        changed = after if after is not None else before
        assert changed is not None
        namespace = key_of(changed).namespace
        for worker in self._workers.values():
            if worker.spec.namespace == namespace and _uses(worker.object, changed):
                worker.sources_changed()

    def on_names(self, namespace: str) -> None:
        """The names of this namespace lead elsewhere than before."""
        for worker in self._workers.values():
            if worker.spec.namespace == namespace:
                worker.names_changed()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Run until cancelled. The pods' informer must have synced.

        `started` once what the API server says of each pod is ours: what it said before may be from
        a time before a reboot.
        """
        async with anyio.create_task_group() as group:
            self._take_up_orphans(group)
            self._start_missing(group)
            with anyio.move_on_after(_TELL_S_MAX):
                for worker in self.workers():
                    await worker.has_told.wait()
            task_status.started()
            while True:
                self._changed = anyio.Event()
                self._start_missing(group)
                await self._changed.wait()

    def _start_missing(self, group: TaskGroup) -> None:
        busy = {(w.spec.namespace, w.spec.name) for w in self._workers.values()}
        for pod in self._pods.list():
            key = key_of(pod)
            if uid_of(pod) in self._workers or key in busy:
                continue
            if (pod.get("spec") or {}).get("nodeName") != self._machine.node_name:
                continue
            # The worker of a pod that is over starts nothing, and answers for its logs.
            worker = self._worker_for(pod)
            if worker is not None:
                self._begin(group, worker)

    def _worker_for(self, pod: KubeObject) -> PodWorker | None:
        """Return a new worker; None, and an event, where one bad pod would end the kubelet."""
        try:
            return PodWorker(self._machine, pod)
        except _UNREADABLE as error:
            self._tell_unreadable(pod, error)
            return None

    def _tell_unreadable(self, pod: KubeObject, error: Exception) -> None:
        if uid_of(pod) not in self._unreadable:
            self._unreadable.add(uid_of(pod))
            extra = {"pod": str(key_of(pod)), "error": repr(error)}
            logger.error("pod cannot be read", extra=extra)
            text = f"the kubelet cannot read this pod: {error!r}"
            self._machine.events.record(pod, "InvalidSpec", text, warning=True)

    def _take_up_orphans(self, group: TaskGroup) -> None:
        """End what runs here for pods that the API server no longer has."""
        known = {uid_of(pod) for pod in self._pods.list()}
        for directory in list_pod_dirs(self._machine.pods):
            record = directory.read()
            if record is None:
                logger.warning("unreadable pod directory", extra={"dir": str(directory.path)})
                continue
            if uid_of(record.pod) not in known:
                worker = self._worker_for(record.pod)
                if worker is not None:
                    worker.vanish()
                    self._begin(group, worker)

    def _begin(self, group: TaskGroup, worker: PodWorker) -> None:
        self._workers[worker.spec.uid] = worker
        group.start_soon(self._run_worker, worker)

    async def _run_worker(self, worker: PodWorker) -> None:
        while True:
            try:
                await worker.run()
                break
            except Exception:
                logger.exception("pod worker failed", extra={"pod": worker.spec.name})
            await anyio.sleep(_RETRY_S)
            worker = worker.renewed()  # looks at what runs as a new kubelet would
            self._workers[worker.spec.uid] = worker
        del self._workers[worker.spec.uid]
        self._changed.set()  # a pod of the same name may be waiting
        known = {str(key) for key in map(key_of, self._pods.list())}
        self._machine.addresses.forget_all_but(known)


def _uses(pod: KubeObject, source: KubeObject) -> bool:
    """Say whether the pod names the source in a volume or variable; a wrong yes costs little."""
    name = Key("", source["metadata"]["name"]).name
    return f"'{name}'" in str(pod.get("spec") or {})
