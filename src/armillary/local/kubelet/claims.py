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
from armillary.local.kubelet.pods import PodSet

logger = logging.getLogger(__name__)

_CLUSTER_FILE = ".cluster"
_RETRY_S = 5.0


class ClaimJanitor:
    def __init__(self, machine: Machine, pods: PodSet) -> None:
        self._machine = machine
        self._pods = pods
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
        mounted = {volume for worker in self._pods.workers() for volume in worker.volumes.values()}
        if path in mounted:
            return False
        name = path.name.rpartition("-")[0]
        claim = await self._machine.client.get(PERSISTENT_VOLUME_CLAIM, name, path.parent.name)
        if claim is not None and claim_dir(self._machine.volumes, claim) == path:
            return True  # our cache was behind
        logger.info("removing a volume whose claim is gone", extra={"path": str(path)})
        await to_thread.run_sync(remove_tree, path)
        return True

    async def _same_cluster(self) -> bool:
        """Compare the cluster with the one that the volumes were made for; remember the first."""
        namespace = await self._machine.client.get(NAMESPACE, "default")
        if namespace is None:
            return False
        uid = str(namespace["metadata"]["uid"])
        file = self._machine.volumes / _CLUSTER_FILE
        if not file.exists():
            file.write_text(uid)
        return file.read_text() == uid
