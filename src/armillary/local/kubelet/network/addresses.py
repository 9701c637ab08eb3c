"""Which address each pod has. I/O on one file; the choice is pure.

An address belongs to namespace/name, not to one life of the pod: a tablet that is deleted and made
again comes back where its peers expect it.
"""

import ipaddress
import json
import os
import zlib
from collections.abc import Container, Mapping
from pathlib import Path

from armillary.base.errors import UnavailableError

_REMEMBERED_MAX = 20_000


class PodAddresses:
    """The addresses given so far, kept in one file."""

    def __init__(self, path: Path, cidr: str) -> None:
        self._path = path
        self._network = ipaddress.IPv4Network(cidr)
        try:
            self._by_pod: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            self._by_pod = {}
        self._by_pod = {
            pod: address
            for pod, address in self._by_pod.items()
            if ipaddress.IPv4Address(address) in self._network
        }

    def give(self, namespace: str, name: str) -> str:
        """Return the pod's address, the same one each time.

        Raises:
            UnavailableError: every address of the range is taken.
        """
        pod = f"{namespace}/{name}"
        if pod not in self._by_pod:
            taken = set(self._by_pod.values())
            self._by_pod[pod] = choose_address(pod, self._network, taken)
            self._write()
        return self._by_pod[pod]

    def forget_all_but(self, pods: Container[str]) -> None:
        """Free the addresses of pods long gone, when too many are remembered."""
        if len(self._by_pod) > min(_REMEMBERED_MAX, self._network.num_addresses // 2):
            self._by_pod = {pod: ip for pod, ip in self._by_pod.items() if pod in pods}
            self._write()

    def known(self) -> Mapping[str, str]:
        return self._by_pod

    def _write(self) -> None:
        part = self._path.with_suffix(".new")
        part.write_text(json.dumps(self._by_pod, indent=0, sort_keys=True))
        os.replace(part, self._path)


def choose_address(pod: str, network: ipaddress.IPv4Network, taken: Container[str]) -> str:
    """Return a free address; where to begin depends on the pod's name, so that two fresh
    directories give most pods the same addresses. Pure.

    Raises:
        UnavailableError: none is free.
    """
    # Offsets 0, 1 and the last are left alone: network, 127.0.0.1 itself, broadcast.
    count = network.num_addresses - 3
    start = zlib.crc32(pod.encode()) % count
    for step in range(count):
        address = str(network[2 + (start + step) % count])
        if address not in taken:
            return address
    raise UnavailableError(f"every address of {network} is taken by a pod")
