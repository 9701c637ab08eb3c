"""PersistentVolumeClaims: bound at once to a directory of this machine. I/O.

The kubelet owns the directory; here the claim gets its volume's name, its status, and a finalizer
that keeps it until no pod uses it.
"""

import logging
from collections.abc import Iterable
from typing import Any

from armillary.base.errors import AlreadyExistsError, ConflictError, NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.informer import Informer
from armillary.kube.kinds import PERSISTENT_VOLUME_CLAIM, POD, KubeObject
from armillary.kube.objects import (
    Key,
    is_being_deleted,
    key_of,
    name_of,
    namespace_of,
    phase_of,
    uid_of,
)
from armillary.local.controllers.kinds import PERSISTENT_VOLUME

logger = logging.getLogger(__name__)

PROTECTION = "kubernetes.io/pvc-protection"
_PROVISIONER = "armillary.local/directory"


class VolumeClaimController:
    def __init__(self, client: KubeClient, *, claims: Informer, pods: Informer) -> None:
        self._client = client
        self._claims = claims
        self._pods = pods
        self._controller: Controller[Key] = Controller("volume claims", self._reconcile)
        claims.on_change(self._on_claim)
        pods.on_change(self._on_pod)

    async def run(self) -> None:
        await self._controller.run()

    def _on_claim(self, before: KubeObject | None, after: KubeObject | None) -> None:
        changed = after if after is not None else before
        assert changed is not None
        self._controller.queue.add(key_of(changed))

    def _on_pod(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if before is None or (after is not None and phase_of(before) == phase_of(after)):
            return
        for name in claims_of(before):
            self._controller.queue.add(Key(namespace_of(before), name))

    async def _reconcile(self, key: Key) -> None:
        claim = self._claims.get(key.name, key.namespace)
        if claim is None:
            return
        try:
            if is_being_deleted(claim):
                await self._let_go(key, claim)
            else:
                await self._bind(key, claim)
        except ConflictError:
            self._controller.queue.add_after(key, 0.05)
        except NotFoundError:
            return

    async def _bind(self, key: Key, claim: KubeObject) -> None:
        metadata, spec = claim["metadata"], claim["spec"]
        patch: dict[str, Any] = {}
        if PROTECTION not in (metadata.get("finalizers") or ()):
            patch["metadata"] = {
                "finalizers": [*(metadata.get("finalizers") or ()), PROTECTION],
                "resourceVersion": metadata["resourceVersion"],
            }
        volume = spec.get("volumeName") or f"pvc-{uid_of(claim)}"
        if not spec.get("volumeName"):
            patch["spec"] = {"volumeName": volume}
            patch.setdefault("metadata", {})["annotations"] = {
                "pv.kubernetes.io/bind-completed": "yes",
                "pv.kubernetes.io/bound-by-controller": "yes",
            }
        if patch:
            await self._client.merge_patch(PERSISTENT_VOLUME_CLAIM, key.name, key.namespace, patch)
        requests = (spec.get("resources") or {}).get("requests") or {}
        capacity = {"storage": requests.get("storage", "0")}
        status = {
            "phase": "Bound",
            "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
            "capacity": capacity,
        }
        before = claim.get("status") or {}
        if any(before.get(name) != value for name, value in status.items()):
            await self._ensure_volume(claim, volume, status)
            await self._client.patch_status(
                PERSISTENT_VOLUME_CLAIM, key.name, key.namespace, status
            )

    async def _ensure_volume(self, claim: KubeObject, volume: str, status: dict[str, Any]) -> None:
        """Make the PersistentVolume object that `kubectl get pv` shows; it holds nothing."""
        wanted = build_volume(claim, volume, status)
        try:
            await self._client.request("POST", PERSISTENT_VOLUME.path(), body=wanted)
        except AlreadyExistsError:
            patch = {"spec": {"capacity": status["capacity"]}}
            await self._client.merge_patch(PERSISTENT_VOLUME, volume, None, patch)
        await self._client.patch_status(PERSISTENT_VOLUME, volume, None, {"phase": "Bound"})

    async def _let_go(self, key: Key, claim: KubeObject) -> None:
        finalizers = claim["metadata"].get("finalizers") or ()
        if PROTECTION not in finalizers:
            return
        if is_used(key.name, self._pods.list(key.namespace)):
            return  # the pod's end wakes us
        # The cache may not have seen a pod yet that was made a moment ago: it is asked for last.
        if is_used(key.name, (await self._client.list(POD, key.namespace)).items):
            return
        volume = claim["spec"].get("volumeName")
        if volume:
            await self._client.delete(PERSISTENT_VOLUME, volume)
        kept = [each for each in finalizers if each != PROTECTION]
        patch = {
            "metadata": {
                "finalizers": kept or None,
                "resourceVersion": claim["metadata"]["resourceVersion"],
            }
        }
        await self._client.merge_patch(PERSISTENT_VOLUME_CLAIM, key.name, key.namespace, patch)


def is_used(claim: str, pods: Iterable[KubeObject]) -> bool:
    """Whether one of the pods has the claim, and is not over. Pure."""
    return any(
        claim in claims_of(pod) and phase_of(pod) not in ("Succeeded", "Failed") for pod in pods
    )


def claims_of(pod: KubeObject) -> list[str]:
    return [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in (pod.get("spec") or {}).get("volumes") or ()
        if "persistentVolumeClaim" in volume
    ]


def build_volume(claim: KubeObject, volume: str, status: dict[str, Any]) -> KubeObject:
    """Return the PersistentVolume of a claim. Pure."""
    place = f"{namespace_of(claim)}/{name_of(claim)}-{uid_of(claim)[:8]}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume,
            "annotations": {"pv.kubernetes.io/provisioned-by": _PROVISIONER},
        },
        "spec": {
            "capacity": status["capacity"],
            "accessModes": status["accessModes"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": claim["spec"].get("storageClassName") or "",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace_of(claim),
                "name": name_of(claim),
                "uid": uid_of(claim),
            },
            "hostPath": {"path": f"/armillary/volumes/{place}", "type": ""},
        },
    }
