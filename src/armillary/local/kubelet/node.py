"""This machine as a Node of the API server. I/O."""

import logging
import os
import platform
from typing import Any

import anyio

from armillary.base.clock import utc_now
from armillary.base.errors import AlreadyExistsError, ArmillaryError, NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.kinds import LEASE, NODE, KubeObject
from armillary.local.kubelet.machine import HOST_IP
from armillary.local.kubelet.pod.spec import format_time

logger = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-node-lease"
_LEASE_S = 40
_HEARTBEAT_S = 10.0
_STATUS_EVERY = 30  # heartbeats: the node's own status seldom changes
_RETRY_S = 1.0
_KUBELET_VERSION = "v1.32.0-armillary"
_MEMORY_PAGE = os.sysconf("SC_PAGE_SIZE")


class NodeAgent:
    """Registers the node and keeps its lease alive."""

    def __init__(self, client: KubeClient, name: str, *, port: int, runtime: str) -> None:
        self._client = client
        self._name = name
        self._port = port
        self._runtime = runtime
        self._uid = ""

    async def register(self) -> None:
        """Make the Node say that we serve it. Again: renews what it says."""
        now = format_time(utc_now())
        try:
            node = await self._client.create(build_node(self._name))
        except AlreadyExistsError:
            node = await self._client.get(NODE, self._name) or {}
        self._uid = str((node.get("metadata") or {}).get("uid", ""))
        ready_since = now
        for condition in (node.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "Ready" and condition.get("status") == "True":
                ready_since = condition.get("lastTransitionTime") or now
        status = build_node_status(
            self._name,
            port=self._port,
            runtime=self._runtime,
            now=now,
            ready_since=ready_since,
        )
        await self._client.patch_status(NODE, self._name, None, status)

    async def run(self) -> None:
        """Renew the lease until cancelled; a silent API server is asked again."""
        beats, beat_at = 0, utc_now()
        while True:
            try:
                await self._renew()
                # After a long silence (a suspended laptop) we may have been written off.
                silent_s = (utc_now() - beat_at).total_seconds()
                if beats % _STATUS_EVERY == 0 or silent_s > _LEASE_S / 2:
                    await self.register()
                beats, beat_at = beats + 1, utc_now()
            except ArmillaryError as error:
                logger.info("heartbeat not sent", extra={"error": str(error)})
            await anyio.sleep(_HEARTBEAT_S)

    async def _renew(self) -> None:
        spec = {
            "holderIdentity": self._name,
            "leaseDurationSeconds": _LEASE_S,
            "renewTime": utc_now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        try:
            await self._client.merge_patch(LEASE, self._name, LEASE_NAMESPACE, {"spec": spec})
            return
        except NotFoundError:
            logger.info("making the node's lease")
        owner = {"apiVersion": "v1", "kind": "Node", "name": self._name, "uid": self._uid}
        metadata: dict[str, Any] = {"name": self._name, "namespace": LEASE_NAMESPACE}
        if self._uid:
            metadata["ownerReferences"] = [owner]
        lease = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": metadata,
            "spec": spec,
        }
        try:
            await self._client.create(lease)
        except NotFoundError:  # the first node of a new cluster
            namespace = {"apiVersion": "v1", "kind": "Namespace"}
            await self._client.create({**namespace, "metadata": {"name": LEASE_NAMESPACE}})
            await self._client.create(lease)


def build_node(name: str) -> KubeObject:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "arm64" if platform.machine() == "aarch64" else "amd64",
                "node.kubernetes.io/instance-type": "processes",
            },
        },
        "spec": {},
    }


def build_node_status(
    name: str, *, port: int, runtime: str, now: str, ready_since: str
) -> dict[str, Any]:
    memory_ki = os.sysconf("SC_PHYS_PAGES") * _MEMORY_PAGE // 1024
    capacity = {"cpu": str(os.cpu_count() or 1), "memory": f"{memory_ki}Ki", "pods": "1000"}
    return {
        "capacity": capacity,
        "allocatable": capacity,
        "addresses": [
            {"type": "InternalIP", "address": HOST_IP},
            {"type": "Hostname", "address": name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "KubeletReady",
                "message": "kubelet is posting ready status",
                "lastHeartbeatTime": now,
                "lastTransitionTime": ready_since,
            }
        ],
        "nodeInfo": {
            "architecture": "arm64" if platform.machine() == "aarch64" else "amd64",
            "bootID": _read("/proc/sys/kernel/random/boot_id"),
            "containerRuntimeVersion": f"process://{runtime}",
            "kernelVersion": platform.release(),
            "kubeProxyVersion": _KUBELET_VERSION,
            "kubeletVersion": _KUBELET_VERSION,
            "machineID": _read("/etc/machine-id"),
            "operatingSystem": "linux",
            "osImage": platform.platform(terse=True),
            "systemUUID": "",
        },
    }


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""
