"""Addresses and ports that no other run of the tests on this machine has.

Each process claims one free 127.X.0.0/16, as a cluster does, holds it until it ends and hands out
pieces of it. Whoever starts pods takes a range of its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from armillary.base.errors import ConflictError
from armillary.local.supervise.network import NetworkClaim, choose_network, choose_ports

_claims: list[NetworkClaim] = []  # the kernel lets go of them when this process ends
_ports_given: list[int] = []


def claim_network() -> str:
    """Return a 127.X.0.0/16 that is the caller's until this process ends."""
    while True:
        network = choose_network(Path(f"tests/{os.getpid()}/{len(_claims)}"))
        try:
            _claims.append(NetworkClaim(network))
        except ConflictError:  # another process was faster
            continue
        return network


def block() -> str:
    """Return three numbers, "127.X.Y", whose hosts 1 to 254 are the caller's."""
    return next(_blocks)


def host() -> str:
    """Return an address that is the caller's."""
    return next(_hosts)


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports of 127.0.0.1 on which nobody listens, other ones at each call."""
    ports = choose_ports(count, seed=f"{os.getpid()}/{len(_ports_given)}")
    _ports_given.extend(ports)
    return ports


def _take_blocks() -> Iterator[str]:
    while True:
        first_two = claim_network().removesuffix(".0.0/16")
        yield from (f"{first_two}.{number}" for number in range(1, 128))


def _take_hosts() -> Iterator[str]:
    while True:
        first_three = block()
        yield from (f"{first_three}.{number}" for number in range(1, 255))


_blocks = _take_blocks()
_hosts = _take_hosts()
