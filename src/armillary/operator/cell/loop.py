"""Keep VitessCells as wanted: the cell's vtgates, its lockserver, its status. I/O."""

import json

from armillary.base.errors import ArmillaryError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import (
    generation_of,
    is_being_deleted,
    labels_of,
    name_of,
    namespace_of,
)
from armillary.kube.workqueue import WorkQueue
from armillary.operator.cell.build import (
    Cell,
    build_gateway_deployment,
    build_gateway_service,
    gateway_secrets,
)
from armillary.operator.crd.cell import CellSpec, CellStatus, GatewayStatus
from armillary.operator.crd.lockserver import EtcdLockserverStatus, LockserverStatus
from armillary.operator.crd.read import read_spec, read_status, to_json
from armillary.operator.objects.compare import state_hash
from armillary.operator.objects.status import write_status
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.world import ObjectKey, World

_TLS_SECRETS = ("tls-cert", "tls-key", "tls-ca-cert")
_RESYNC_S = 60.0


class CellLoop:
    def __init__(self, world: World) -> None:
        self._world = world

    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None:
        self._world.wake_on_self(kinds.VITESS_CELL, queue)
        for child in (kinds.DEPLOYMENT, kinds.SERVICE, kinds.ETCD_LOCKSERVER):
            self._world.wake_on_children(child, kinds.VITESS_CELL, queue)

    async def reconcile(self, key: ObjectKey) -> float | None:
        obj = self._world.get(kinds.VITESS_CELL, key.namespace, key.name)
        if obj is None or is_being_deleted(obj):
            return None
        cluster = labels_of(obj).get(keys.CLUSTER, "")
        cell = Cell(cluster, namespace_of(obj), read_spec(obj, CellSpec))
        lockserver = _build_lockserver(cell)
        if lockserver is not None:
            await self._ensure(obj, lockserver)
        await self._ensure(obj, build_gateway_service(cell))
        deployment = build_gateway_deployment(cell, secret_hash=await self._secret_hash(cell))
        await self._ensure(obj, deployment)
        await write_status(self._world.client, obj, await self._status(obj, cell))
        return _RESYNC_S

    async def _ensure(self, owner: KubeObject, wanted: KubeObject) -> None:
        found = self._world.get(kinds.kind_of(wanted), namespace_of(wanted), name_of(wanted))
        await self._world.writer.ensure(owner, wanted, found)

    async def _secret_hash(self, cell: Cell) -> str:
        """Return a hash over the TLS secrets' contents; empty without TLS."""
        secrets = gateway_secrets(cell)
        contents = {}
        for name in _TLS_SECRETS:
            if name in secrets and secrets[name].source.name:
                source = secrets[name].source
                secret = await self._world.client.get(kinds.SECRET, source.name, cell.namespace)
                data = (secret or {}).get("data") or {}
                contents[name] = data.get(source.key, "")
        return state_hash(json.dumps(contents, sort_keys=True)) if contents else ""

    async def _status(self, obj: KubeObject, cell: Cell) -> CellStatus:
        world = self._world
        name = names.vtgate_deployment(cell.cluster, cell.spec.name)
        deployment = world.get(kinds.DEPLOYMENT, cell.namespace, name) or {}
        found = deployment.get("status") or {}
        ready = int(found.get("readyReplicas") or 0)
        selector = ",".join(f"{k}={v}" for k, v in sorted(cell.labels(keys.VTGATE).items()))
        used_by = self._keyspaces_in(cell)
        return CellStatus(
            observed_generation=generation_of(obj),
            lockserver=self._lockserver_status(cell),
            gateway=GatewayStatus(
                available="True" if ready >= 1 or not cell.spec.gateway.replicas else "False",
                service_name=name,
                replicas=int(found.get("replicas") or 0),
                label_selector=selector,
            ),
            keyspaces={keyspace: {} for keyspace in used_by},
            idle=await self._is_idle(cell, used_by),
        )

    def _lockserver_status(self, cell: Cell) -> LockserverStatus | None:
        if _build_lockserver(cell) is None:
            return None
        name = names.lockserver_name(cell.cluster, cell.spec.name)
        found = self._world.get(kinds.ETCD_LOCKSERVER, cell.namespace, name)
        return LockserverStatus(etcd=read_status(found or {}, EtcdLockserverStatus))

    def _keyspaces_in(self, cell: Cell) -> list[str]:
        """Return the keyspaces with a tablet pool in the cell."""
        found = set()
        for shard in self._world.of_cluster(kinds.VITESS_SHARD, cell.namespace, cell.cluster):
            pools = (shard.get("spec") or {}).get("tabletPools") or ()
            if any(pool.get("cell") == cell.spec.name for pool in pools):
                found.add(labels_of(shard).get(keys.KEYSPACE, ""))
        return sorted(found)

    async def _is_idle(self, cell: Cell, used_by: list[str]) -> str:
        """Return True when no keyspace targets the cell and none is served in it."""
        if used_by:
            return "False"
        try:
            async with self._world.topology.use(
                cell.namespace, cell.spec.global_lockserver
            ) as topo:
                served = await topo.list_srv_keyspaces(cell.spec.name)
        except ArmillaryError:
            return "Unknown"
        return "False" if served else "True"


def _build_lockserver(cell: Cell) -> KubeObject | None:
    """Return the cell's own EtcdLockserver; None when it shares another."""
    lockserver = cell.spec.lockserver
    if lockserver.external is not None or lockserver.etcd is None:
        return None
    spec = to_json(lockserver.etcd)
    if cell.spec.zone:
        spec["zone"] = cell.spec.zone
    return {
        "apiVersion": kinds.ETCD_LOCKSERVER.api_version,
        "kind": kinds.ETCD_LOCKSERVER.kind,
        "metadata": {
            "name": names.lockserver_name(cell.cluster, cell.spec.name),
            "namespace": cell.namespace,
            "labels": cell.labels(keys.ETCD),
        },
        "spec": spec,
    }
