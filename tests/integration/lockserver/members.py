"""Three etcd members, started with the words and files that the operator renders for their pods.

Names are replaced by addresses and paths by others, as the kubelet does where it has no sandbox.
"""

import subprocess
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from armillary.base.certificates import Certified
from armillary.etcd.records import EtcdTls
from armillary.local.kubelet.containers.rewrite import rewrite_names, rewrite_paths
from armillary.operator.cluster.credentials import (
    build_authority,
    build_credentials,
    parse_authority,
)
from armillary.operator.crd.lockserver import EtcdLockserverSpec
from armillary.operator.lockserver.build import (
    MEMBERS,
    Lockserver,
    build_certificate_secret,
    build_pod,
)
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.secrets import (
    ETCD_AUTHORITY,
    ETCD_CLIENT_CERT,
    ETCD_CLIENT_KEY,
    LOCKSERVER_TLS_NAME,
)
from tests.addresses import block


class Members:
    def __init__(self, home: Path) -> None:
        network = block()
        self.addresses = {index: f"{network}.{index}" for index in MEMBERS}
        labels = {keys.CLUSTER: "example", keys.COMPONENT: keys.ETCD}
        name = names.lockserver_name("example")
        self.lockserver = Lockserver(name, "planetscale", labels, EtcdLockserverSpec())
        self.authority, self._credentials = new_cluster_credentials()
        self._home = home
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def endpoints(self) -> list[str]:
        return [f"{address}:2379" for address in self.addresses.values()]

    @property
    def tls(self) -> EtcdTls:
        return client_tls(self._credentials)

    def write_certificate(self, addresses: Sequence[str]) -> None:
        """Write what the pods mount; a running member reads it at the next connection."""
        now = datetime.now(UTC)
        secret = build_certificate_secret(self.lockserver, addresses, self.authority, now=now)
        directory = self._home / "tls"
        directory.mkdir(exist_ok=True)
        for key, text in secret["data"].items():
            part = directory / f".{key}"
            part.write_bytes(b64decode(text))
            part.chmod(0o400)
            part.replace(directory / key)

    def start(self) -> None:
        for index in MEMBERS:
            log = (self._home / f"{index}.log").open("ab")
            with log:
                self._processes[index] = subprocess.Popen(
                    self._command(index), stdout=log, stderr=log
                )

    def kill(self) -> None:
        """End all at once; asked to end, the leader would look for a follower for ten seconds."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait(timeout=20)
        self._processes.clear()

    def log(self) -> str:
        return "".join(file.read_text() for file in self._home.glob("*.log"))

    def _command(self, index: int) -> list[str]:
        container = build_pod(self.lockserver, index)["spec"]["containers"][0]
        peers = names.lockserver_peer_service(self.lockserver.name)
        hosts = {
            f"{self.lockserver.member_name(member)}.{peers}": (address,)
            for member, address in self.addresses.items()
        }
        paths = {"/etc/etcd/tls": f"{self._home}/tls", "/var/etcd": f"{self._home}/{index}"}
        words = [*container["command"], *container["args"]]
        words = [word.replace("$(POD_IP)", self.addresses[index]) for word in words]
        return [rewrite_names(rewrite_paths(word, paths), hosts) for word in words]


@contextmanager
def running_members(home: Path) -> Iterator[Members]:
    members = Members(home)
    members.write_certificate(list(members.addresses.values()))
    members.start()
    try:
        yield members
    finally:
        members.kill()


def new_cluster_credentials() -> tuple[Certified, dict[str, str]]:
    """Return an authority and the auth secret that goes with it."""
    now = datetime.now(UTC)
    authority = parse_authority(build_authority(now=now))
    return authority, build_credentials(lambda: "password", authority, now=now)


def client_tls(credentials: dict[str, str]) -> EtcdTls:
    """Return what the operator shows, and, from files, every pod."""
    return EtcdTls(
        ca=credentials[ETCD_AUTHORITY].encode(),
        cert=credentials[ETCD_CLIENT_CERT].encode(),
        key=credentials[ETCD_CLIENT_KEY].encode(),
        server_name=LOCKSERVER_TLS_NAME,
    )
