"""The controllers' process: one cache of each kind, shared by all controllers. I/O."""

import logging

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from armillary.kube.client import KubeClient
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.kube.kinds import (
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    ENDPOINTS,
    JOB,
    LEASE,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    SERVICE,
    ResourceKind,
)
from armillary.local.controllers.deployment.controller import DeploymentController
from armillary.local.controllers.disruption import DisruptionController
from armillary.local.controllers.endpoints import EndpointsController
from armillary.local.controllers.garbage.collector import GarbageCollector
from armillary.local.controllers.jobs import JobController
from armillary.local.controllers.load_balancers import LoadBalancerController
from armillary.local.controllers.namespaces import NamespaceController
from armillary.local.controllers.nodes import NodeController
from armillary.local.controllers.pods import (
    OWNER_INDEX,
    index_by_controller,
)
from armillary.local.controllers.replica_sets import ReplicaSetController
from armillary.local.controllers.volume_claims import VolumeClaimController
from armillary.settings.local import ControllersSettings

logger = logging.getLogger(__name__)

_KINDS = (
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    ENDPOINTS,
    JOB,
    LEASE,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    SERVICE,
)


async def run(
    settings: ControllersSettings, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
) -> None:
    """Run every controller until cancelled; `started` once all caches are filled."""
    async with (
        KubeClient.from_kubeconfig(settings.kubeconfig) as client,
        anyio.create_task_group() as group,
    ):
        caches = {kind: _informer(client, kind) for kind in _KINDS}
        events = EventRecorder(client, "controllers")
        pods, sets = caches[POD], caches[REPLICA_SET]
        controllers = (
            DeploymentController(client, events, deployments=caches[DEPLOYMENT], sets=sets),
            ReplicaSetController(client, events, sets=sets, pods=pods),
            JobController(client, events, jobs=caches[JOB], pods=pods),
            EndpointsController(
                client, services=caches[SERVICE], pods=pods, endpoints=caches[ENDPOINTS]
            ),
            LoadBalancerController(client, services=caches[SERVICE]),
            VolumeClaimController(client, claims=caches[PERSISTENT_VOLUME_CLAIM], pods=pods),
            DisruptionController(client, budgets=caches[POD_DISRUPTION_BUDGET], pods=pods),
            NamespaceController(client, namespaces=caches[NAMESPACE]),
            NodeController(client, nodes=caches[NODE], leases=caches[LEASE]),
            GarbageCollector(client, definitions=caches[CUSTOM_RESOURCE_DEFINITION], shared=caches),
        )
        for cache in caches.values():
            group.start_soon(cache.run)
        for cache in caches.values():
            await cache.wait_synced()
        group.start_soon(events.run)
        for controller in controllers:
            group.start_soon(controller.run)
        logger.info("controllers run", extra={"count": len(controllers)})
        task_status.started()


def _informer(client: KubeClient, kind: ResourceKind) -> Informer:
    return Informer(client, kind, indexes={OWNER_INDEX: index_by_controller})
