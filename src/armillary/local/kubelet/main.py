"""The kubelet's process: builds everything from the bottom and runs it until cancelled. I/O."""

import logging
from collections.abc import Awaitable, Callable, Iterable

import anyio
from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskGroup, TaskStatus

from armillary.base.errors import ArmillaryError
from armillary.base.retry import backoff_delays_s
from armillary.kube.client import KubeClient
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.kube.kinds import (
    CONFIG_MAP,
    ENDPOINTS,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
    SERVICE,
)
from armillary.local.kubelet.claims import ClaimJanitor
from armillary.local.kubelet.containers.cgroup import cgroup_name, find_cgroup_parent, kept_limits
from armillary.local.kubelet.containers.sandbox import Sandbox, find_sandbox
from armillary.local.kubelet.logs_sweep import LogSweep
from armillary.local.kubelet.machine import Machine
from armillary.local.kubelet.network.addresses import PodAddresses
from armillary.local.kubelet.network.hosts import HostsFiles
from armillary.local.kubelet.network.names import NameService
from armillary.local.kubelet.network.proxy import ServiceProxy
from armillary.local.kubelet.node import NodeAgent
from armillary.local.kubelet.pod.state import RestartPolicy
from armillary.local.kubelet.pods import PodSet
from armillary.local.kubelet.scheduler import Scheduler
from armillary.local.kubelet.server import KubeletServer
from armillary.settings.local import KubeletSettings, LocalPaths

logger = logging.getLogger(__name__)


async def run(
    settings: KubeletSettings, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
) -> None:
    """Run pods until cancelled; `started` once the node serves and every pod's status is true.

    Cancelled: the pods' processes go on; the next kubelet takes them up. `stop.stop_all_pods` ends
    them.
    """
    paths = LocalPaths(settings.dir)
    for directory in (paths.pods, paths.volumes, paths.cache, paths.run):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    sandbox = await to_thread.run_sync(_find_sandbox, settings)
    async with (
        KubeClient.from_kubeconfig(settings.kubeconfig) as client,
        anyio.create_task_group() as group,
    ):
        seen = _Seen(client)
        events = EventRecorder(client, "kubelet")
        machine = _build_machine(settings, client, events, seen, sandbox)
        pod_set = PodSet(machine, seen.pods)
        names = NameService(
            machine.hosts,
            services=seen.services,
            endpoints=seen.endpoints,
            pods=seen.pods,
            on_names=pod_set.on_names,
        )
        proxy = ServiceProxy(services=seen.services, endpoints=seen.endpoints)
        agent = NodeAgent(
            client,
            settings.node_name,
            port=settings.port,
            runtime="bubblewrap" if sandbox else "plain",
        )
        seen.pods.on_change(pod_set.on_pod)
        for informer in (seen.secrets, seen.config_maps, seen.claims):
            informer.on_change(pod_set.on_source)
        scheduler = Scheduler(client, events, settings.node_name, pods=seen.pods, nodes=seen.nodes)
        kept = kept_limits(machine.cgroups)
        logger.info("kubelet starts", extra={"sandbox": bool(sandbox), **kept})
        await _sync(group, seen.all())
        group.start_soon(events.run)
        await group.start(KubeletServer(settings, pod_set).run)
        await _until_answered(agent.register)
        janitor = ClaimJanitor(machine, pod_set)
        await _until_answered(janitor.remember_cluster)
        await names.write_all()
        group.start_soon(names.run)
        group.start_soon(proxy.run)
        group.start_soon(scheduler.run)
        group.start_soon(agent.run)
        group.start_soon(LogSweep(pod_set, bytes_max=settings.log_bytes_max).run)
        group.start_soon(janitor.run)
        await group.start(pod_set.run)
        task_status.started()


class _Seen:
    """What the kubelet watches."""

    def __init__(self, client: KubeClient) -> None:
        self.pods = Informer(client, POD)
        self.services, self.endpoints = Informer(client, SERVICE), Informer(client, ENDPOINTS)
        self.secrets, self.config_maps = Informer(client, SECRET), Informer(client, CONFIG_MAP)
        self.claims = Informer(client, PERSISTENT_VOLUME_CLAIM)
        self.nodes = Informer(client, NODE)

    def all(self) -> tuple[Informer, ...]:
        return (
            *(self.pods, self.services, self.endpoints),
            *(self.secrets, self.config_maps, self.claims, self.nodes),
        )


def _build_machine(
    settings: KubeletSettings,
    client: KubeClient,
    events: EventRecorder,
    seen: _Seen,
    sandbox: Sandbox | None,
) -> Machine:
    paths = LocalPaths(settings.dir)
    return Machine(
        pods=paths.pods,
        volumes=paths.volumes,
        image_bin_dir=settings.image_bin_dir,
        cache_dir=paths.cache,
        node_name=settings.node_name,
        client=client,
        events=events,
        secrets=seen.secrets,
        config_maps=seen.config_maps,
        claims=seen.claims,
        addresses=PodAddresses(paths.run / "pod-addresses.json", settings.pod_cidr),
        hosts=HostsFiles(paths.run / "hosts"),
        sandbox=sandbox,
        cgroups=find_cgroup_parent(cgroup_name(settings.port)),
        restart_policy=RestartPolicy(
            first_s=settings.restart_first_s, max_s=settings.restart_max_s
        ),
    )


def _find_sandbox(settings: KubeletSettings) -> Sandbox | None:
    if settings.sandbox == "none":
        return None
    temporary = settings.dir / "run" / "try"
    temporary.mkdir(mode=0o700, exist_ok=True)
    sandbox, why_not = find_sandbox(
        [settings.image_bin_dir.parent], temporary=temporary, secret=settings.dir
    )
    if sandbox is None:
        logger.warning("pods run without mounts of their own", extra={"reason": why_not})
    return sandbox


async def _sync(group: TaskGroup, informers: Iterable[Informer]) -> None:
    informers = tuple(informers)
    for informer in informers:
        group.start_soon(informer.run)
    for informer in informers:
        await informer.wait_synced()


async def _until_answered(ask: Callable[[], Awaitable[None]]) -> None:
    """Call until the API server has answered."""
    for delay_s in backoff_delays_s(first_s=0.1, max_s=5.0):
        try:
            await ask()
            return
        except ArmillaryError as error:
            logger.info("the API server does not answer yet", extra={"error": str(error)})
        await anyio.sleep(delay_s)
