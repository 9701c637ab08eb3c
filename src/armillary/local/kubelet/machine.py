"""What every pod of this kubelet shares: paths, API caches, addresses, the sandbox. I/O."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from armillary.kube.client import KubeClient
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.local.kubelet.containers.cgroup import CgroupParent
from armillary.local.kubelet.containers.environment import KeySources, ReadKeys
from armillary.local.kubelet.containers.launch import CACHE
from armillary.local.kubelet.containers.sandbox import Sandbox
from armillary.local.kubelet.containers.volumes import decode_config_map, decode_secret
from armillary.local.kubelet.network.addresses import PodAddresses
from armillary.local.kubelet.network.hosts import HostsFiles
from armillary.local.kubelet.pod.state import RestartPolicy

logger = logging.getLogger(__name__)

HOST_IP = "127.0.0.1"

# What a container inherits from the kubelet's own environment: how to get out of this machine.
_PASSED_ON = (
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


def allocatable() -> dict[str, float]:
    """Return what this machine has for pods, which is all of it."""
    pages = os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": float(os.cpu_count() or 1),
        "memory": float(pages * os.sysconf("SC_PAGE_SIZE")),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    pods: Path
    volumes: Path
    image_bin_dir: Path
    cache_dir: Path
    node_name: str
    client: KubeClient
    events: EventRecorder
    secrets: Informer
    config_maps: Informer
    claims: Informer
    addresses: PodAddresses
    hosts: HostsFiles
    sandbox: Sandbox | None
    cgroups: CgroupParent | None
    restart_policy: RestartPolicy

    def sources(self, namespace: str) -> KeySources:
        return KeySources(
            secret=_reader(self.secrets, namespace, decode_secret),
            config_map=_reader(self.config_maps, namespace, decode_config_map),
        )

    def claim_dirs(self, namespace: str) -> dict[str, Path]:
        """Return where the data of each bound claim of the namespace is."""
        return {
            claim["metadata"]["name"]: claim_dir(self.volumes, claim)
            for claim in self.claims.list(namespace)
            if (claim.get("status") or {}).get("phase") == "Bound"
        }

    def base_environment(self, hostname: str) -> dict[str, str]:
        """Return the variables that an image would set."""
        programs = "/vt/bin" if self.sandbox else str(self.image_bin_dir)
        inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return inherited | {
            "PATH": f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/tmp",
            "LANG": "C.UTF-8",
            # As images have it: NOW() must not depend on whose shell the cluster was started from.
            "TZ": "UTC",
            "HOSTNAME": hostname,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            # grpc's own resolver does not look into /etc/hosts the way the C library does.
            "GRPC_DNS_RESOLVER": "native",
            # Making a data directory costs over a second of CPU, copying a made one little.
            "ARMILLARY_TEMPLATE_CACHE": CACHE,
        }


def claim_dir(volumes: Path, claim: Mapping[str, object]) -> Path:
    """Return the directory of one claim's data; a claim made anew gets a new one."""
    metadata = claim["metadata"]
    assert isinstance(metadata, dict)
    uid = str(metadata["uid"])
    return Path(volumes, metadata["namespace"], f"{metadata['name']}-{uid[:8]}")


def _reader(
    informer: Informer, namespace: str, decode: Callable[[dict[str, object]], dict[str, bytes]]
) -> ReadKeys:
    def read(name: str) -> Mapping[str, bytes] | None:
        found = informer.get(name, namespace)
        return None if found is None else decode(found)

    return read
