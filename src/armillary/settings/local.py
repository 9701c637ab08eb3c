"""Settings of the one-machine components, built from DIR/run/state.json. Pure.

One class a component, each owned by the component it configures. Paths inside the directory are
derived here and nowhere else, so that two components can never disagree about where a file is.
"""

from dataclasses import dataclass
from pathlib import Path

API_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class LocalPaths:
    """Where everything of one one-machine cluster lives; the directory itself is mode 0700."""

    dir: Path

    @property
    def kubeconfig(self) -> Path:
        return self.dir / "kubeconfig"

    @property
    def kubectl_cache(self) -> Path:
        """What kubectl would keep below the user's home, and leave there."""
        return self.dir / "kubectl-cache"

    @property
    def grpc_client(self) -> Path:
        """What our gRPC clients present to vtctld: a static user name and password."""
        return self.dir / "grpc-client.json"

    @property
    def mysql_defaults(self) -> Path:
        """An option file with host, user and password for the mysql client."""
        return self.dir / "my.cnf"

    @property
    def pki(self) -> Path:
        return self.dir / "pki"

    @property
    def etcd_data(self) -> Path:
        return self.dir / "etcd"

    @property
    def pods(self) -> Path:
        return self.dir / "pods"

    @property
    def volumes(self) -> Path:
        return self.dir / "volumes"

    @property
    def cache(self) -> Path:
        """What pods share to save work (template data directories); may be empty any time."""
        return self.dir / "cache"

    @property
    def backups(self) -> Path:
        """Where a manifest's `volume` location points when it is not told otherwise."""
        return self.dir / "backups"

    @property
    def logs(self) -> Path:
        return self.dir / "logs"

    @property
    def bin(self) -> Path:
        """Programs to put first on PATH: kubectl bound to this cluster, vtctlclient."""
        return self.dir / "bin"

    @property
    def run(self) -> Path:
        return self.dir / "run"

    @property
    def state(self) -> Path:
        """Ports, address ranges and default objects: chosen once, read by every component."""
        return self.run / "state.json"

    @property
    def processes(self) -> Path:
        """Which processes the supervisor runs now: pids with start times."""
        return self.run / "processes.json"

    @property
    def supervisor_lock(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def etcd_socket(self) -> Path:
        return self.run / "etcd:1"  # etcd names a unix socket HOST:PORT, in its working directory


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiserverSettings:
    """The API server: TLS on API_HOST:port, objects in etcd."""

    dir: Path
    port: int
    service_cidr: str  # ClusterIPs are given out of it
    etcd_endpoint: str  # "unix:/path" or "host:port"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllersSettings:
    """The built-in controllers: deployments, jobs, garbage, volumes, endpoints."""

    dir: Path
    kubeconfig: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletSettings:
    """The kubelet that runs pods as processes of this machine."""

    dir: Path
    kubeconfig: Path
    pod_cidr: str  # every pod gets its own address out of it
    port: int  # logs, exec and port-forward, TLS on API_HOST
    node_name: str
    image_bin_dir: Path  # what pods see as /vt/bin
    sandbox: str = "auto"  # "auto": bubblewrap where it works; "none": rewrite paths
    restart_first_s: float = 1.0  # second restart in a row waits this long, then it doubles
    restart_max_s: float = 60.0
    log_bytes_max: int = 16 * 2**20  # of one container's log; at twice this its head is dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSettings:
    """The parent of etcd, the API server, the controllers, the kubelet and the operator."""

    dir: Path
    network: str  # the /16 of 127.0.0.0/8 that this cluster holds
    stop_grace_s: float = 20.0  # a component that has not stopped by then is killed
    log_bytes_max: int = 8 * 2**20  # a component's log is rotated above this size
    log_files_kept: int = 2
