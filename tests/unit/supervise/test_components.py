"""Which processes the supervisor starts, and in which order."""

from pathlib import Path

from armillary.local.supervise.components import build_components
from armillary.local.supervise.notify import parse_notice
from armillary.local.supervise.state import LocalState
from armillary.settings.local import LocalPaths

PATHS = LocalPaths(Path("/c"))
COMPONENTS = build_components(PATHS, program=("armillary",), etcd="/usr/bin/etcd")


def test_a_component_starts_after_those_it_needs() -> None:
    seen: set[str] = set()
    for component in COMPONENTS:
        assert set(component.after) <= seen
        seen.add(component.name)
    assert seen == {"etcd", "apiserver", "kubelet", "controllers", "operator"}


def test_etcd_listens_on_sockets_in_the_private_directory_only() -> None:
    etcd = next(component for component in COMPONENTS if component.name == "etcd")
    urls = [word.partition("=")[2] for word in etcd.argv if "-urls=" in word]
    assert len(urls) == 4
    for url in urls:
        assert url.startswith("unix://")
        assert "/" not in url.removeprefix("unix://")  # a name in the working directory
    assert etcd.cwd == PATHS.run
    assert f"--listen-client-urls=unix://{PATHS.etcd_socket.name}" in etcd.argv


def test_no_component_is_told_a_secret_on_its_command_line() -> None:
    for component in COMPONENTS:
        words = " ".join((*component.argv, *component.env, *component.env.values())).lower()
        assert "token" not in words and "password" not in words


def test_pods_and_services_share_the_range_without_overlap() -> None:
    state = LocalState(
        network="127.18.0.0/16",
        apiserver_port=1,
        kubelet_port=2,
        node_name="n",
        namespace="planetscale",
    )
    assert state.pod_cidr == "127.18.0.0/17"
    assert state.service_cidr == "127.18.128.0/17"


def test_a_notice_is_read_line_by_line() -> None:
    assert parse_notice(b"READY=1\nSTATUS=a=b\njunk\n") == {"READY": "1", "STATUS": "a=b"}
