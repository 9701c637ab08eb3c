"""Which 127.X.0.0/16 and which ports a cluster takes, so that two never clash. I/O.

A range is claimed by holding an abstract unix socket of its name: the whole machine sees it, across
users and directories, and the kernel lets go of it when the holder dies. Pods may outlive their
supervisor, so a range with listeners in it counts as taken as well. Between the choice and the
claim passes the time that a supervisor takes to start: the choice is held by a second such socket.
"""

import atexit
import errno
import hashlib
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from armillary.base.errors import ConflictError, UnavailableError

RANGE_FIRST = 32
RANGE_LAST = 251
# etcd: clients, peers, health; mysqld; its exporter; web pages and gRPC of our programs.
POD_PORTS = (2379, 2380, 2381, 3306, 9104, 15000, 15999)
_NOBODYS_ADDRESS = "127.255.255.253"  # in no cluster's range
PORT_FIRST = 20000
PORT_LAST = 32000  # below the kernel's ephemeral ports, so that no client connection sits on ours
_PROC_TCP = Path("/proc/net/tcp")
_STATE_LISTEN = "0A"


class NetworkClaim:
    """Holds one range for as long as it is open."""

    def __init__(self, network: str) -> None:
        self.network = network
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(f"\0armillary-net-{network}")
        except OSError as error:
            self._socket.close()
            raise ConflictError(
                f"address range {network} is taken by another cluster on this machine"
            ) from error

    def __enter__(self) -> "NetworkClaim":
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()


def choose_network(directory: Path) -> str:
    """Return a free /16 for a new cluster in `directory`; the same directory prefers the same one.

    Nobody else is given it while this process lives: it waits until the supervisor has claimed it.

    Raises:
        UnavailableError: every range is taken.
    """
    used = {second for second, _ in list_listeners(_PROC_TCP.read_text())}
    for second in preferred_ranges(str(directory)):
        network = f"127.{second}.0.0/16"
        if second not in used and _hold_choice(network):
            return network
    raise UnavailableError(f"no free range between 127.{RANGE_FIRST} and 127.{RANGE_LAST}")


def _hold_choice(network: str) -> bool:
    """Keep a range from being chosen again, unless it is chosen or claimed already."""
    choice = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        choice.bind(f"\0armillary-net-{network}-chosen")
        with NetworkClaim(network):
            pass
    except (OSError, ConflictError):
        choice.close()
        return False
    atexit.register(choice.close)
    return True


def preferred_ranges(seed: str) -> Iterator[int]:
    """Yield every range once, starting where `seed` says: directories seldom compete. Pure."""
    count = RANGE_LAST - RANGE_FIRST + 1
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    return (RANGE_FIRST + (start + step) % count for step in range(count))


def choose_ports(count: int, *, seed: str) -> tuple[int, ...]:
    """Return free ports of 127.0.0.1, the same ones for the same seed while they are free."""
    span = PORT_LAST - PORT_FIRST
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[4:8], "big") % span
    candidates = (PORT_FIRST + (start + step) % span for step in range(span))
    return tuple(_take_free(candidates, count))


def ports_taken_everywhere() -> tuple[int, ...]:
    """Return the ports of pods that some program listens on at every address of this machine.

    Every pod has its own address, so only such a listener is in their way; none can come later,
    while pods hold the ports.
    """
    taken = []
    for port in POD_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_NOBODYS_ADDRESS, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    taken.append(port)
    return tuple(taken)


def explain_taken(ports: Iterable[int]) -> str:
    """Return what to tell a person about `ports_taken_everywhere`. Pure."""
    words = ", ".join(map(str, ports))
    first = words.partition(",")[0]
    return (
        f"a program listens on every address of this machine at port {words}, so no pod can;"
        f" stop it or bind it to 127.0.0.1 (`ss -ltnp sport = :{first}` shows which)"
    )


def is_port_free(port: int) -> bool:
    """Say whether we could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _take_free(candidates: Iterable[int], count: int) -> Iterator[int]:
    for port in candidates:
        if count == 0:
            return
        if not is_port_free(port):
            continue
        count -= 1
        yield port
    raise UnavailableError(f"no free port between {PORT_FIRST} and {PORT_LAST}")


def list_listeners(proc_net_tcp: str) -> tuple[tuple[int, int], ...]:
    """Return (second byte, port) of every listener on 127.0.0.0/8 in /proc/net/tcp's text. Pure."""
    found = []
    for line in proc_net_tcp.splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        # The kernel prints the address as a little-endian word: 127.18.0.1 is 0100127F.
        octets = bytes.fromhex(address)[::-1]
        if fields[3] == _STATE_LISTEN and octets[0] == 127:
            found.append((octets[1], int(port, 16)))
    return tuple(found)
