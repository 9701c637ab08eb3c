"""`armillary up` from the first step to the last. I/O."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from armillary.base.errors import DeadlineError, InputError, UnavailableError
from armillary.base.retry import backoff_delays_s
from armillary.cli.bringup.bytecode import ensure_bytecode
from armillary.cli.bringup.checks import check_objects
from armillary.cli.bringup.deploy import apply_crds, apply_objects
from armillary.cli.bringup.display import Display, open_display
from armillary.cli.bringup.endpoints import (
    ClusterEndpoints,
    hand_out_credentials,
    read_endpoints,
)
from armillary.cli.bringup.manifests import (
    clusters_of,
    load_crds,
    load_example,
    load_manifest,
)
from armillary.cli.bringup.prepare import prepare_directory
from armillary.cli.bringup.progress import Progress
from armillary.cli.bringup.spawn import ensure_supervisor, while_supervised
from armillary.cli.bringup.trouble import explain_components, explain_troubles
from armillary.cli.bringup.watch import follow_progress
from armillary.cli.prerequisites import inspect_machine
from armillary.kube.client import KubeClient
from armillary.kube.kinds import NODE, PLANETSCALE_CLUSTER, VITESS_CLUSTER, KubeObject
from armillary.kube.objects import is_condition_true
from armillary.local.supervise.network import explain_taken, ports_taken_everywhere
from armillary.local.supervise.state import LocalState, read_processes
from armillary.settings.local import LocalPaths

GREETING_TIMEOUT_S = 30.0
CONTROL_PLANE_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpRequest:
    """What the person asked for."""

    directory: Path
    namespace: str
    manifest: Path | None = None
    example: str | None = None  # a shipped one, instead of a manifest
    quick_start: bool = False  # without either, when the directory has no cluster yet
    network: str | None = None


async def bring_up(request: UpRequest, timeout_s: float) -> int:
    """Make the cluster of the directory serve, and tell how to reach it.

    Raises:
        InputError: the manifest or the directory is wrong, or a program is missing, or the
            operator refuses a cluster's spec; the message names the field.
        DeadlineError: not everything serves in time; the message says what does not, and why.
    """
    objects = _asked_for(request)
    paths = LocalPaths(request.directory)
    crds = load_crds()
    source = str(request.manifest or request.example)
    fresh = not paths.state.exists()
    check_objects(objects, crds, source=source, fresh=fresh)
    quick_start = not objects and request.quick_start and fresh
    check_machine(_quick_start(request, request.namespace) if quick_start else objects)
    namespace = _namespace_of(objects, request.namespace)
    endpoints: tuple[ClusterEndpoints, ...] = ()
    with open_display() as display:
        state = prepare_directory(request.directory, namespace=namespace, network=request.network)
        if await anyio.to_thread.run_sync(ensure_bytecode):
            display.say("compiled the programs")
        started = await _start(paths, display)
        display.say("control plane started" if started else "control plane was running")

        async def deploy() -> None:
            nonlocal endpoints
            async with KubeClient.from_kubeconfig(paths.kubeconfig) as client:
                await _wait_control_plane(client, paths, state, crds)
                await _apply(client, request, namespace, objects, display)
                if await _has_cluster(client, namespace):
                    await _serve(client, paths, namespace, display, timeout_s)
                endpoints = await read_endpoints(client, namespace)
                await _wait_greetings(endpoints)

        await while_supervised(paths, deploy)
    _print_result(paths, namespace, endpoints)
    return 0


async def _apply(
    client: KubeClient,
    request: UpRequest,
    namespace: str,
    objects: tuple[KubeObject, ...],
    display: Display,
) -> None:
    if not objects and request.quick_start and not await _has_cluster(client, namespace):
        objects = _quick_start(request, namespace)
    if objects:
        LocalPaths(request.directory).backups.mkdir(mode=0o700, exist_ok=True)
        await apply_objects(client, objects)
        display.say(f"applied {len(objects)} objects")


async def _serve(
    client: KubeClient, paths: LocalPaths, namespace: str, display: Display, timeout_s: float
) -> None:
    """Return when everything serves and the person has the credentials.

    Raises:
        InputError: the operator refuses a cluster's spec.
        DeadlineError: not everything serves in time.
    """
    unfinished = await _wait_serving(client, namespace, display, timeout_s)
    # Also for a cluster that does not serve: whoever looks into it needs them.
    await hand_out_credentials(client, paths, namespace)
    if unfinished is not None and unfinished.refusals:
        raise InputError("\n  ".join(unfinished.refusals))
    if unfinished is not None:
        why = await explain_troubles(client, namespace, unfinished)
        raise DeadlineError(f"not everything serves after {timeout_s:.0f} s\n{why}")


def _asked_for(request: UpRequest) -> tuple[KubeObject, ...]:
    if request.manifest is not None:
        return load_manifest(request.manifest, namespace=request.namespace)
    if request.example is not None:
        return load_example(
            request.example, namespace=request.namespace, directory=request.directory
        )
    return ()


def _quick_start(request: UpRequest, namespace: str) -> tuple[KubeObject, ...]:
    return load_example("quickstart", namespace=namespace, directory=request.directory)


def check_machine(objects: Sequence[KubeObject]) -> None:
    """Raises InputError when a program is missing that nothing replaces, or that objects need."""
    online = any(
        (cluster["spec"].get("backup") or {}).get("engine") == "xtrabackup"
        for cluster in clusters_of(objects)
    )
    findings = inspect_machine()
    missing = [f"{f.prerequisite.program}: {f.problem}" for f in findings if f.is_fatal]
    lacking = [
        f.prerequisite.program for f in findings if f.problem and f.prerequisite.for_online_backups
    ]
    if online and lacking:
        missing.append(
            f"{', '.join(lacking)}: not found, and a cluster's spec.backup.engine is xtrabackup "
            "(builtin needs no program)"
        )
    if missing:
        raise InputError("; ".join(missing) + " (`armillary doctor` tells more)")
    if taken := ports_taken_everywhere():
        raise InputError(explain_taken(taken))


def _namespace_of(objects: tuple[KubeObject, ...], default: str) -> str:
    return next((str(c["metadata"]["namespace"]) for c in clusters_of(objects)), default)


async def _has_cluster(client: KubeClient, namespace: str) -> bool:
    for kind in (PLANETSCALE_CLUSTER, VITESS_CLUSTER):
        if (await client.list(kind, namespace)).items:
            return True
    return False


async def _start(paths: LocalPaths, display: Display) -> bool:
    try:
        return await ensure_supervisor(
            paths, on_status=display.say, timeout_s=CONTROL_PLANE_TIMEOUT_S
        )
    except DeadlineError as error:
        raise DeadlineError(f"{error}\n{explain_components(paths)}") from None


async def _wait_control_plane(
    client: KubeClient, paths: LocalPaths, state: LocalState, crds: Sequence[KubeObject]
) -> None:
    """Return when our kinds are served and the kubelet takes pods."""
    try:
        with anyio.fail_after(CONTROL_PLANE_TIMEOUT_S):
            await _wait_answer(client)
            await apply_crds(client, crds)
            await _wait_kubelet(client, paths, state.node_name)
    except TimeoutError as error:
        raise DeadlineError(
            f"the control plane is not ready after {CONTROL_PLANE_TIMEOUT_S:.0f} s\n"
            + explain_components(paths)
        ) from error


async def _wait_answer(client: KubeClient) -> None:
    """Return when the API server answers: its supervisor may just be starting it again."""
    for delay_s in backoff_delays_s(first_s=0.05, max_s=1.0):
        try:
            await client.list(NODE)
        except UnavailableError:
            await anyio.sleep(delay_s)
        else:
            return


async def _wait_kubelet(client: KubeClient, paths: LocalPaths, name: str) -> None:
    """Return when the kubelet takes pods, and has said of those that it has how they are.

    The API server's word alone may be from before everything was killed.
    """
    for delay_s in backoff_delays_s(first_s=0.05, max_s=0.5):
        node = await client.get(NODE, name)
        kubelet = read_processes(paths.processes).get("kubelet")
        serves = kubelet is not None and kubelet.ready and kubelet.is_alive()
        if serves and node is not None and is_condition_true(node, "Ready"):
            return
        await anyio.sleep(delay_s)


async def _wait_serving(
    client: KubeClient, namespace: str, display: Display, timeout_s: float
) -> Progress | None:
    """Return None once everything serves, or how far it came.

    The time given is not waited for when the operator refuses a spec: it changes nothing then.
    """
    last: Progress | None = None
    with anyio.move_on_after(timeout_s):
        async with follow_progress(client, namespace) as pictures:
            async for progress in pictures:
                last = progress
                display.show(progress)
                if progress.serves:
                    return None
                if progress.refusals:
                    return progress
    return last or Progress((), ())


async def _wait_greetings(endpoints: tuple[ClusterEndpoints, ...]) -> None:
    """Return when each MySQL endpoint greets: what the API says of a pod may be a moment old."""
    for endpoint in endpoints:
        if not endpoint.mysql_host:
            continue
        with anyio.move_on_after(GREETING_TIMEOUT_S) as scope:
            for delay_s in backoff_delays_s(first_s=0.05, max_s=0.5):
                if await _greets(endpoint.mysql_host, endpoint.mysql_port):
                    break
                await anyio.sleep(delay_s)
        if scope.cancelled_caught:
            raise DeadlineError(
                f"nothing greets a MySQL client at {endpoint.mysql_host}:{endpoint.mysql_port} "
                f"after {GREETING_TIMEOUT_S:.0f} s, though vtgate is said to be ready"
            )


async def _greets(host: str, port: int) -> bool:
    try:
        with anyio.fail_after(1.0):
            async with await anyio.connect_tcp(host, port) as stream:
                return bool(await stream.receive(5))
    except (OSError, TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError):
        return False


def program_of(name: str) -> str:
    """Return where the program of our environment is, for those who have it not on PATH."""
    return str(Path(sys.executable).parent / name)


def _print_result(
    paths: LocalPaths, namespace: str, endpoints: tuple[ClusterEndpoints, ...]
) -> None:
    # Results go to stdout, a line each, so that a script can read them; advice goes to stderr.
    armillary = shlex.quote("armillary" if shutil.which("armillary") else program_of("armillary"))
    folder = shlex.quote(str(paths.dir))
    print(f"KUBECONFIG={paths.kubeconfig}")
    for endpoint in endpoints:
        print(
            f"MySQL of {endpoint.cluster}: host {endpoint.mysql_host} port {endpoint.mysql_port}"
            f" user {endpoint.mysql_user}"
        )
    mysql = (
        f"\n  mysql --defaults-file={shlex.quote(str(paths.mysql_defaults))}" if endpoints else ""
    )
    if not endpoints:
        print(f"no cluster is in namespace {namespace}: no database serves", file=sys.stderr)
    print(
        f"""
Go on with
  eval "$({armillary} env --dir {folder})"
      # now kubectl, vtctlclient and armillary are on your PATH and find the cluster
  kubectl -n {namespace} get pods{mysql}
  armillary status --dir {folder}
  armillary down --dir {folder}      # stops it; --purge removes its data as well""",
        file=sys.stderr,
    )
