"""One hosts file a namespace: what cluster DNS would answer, bound over /etc/hosts in each pod.

`build_names` is pure; `HostsFiles` writes.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from armillary.local.kubelet.pod.spec import Json

_HEAD = "# Written by the kubelet; names of this namespace's Services and pods.\n"
_LOCAL = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
CLUSTER_DOMAIN = "svc.cluster.local"

Names = Mapping[str, tuple[str, ...]]  # name -> its addresses


def build_names(
    namespace: str, services: Iterable[Json], endpoints: Iterable[Json], pods: Iterable[Json]
) -> dict[str, tuple[str, ...]]:
    """Return what resolves in `namespace`.

    A Service's name leads straight to its ready endpoints, whether or not it has a cluster IP: one
    hop less, and clients see every address.
    """
    slices = {_key(item): item for item in endpoints}
    names: dict[str, tuple[str, ...]] = {}
    for service in services:
        space, name = _key(service)
        found = slices.get((space, name)) or {}
        unready = bool((service.get("spec") or {}).get("publishNotReadyAddresses"))
        addresses = _addresses(found, with_unready=unready)
        for form in _forms(name, space, namespace):
            names[form] = addresses
        for hostname, address in _hostnames(found):
            for form in _forms(f"{hostname}.{name}", space, namespace):
                names[form] = (address,)
    for pod in pods:
        _add_pod(names, pod, namespace)
    return names


def _add_pod(names: dict[str, tuple[str, ...]], pod: Json, namespace: str) -> None:
    address = (pod.get("status") or {}).get("podIP")
    space, name = _key(pod)
    if not address:
        return
    hostname = (pod.get("spec") or {}).get("hostname") or name
    subdomain = (pod.get("spec") or {}).get("subdomain")
    if subdomain:
        for form in _forms(f"{hostname}.{subdomain}", space, namespace):
            names[form] = (address,)
    if space == namespace:
        # Not in cluster DNS, but every pod must be able to resolve its own host name.
        names.setdefault(hostname, (address,))


def _forms(name: str, space: str, namespace: str) -> list[str]:
    full = f"{name}.{space}"
    forms = [full, f"{full}.svc", f"{full}.{CLUSTER_DOMAIN}"]
    return [name, *forms] if space == namespace else forms


def _addresses(endpoints: Json, *, with_unready: bool) -> tuple[str, ...]:
    found: set[str] = set()
    for subset in endpoints.get("subsets") or ():
        found |= {item["ip"] for item in subset.get("addresses") or ()}
        if with_unready:
            found |= {item["ip"] for item in subset.get("notReadyAddresses") or ()}
    return tuple(sorted(found))


def _hostnames(endpoints: Json) -> list[tuple[str, str]]:
    return [
        (item["hostname"], item["ip"])
        for subset in endpoints.get("subsets") or ()
        for kind in ("addresses", "notReadyAddresses")
        for item in subset.get(kind) or ()
        if item.get("hostname")
    ]


def _key(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def build_hosts_text(names: Names) -> str:
    """Return the file; names that lead to the same addresses share lines."""
    by_address: dict[str, list[str]] = {}
    for name in sorted(names):
        for address in names[name]:
            by_address.setdefault(address, []).append(name)
    lines = [f"{address}\t{' '.join(found)}\n" for address, found in sorted(by_address.items())]
    return _HEAD + _LOCAL + "".join(lines)


class HostsFiles:
    """The files on disk. Their inodes never change: running pods have them mounted. I/O."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names: dict[str, Names] = {}
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, namespace: str) -> Path:
        """Return the namespace's file, made with nothing but localhost when it is new."""
        path = self._directory / namespace
        if not path.exists():
            self.write(namespace, {})
        return path

    def names(self, namespace: str) -> Names:
        return self._names.get(namespace, {})

    def write(self, namespace: str, names: Names) -> bool:
        """Return whether the file had to change. Again: nothing when the text is the same."""
        self._names[namespace] = names
        data = build_hosts_text(names).encode()
        descriptor = os.open(
            self._directory / namespace, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
        )
        try:
            size = os.fstat(descriptor).st_size
            if os.pread(descriptor, size + 1, 0) == data:
                return False
            # One write, then the cut: a reader in between sees whole old lines after the new ones.
            padded = data + b"\n" * max(0, size - len(data))
            os.pwrite(descriptor, padded, 0)
            os.ftruncate(descriptor, len(data))
            return True
        finally:
            os.close(descriptor)
