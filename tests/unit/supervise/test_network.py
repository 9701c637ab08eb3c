"""Which ranges and ports a cluster takes."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from armillary.local.supervise import network
from armillary.local.supervise.network import (
    RANGE_FIRST,
    RANGE_LAST,
    list_listeners,
    preferred_ranges,
)

# A listener on 127.18.0.1:3306, an established connection there, and a listener on 0.0.0.0.
PROC_NET_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100127F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0200137F:0CEA 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 1 1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
"""


def test_only_listeners_on_loopback_count() -> None:
    assert list_listeners(PROC_NET_TCP) == ((18, 3306),)


def test_a_directory_tries_every_range_once_and_always_in_the_same_order() -> None:
    first = list(preferred_ranges("/home/a/.armillary"))
    assert first == list(preferred_ranges("/home/a/.armillary"))
    assert sorted(first) == list(range(RANGE_FIRST, RANGE_LAST + 1))


def test_two_directories_seldom_start_at_the_same_range() -> None:
    starts = {next(preferred_ranges(f"/home/{name}/.armillary")) for name in range(20)}
    assert len(starts) > 10


def test_a_range_that_was_chosen_is_not_chosen_again_though_nobody_claims_it_yet() -> None:
    """Two clusters may be made at once, and a supervisor takes seconds to start."""
    home = Path("/home/a/.armillary")
    ask = f"from {network.__name__} import *; print(choose_network(Path({str(home)!r})))"
    first = network.choose_network(home)
    words = [sys.executable, "-c", ask]
    second = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    assert second != first
    with network.NetworkClaim(first):  # whom it was chosen for takes it
        pass


def test_a_listener_on_every_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as mine, socket.socket() as other:
        mine.bind(("0.0.0.0", 0))
        mine.listen()
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = mine.getsockname()[1], other.getsockname()[1]
        monkeypatch.setattr(network, "POD_PORTS", ports)
        assert network.ports_taken_everywhere() == ports[:1]
    assert network.ports_taken_everywhere() == ()
    assert "port 3306, 15000, so no pod" in network.explain_taken((3306, 15000))
