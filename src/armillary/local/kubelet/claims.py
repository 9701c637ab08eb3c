"""Removes the data of claims that are gone. I/O.

The only place that deletes a volume, so it is sure before it acts: the API server itself must say
now that the claim is gone, it must be the same cluster that the data was written for (an API server
that lost its store would say "gone" of everything), and no pod may have it mounted.
"""

import logging
from pathlib import Path

import anyio
from anyio import to_thread

from armillary.base.errors import ArmillaryError
from armillary.kube.kinds import NAMESPACE, PERSISTENT_VOLUME_CLAIM, KubeObject
from armillary.local.kubelet.containers.volumes import remove_tree
from armillary.local.kubelet.machine import Machine, claim_dir
from armillary.local.kubelet.pod.worker import PodWorker
from armillary.local.kubelet.pods import PodSet

logger = logging.getLogger(__name__)

_CLUSTER_FILE = ".cluster"
_RETRY_S = 5.0


class ClaimJanitor:
    def __init__(self, machine: Machine, pods: PodSet) -> None:
        self._machine = machine
        self._pods = pods
        self._file = machine.volumes / _CLUSTER_FILE
        self._changed = anyio.Event()
        self._changed.set()
        machine.claims.on_change(self._on_change)

    def _on_change(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if after is None or (before and before["metadata"]["uid"] != after["metadata"]["uid"]):
            self._changed.set()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed = anyio.Event()
            try:
                left = await self._remove_orphans()
            except (ArmillaryError, OSError) as error:
                logger.info("volumes not looked at", extra={"error": str(error)})
                left = True
            if left:
                await anyio.sleep(_RETRY_S)
                self._changed.set()

    async def _remove_orphans(self) -> bool:
        """Remove what may be removed; True when something must be looked at again."""
        root = self._machine.volumes
        known = {claim_dir(root, claim) for claim in self._machine.claims.list()}
        orphans = [path for path in sorted(root.glob("*/*")) if path not in known]
        if not orphans:
            return False
        if not await self._same_cluster():
            logger.error(
                "volumes of another cluster are kept",
                extra={"dir": str(root), "found": len(orphans)},
            )
            return False
        left = False
        for path in orphans:
            left |= not await self._remove(path)
        return left

    async def _remove(self, path: Path) -> bool:
        if any(_may_use(worker, path) for worker in self._pods.workers()):
            return False
        name = path.name.rpartition("-")[0]
        claim = await self._machine.client.get(PERSISTENT_VOLUME_CLAIM, name, path.parent.name)
        if claim is not None and claim_dir(self._machine.volumes, claim) == path:
            return True  # our cache was behind
        logger.info("removing a volume whose claim is gone", extra={"path": str(path)})
        await to_thread.run_sync(remove_tree, path)
        return True

    async def remember_cluster(self) -> None:
        """Note which cluster the volumes will belong to. Call it before any volume is made."""
        if self._file.exists() or any(self._machine.volumes.glob("*/*")):
            return
        uid = await self._cluster_uid()
        if uid is not None:
            self._file.write_text(uid)

    async def _same_cluster(self) -> bool:
        """Say whether the API server is the one that these volumes were made for."""
        return self._file.exists() and self._file.read_text() == await self._cluster_uid()

    async def _cluster_uid(self) -> str | None:
        namespace = await self._machine.client.get(NAMESPACE, "default")
        return None if namespace is None else str(namespace["metadata"]["uid"])


def _may_use(worker: PodWorker, path: Path) -> bool:
    """Say whether a pod has the volume mounted, or may have it: a pod taken up from an earlier
    kubelet has not said yet what it has.
    """
    if worker.volumes:
        return path in worker.volumes.values()
    names = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in worker.spec.volumes
        if "persistentVolumeClaim" in volume
    }
    return worker.spec.namespace == path.parent.name and path.name.rpartition("-")[0] in names
