"""Which processes make up one machine's control plane, in which order, with which words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from armillary.settings.local import LocalPaths

PEER_SOCKET = "etcd:2"  # nobody connects to it, but etcd insists on having one

# Fewer malloc arenas: a Python process of ours has one busy thread, and each arena costs memory.
# The native resolver reads the hosts file that the kubelet writes; grpc's own may not.
_PYTHON_ENV = {
    "MALLOC_ARENA_MAX": "1",
    "GRPC_DNS_RESOLVER": "native",
    "GRPC_ENABLE_FORK_SUPPORT": "0",
    "PYTHONUNBUFFERED": "1",
}

# An idle etcd is all timers, and with more processors Go wakes threads for each to look for work.
_ETCD_ENV = {"GOMAXPROCS": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One child of the supervisor."""

    name: str
    argv: tuple[str, ...]
    after: tuple[str, ...]  # started once these have said that they serve
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)  # on top of the supervisor's own
    sockets: tuple[Path, ...] = ()  # removed before each start: a killed process leaves them


def build_components(
    paths: LocalPaths, *, program: Sequence[str], etcd: str
) -> tuple[Component, ...]:
    """Return the components in the order in which they start; they stop in the reverse order."""

    def ours(name: str, after: tuple[str, ...]) -> Component:
        return Component(
            name=name,
            argv=(*program, "run", name, "--dir", str(paths.dir)),
            after=after,
            cwd=paths.run,
            env=_PYTHON_ENV,
        )

    return (
        Component(
            name="etcd",
            argv=(etcd, *etcd_flags(paths)),
            after=(),
            cwd=paths.run,
            env=_ETCD_ENV,
            sockets=(paths.etcd_socket, paths.run / PEER_SOCKET),
        ),
        ours("apiserver", ("etcd",)),
        ours("kubelet", ("apiserver",)),
        ours("controllers", ("apiserver",)),
        ours("operator", ("apiserver",)),
    )


def etcd_flags(paths: LocalPaths) -> tuple[str, ...]:
    """Return etcd's flags: no TCP port at all, sockets in a directory that only we may enter."""
    # etcd reads unix://HOST:PORT as a socket named HOST:PORT in its working directory, and
    # refuses a path; hence cwd, and the odd file name.
    client = f"unix://{paths.etcd_socket.name}"
    peer = f"unix://{PEER_SOCKET}"
    return (
        f"--data-dir={paths.etcd_data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--logger=zap",
        "--log-outputs=stderr",
        "--log-level=warn",
        "--auto-compaction-mode=revision",
        "--auto-compaction-retention=10000",
        "--quota-backend-bytes=2147483648",
        # A member without others needs no heartbeats, but its clock ticks with them; it serves
        # after at most one timeout, hence no longer one.
        "--heartbeat-interval=200",
        "--election-timeout=1000",
        # How often it looks for what the write-ahead log has and the database has not.
        "--backend-batch-interval=500ms",
    )
