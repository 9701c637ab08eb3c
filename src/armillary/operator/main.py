"""The operator's process: caches, controllers, and their life. I/O."""

import logging
import os
import socket
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import anyio
from anyio.abc import TaskStatus

from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.events import EventRecorder
from armillary.kube.leader import LeaderElection
from armillary.kube.workqueue import WorkQueue
from armillary.operator.backupstorage.loop import BackupStorageLoop
from armillary.operator.cell.loop import CellLoop
from armillary.operator.cluster.loop import ClusterLoop
from armillary.operator.keyspace.loop import KeyspaceLoop
from armillary.operator.lockserver.loop import LockserverLoop
from armillary.operator.objects.failures import telling_failures
from armillary.operator.shard.loop import ShardLoop
from armillary.operator.shard.replication_loop import ReplicationLoop
from armillary.operator.topology import TopologyPool
from armillary.operator.world import ObjectKey, World
from armillary.rpc.web import Page, serve_pages
from armillary.settings.operator import OperatorSettings
from armillary.settings.program import read_flags, run_program, until_signal

logger = logging.getLogger(__name__)

LEASE_NAME = "armillary-operator"


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    loop: "_Loop"
    workers: int


class _Loop(Protocol):
    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None: ...

    async def reconcile(self, key: ObjectKey) -> float | None: ...


async def run(
    settings: OperatorSettings, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Look after all clusters until cancelled."""
    async with anyio.create_task_group() as group, _open_client(settings) as client:
        if settings.port:
            address = settings.bind_address or os.environ.get("POD_IP") or "127.0.0.1"
            await group.start(serve_pages, address, settings.port, _PAGES, None)
        await _operate_while_leading(client, settings, task_status)
        group.cancel_scope.cancel()


async def _alive() -> Page:
    """A process whose loop turns is alive, and one that waits for the lease is ready to take it."""
    return Page("ok\n")


_PAGES = {"/healthz": _alive, "/debug/status": _alive}


async def _operate_while_leading(
    client: KubeClient, settings: OperatorSettings, task_status: TaskStatus[None]
) -> None:
    if not settings.leader_election:
        await _operate(client, settings, task_status)
        return
    async with _open_client(settings) as lease_client:  # of its own: all others' acts are fenced
        election = LeaderElection(
            lease_client,
            namespace=settings.leader_election_namespace,
            name=LEASE_NAME,
            # Two containers may have the same host name and the same process id.
            identity=f"{socket.gethostname()}_{uuid4()}",
            lease_s=settings.leader_election_lease_duration.total_seconds(),
        )
        client.fence = election.check
        await election.lead(lambda: _operate(client, settings, task_status))


def _open_client(settings: OperatorSettings) -> KubeClient:
    if settings.kubeconfig is not None:
        return KubeClient.from_kubeconfig(settings.kubeconfig)
    return KubeClient.in_cluster()


async def _operate(
    client: KubeClient, settings: OperatorSettings, task_status: TaskStatus[None]
) -> None:
    recorder = EventRecorder(client, "armillary-operator")
    pool = TopologyPool(client, topology_timeout_s=settings.topology_timeout.total_seconds())
    async with pool.running(), anyio.create_task_group() as group:
        group.start_soon(recorder.run)
        world = World(client, settings, recorder, pool)
        controllers = [_controller(world, part) for part in _parts(world)]
        await world.start(group)
        logger.info("operator runs", extra={"namespaces": settings.watch_namespaces or "all"})
        task_status.started()
        for controller in controllers:
            group.start_soon(controller.run)


def _parts(world: World) -> list[_Part]:
    return [
        _Part("cluster", ClusterLoop(world), 2),
        _Part("lockserver", LockserverLoop(world), 2),
        _Part("cell", CellLoop(world), 4),
        _Part("keyspace", KeyspaceLoop(world), 4),
        _Part("shard", ShardLoop(world), 10),
        _Part("replication", ReplicationLoop(world), 10),
        _Part("backup-storage", BackupStorageLoop(world), 4),
    ]


def _controller(world: World, part: _Part) -> Controller[ObjectKey]:
    async def reconcile(key: ObjectKey) -> float | None:
        with telling_failures(world, key):
            return await part.loop.reconcile(key)

    controller = Controller(
        part.name,
        reconcile,
        workers=part.workers,
        timeout_s=world.settings.reconcile_timeout.total_seconds(),
    )
    part.loop.subscribe(controller.queue)
    return controller


def main() -> None:
    settings = read_flags(OperatorSettings, program="operator")
    run_program("operator", lambda: until_signal(lambda: run(settings)))


if __name__ == "__main__":
    main()
