"""Nodes whose kubelet has fallen silent are shown as such. Nothing is evicted: the pods of a
machine whose kubelet restarts go on running. I/O."""

import logging

import anyio

from armillary.base.clock import utc_now
from armillary.base.errors import ArmillaryError
from armillary.kube.client import KubeClient
from armillary.kube.informer import Informer
from armillary.kube.kinds import NODE, KubeObject
from armillary.kube.objects import condition_of, name_of
from armillary.local.kubelet.pod.spec import format_time, parse_time

logger = logging.getLogger(__name__)

_LOOK_S = 10.0
_SILENT_S_DEFAULT = 40.0
LEASE_NAMESPACE = "kube-node-lease"


class NodeController:
    def __init__(self, client: KubeClient, *, nodes: Informer, leases: Informer) -> None:
        self._client = client
        self._nodes = nodes
        self._leases = leases

    async def run(self) -> None:
        while True:
            await anyio.sleep(_LOOK_S)
            for node in self._nodes.list():
                try:
                    await self._check(node)
                except ArmillaryError as error:
                    logger.info("node not checked", extra={"error": str(error)})

    async def _check(self, node: KubeObject) -> None:
        ready = condition_of(node, "Ready")
        lease = self._leases.get(name_of(node), LEASE_NAMESPACE)
        if ready is None or ready.get("status") != "True" or lease is None:
            return
        now = utc_now()
        spec = lease.get("spec") or {}
        renewed = spec.get("renewTime")
        limit_s = float(spec.get("leaseDurationSeconds") or _SILENT_S_DEFAULT)
        if not renewed or (now - parse_time(renewed)).total_seconds() <= limit_s:
            return
        logger.warning("kubelet is silent", extra={"node": name_of(node), "since": renewed})
        condition = {
            **ready,
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
            "lastTransitionTime": format_time(now),
        }
        others = [
            c for c in (node.get("status") or {}).get("conditions") or () if c["type"] != "Ready"
        ]
        await self._client.patch_status(
            NODE, name_of(node), None, {"conditions": [*others, condition]}
        )
