"""A cluster keeps its ports unless somebody else has taken them while it was down."""

import socket

from armillary.cli.bringup.prepare import with_free_ports
from armillary.local.supervise.network import choose_ports
from armillary.local.supervise.state import LocalState


def test_only_a_taken_port_is_chosen_anew() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        (free,) = choose_ports(1, seed="d")  # what would be chosen first
        other.listen()
        state = LocalState(
            network="127.99.0.0/16",
            apiserver_port=taken,
            kubelet_port=free,
            node_name="n",
            namespace="x",
        )
        chosen = with_free_ports(state, seed="d")
        assert chosen.apiserver_port not in (taken, free) and chosen.kubelet_port == free
    assert with_free_ports(state, seed="d") == state
