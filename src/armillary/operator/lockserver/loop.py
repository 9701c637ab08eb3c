"""Keep EtcdLockservers as wanted: each pass looks, decides and acts for one of them. I/O."""

import logging
from base64 import b64decode

from armillary.base.certificates import Certified
from armillary.base.errors import UnavailableError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import (
    annotations_of,
    generation_of,
    is_being_deleted,
    is_condition_true,
    labels_of,
    name_of,
    namespace_of,
    phase_of,
    uid_of,
)
from armillary.kube.workqueue import WorkQueue
from armillary.operator.cluster.credentials import parse_authority
from armillary.operator.crd.lockserver import EtcdLockserverSpec, EtcdLockserverStatus
from armillary.operator.crd.read import read_spec
from armillary.operator.lockserver.build import (
    QUORUM,
    TLS_AUTHORITY,
    Lockserver,
    build_certificate_secret,
    build_claim,
    build_disruption_budget,
    build_pod,
    build_services,
)
from armillary.operator.objects.rollout import (
    DeletePod,
    apply_pod,
    decide_pod,
    with_pod_hash,
)
from armillary.operator.objects.status import write_status
from armillary.operator.objects.steps import Steps
from armillary.operator.objects.writer import refuse_former_owner
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.world import ObjectKey, World

logger = logging.getLogger(__name__)


class LockserverLoop:
    def __init__(self, world: World) -> None:
        self._world = world

    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None:
        self._world.wake_on_self(kinds.ETCD_LOCKSERVER, queue)
        for child in (kinds.POD, kinds.PERSISTENT_VOLUME_CLAIM, kinds.SERVICE):
            self._world.wake_on_children(child, kinds.ETCD_LOCKSERVER, queue)

    async def reconcile(self, key: ObjectKey) -> float | None:
        world = self._world
        obj = world.get(kinds.ETCD_LOCKSERVER, key.namespace, key.name)
        if obj is None or is_being_deleted(obj):
            return None
        lockserver = Lockserver(
            name_of(obj),
            namespace_of(obj),
            dict(labels_of(obj)),
            read_spec(obj, EtcdLockserverSpec),
        )
        for service in build_services(lockserver):
            await self._ensure(obj, service)
        budget = build_disruption_budget(lockserver)
        if budget is not None:
            await self._ensure(obj, budget)
        await self._ensure_certificate(obj, lockserver)
        steps = Steps()
        for index in lockserver.members:
            await steps.take(self._ensure_member(obj, lockserver, index))
        await write_status(world.client, obj, self._status(obj, lockserver))
        steps.raise_first()
        return world.settings.resync.total_seconds()

    async def _ensure(self, owner: KubeObject, wanted: KubeObject) -> None:
        kind = kinds.kind_of(wanted)
        found = self._world.get(kind, namespace_of(wanted), name_of(wanted))
        await self._world.writer.ensure(owner, wanted, found)

    async def _ensure_certificate(self, owner: KubeObject, lockserver: Lockserver) -> None:
        """Make the members' certificate; another one for a pod's new address, or a new authority.

        etcd reads the files again for each connection. Only where pods cannot resolve names do
        peers wait for the addresses to be in it.
        """
        client, name = self._world.client, names.lockserver_secret(lockserver.name)
        pods = self._world.children(kinds.POD, owner)
        addresses = sorted(filter(None, ((pod.get("status") or {}).get("podIP") for pod in pods)))
        found = await client.get(kinds.SECRET, name, lockserver.namespace)
        if found is not None:
            refuse_former_owner(owner, found)
            known = annotations_of(found).get(keys.CERTIFICATE_ADDRESSES, "").split(",")
            if set(addresses) <= set(known) and await self._is_trusted(lockserver, found):
                return
        wanted = build_certificate_secret(
            lockserver, addresses, await self._authority(lockserver), now=self._world.now()
        )
        if found is None:
            await self._world.writer.ensure_exists(owner, wanted, None)
            return
        changes = {"data": wanted["data"], "metadata": {"uid": uid_of(found)}}
        changes["metadata"]["annotations"] = annotations_of(wanted)
        await client.merge_patch(kinds.SECRET, name, lockserver.namespace, changes)
        logger.info("lockserver certificate renewed", extra={"addresses": addresses})

    async def _is_trusted(self, lockserver: Lockserver, found: KubeObject) -> bool:
        """Whether the certificate is of the authority that clients know; True when none is there.

        An authority that was lost is made anew when nobody is left who could put it back.
        """
        try:
            authority = await self._authority(lockserver)
        except UnavailableError:
            return True
        known = (found.get("data") or {}).get(TLS_AUTHORITY, "")
        return b64decode(known) == authority.cert

    async def _authority(self, lockserver: Lockserver) -> Certified:
        """Return who signs for the cluster.

        Raises:
            UnavailableError: the cluster has not made it yet.
        """
        cluster = lockserver.labels.get(keys.CLUSTER, "")
        name = names.authority_secret(cluster)
        secret = await self._world.client.get(kinds.SECRET, name, lockserver.namespace)
        data = (secret or {}).get("data") or {}
        if not data:
            raise UnavailableError(f"the authority of cluster {cluster} is not there yet")
        return parse_authority({key: b64decode(text).decode() for key, text in data.items()})

    async def _ensure_member(self, owner: KubeObject, lockserver: Lockserver, index: int) -> None:
        world = self._world
        name = lockserver.member_name(index)
        claim = world.get(kinds.PERSISTENT_VOLUME_CLAIM, lockserver.namespace, name)
        claim = await world.writer.ensure_exists(owner, build_claim(lockserver, index), claim)
        pod = world.get(kinds.POD, lockserver.namespace, name)
        if pod is None and is_being_deleted(claim):
            return  # a pod on it would keep it for now, and lose its data with it; its end wakes us
        wanted = with_pod_hash(build_pod(lockserver, index))
        decision = decide_pod(wanted, pod)
        serves = isinstance(decision, DeletePod) and pod is not None and phase_of(pod) != "Failed"
        if serves and not await self._may_go(lockserver, index):
            logger.info("member waits for the others", extra={"pod": name})
            return
        await apply_pod(world.writer, owner, wanted, pod, decision)

    async def _may_go(self, lockserver: Lockserver, index: int) -> bool:
        """Whether the others are a quorum without this member: asked of the API, not of a cache.

        A release of all members at once replaces them one after the other.
        """
        pods = {
            member: await self._world.client.get(
                kinds.POD, lockserver.member_name(member), lockserver.namespace
            )
            for member in lockserver.members
        }
        ready = {
            member
            for member, pod in pods.items()
            if pod is not None and not is_being_deleted(pod) and is_condition_true(pod, "Ready")
        }
        return index not in ready or ready == set(lockserver.members)

    def _status(self, obj: KubeObject, lockserver: Lockserver) -> EtcdLockserverStatus:
        pods = self._world.children(kinds.POD, obj)
        ready = sum(1 for pod in pods if is_condition_true(pod, "Ready"))
        needed = QUORUM if lockserver.spec.local_member_index is None else 1
        return EtcdLockserverStatus(
            observed_generation=generation_of(obj),
            available="True" if ready >= needed else "False",
            client_service_name=names.lockserver_client_service(lockserver.name),
        )
