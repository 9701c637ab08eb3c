"""From a pod's container to the words, variables and files of one start. I/O: directories only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from armillary.base.hosts import VARIABLE as HOSTS_VARIABLE
from armillary.local.kubelet.containers.cgroup import CgroupParent
from armillary.local.kubelet.containers.environment import (
    KeySources,
    NotYetError,
    PodFacts,
    build_environment,
    resolve_argv,
)
from armillary.local.kubelet.containers.identity import words_to_become
from armillary.local.kubelet.containers.last_words import begin_last_words
from armillary.local.kubelet.containers.process import Launch
from armillary.local.kubelet.containers.rewrite import (
    names_without_address,
    rewrite_names,
    rewrite_paths,
)
from armillary.local.kubelet.containers.sandbox import LocalTree, Mount, Sandbox
from armillary.local.kubelet.containers.volumes import MountError, mounts_of, remove_tree
from armillary.local.kubelet.pod.records import ContainerDir
from armillary.local.kubelet.pod.spec import ContainerSpec, PodSpec

PROGRAMS = "/vt/bin"
CACHE = "/vt/cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchContext:
    directory: ContainerDir
    attempt: int
    volumes: Mapping[str, Path]
    facts: PodFacts
    sources: KeySources
    base_env: Mapping[str, str]
    image_bin_dir: Path
    cache_dir: Path
    hosts_file: Path
    names: Mapping[str, Sequence[str]]
    sandbox: Sandbox | None
    cgroups: CgroupParent | None
    cgroup_name: str


def build_launch(pod: PodSpec, container: ContainerSpec, context: LaunchContext) -> Launch:
    """Return the start; makes the container's own files and its limits on the way.

    Raises:
        ConfigError: a key or object that the environment needs is missing, or no command; or a
            user that the container cannot be.
        NotYetError: without a sandbox, an equal of this pod has no address yet.
        MountError: a mount that the pod's volumes do not allow, or a path that is none.
    """
    env = build_environment(pod, container, context.facts, context.sources, context.base_env)
    argv = resolve_argv(container, env)
    mounts = mounts_of(pod, container, context.volumes, env)
    if not container.last_words_path.startswith("/"):
        path = container.last_words_path
        raise MountError(f"terminationMessagePath {path}: wanted an absolute path")
    become = words_to_become(container.run_as, sandboxed=context.sandbox is not None)
    directory = context.directory
    directory.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_tree(directory.temporary)  # a container begins with an empty /tmp
    directory.temporary.mkdir(mode=0o700)
    directory.temporary.chmod(0o1777)  # for whoever the container runs as
    begin_last_words(directory.last_words)
    cgroup_procs: Sequence[Path] = ()
    if context.cgroups is not None:
        cgroup_procs = context.cgroups.create(context.cgroup_name, container.limits).procs
    if context.sandbox is not None:
        argv = context.sandbox.command(
            [*become, *argv],
            mounts=[*_standard_mounts(container, mounts, context), *mounts],
            hostname=pod.hostname,
            working_dir=container.working_dir,
            tree=LocalTree(),
        )
        working_dir = "/"
    else:
        paths = path_map(
            container, mounts, context.image_bin_dir, context.cache_dir, directory=directory
        )
        _check_equals_have_addresses(argv, pod, context)
        # Programs of ours look names up themselves, each time that they dial.
        names = {} if argv[0].startswith(f"{PROGRAMS}/") else context.names

        def rewrite(word: str) -> str:
            return rewrite_names(rewrite_paths(word, paths), names)

        argv = [rewrite(word) for word in argv]
        env = {name: value if name == "PATH" else rewrite(value) for name, value in env.items()}
        env[HOSTS_VARIABLE] = str(context.hosts_file)
        working_dir = rewrite_paths(container.working_dir or "/", paths)
    return Launch(
        container_dir=directory.path,
        attempt_dir=directory.attempt(context.attempt),
        log_path=directory.log(context.attempt),
        argv=argv,
        env=env,
        working_dir=working_dir,
        cgroup_procs=cgroup_procs,
        stdin=container.stdin,
        sandboxed=context.sandbox is not None,
    )


def _check_equals_have_addresses(argv: Sequence[str], pod: PodSpec, context: LaunchContext) -> None:
    unknown = names_without_address(argv, pod.subdomain, context.names) if pod.subdomain else []
    if unknown:
        raise NotYetError(f"waiting for the addresses of {', '.join(unknown)}")


def _standard_mounts(
    container: ContainerSpec, mounts: Sequence[Mount], context: LaunchContext
) -> list[Mount]:
    """Return the mounts that every container has, unless its own take their place."""
    standard = [
        Mount(source=context.directory.temporary, target="/tmp"),
        Mount(source=context.hosts_file, target="/etc/hosts", read_only=True),
        Mount(source=context.image_bin_dir, target=PROGRAMS, read_only=True),
        Mount(source=context.cache_dir, target=CACHE),
        Mount(source=context.directory.last_words, target=container.last_words_path),
    ]
    taken = {mount.target.rstrip("/") for mount in mounts}
    return [mount for mount in standard if mount.target not in taken]


def path_map(
    container: ContainerSpec,
    mounts: Sequence[Mount],
    image_bin_dir: Path,
    cache_dir: Path,
    *,
    directory: ContainerDir,
) -> dict[str, str]:
    """Return path in the container -> path on the host, for running without mounts. Pure."""
    paths = {
        PROGRAMS: str(image_bin_dir),
        CACHE: str(cache_dir),
        "/tmp": str(directory.temporary),
        container.last_words_path: str(directory.last_words),
    }
    return paths | {mount.target.rstrip("/"): str(mount.source) for mount in mounts}
