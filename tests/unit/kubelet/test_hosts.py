"""What names resolve to, and how the file is written."""

from pathlib import Path
from typing import Any

from armillary.local.kubelet.network.addresses import PodAddresses
from armillary.local.kubelet.network.hosts import HostsFiles, build_hosts_text, build_names
from armillary.local.kubelet.network.proxy import Listener, plan_listeners


def meta(name: str, namespace: str = "ns") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}}


def endpoints(name: str, ready: list[str], unready: tuple[str, ...] = ()) -> dict[str, Any]:
    subset = {
        "addresses": [{"ip": ip} for ip in ready],
        "notReadyAddresses": [{"ip": ip} for ip in unready],
        "ports": [{"name": "web", "port": 15000}],
    }
    return {**meta(name), "subsets": [subset]}


def test_a_service_leads_to_its_ready_endpoints() -> None:
    service = {**meta("ls"), "spec": {}}
    names = build_names(
        "ns", [service], [endpoints("ls", ["127.1.0.2", "127.1.0.1"], ("127.1.0.3",))], []
    )
    for name in ("ls", "ls.ns", "ls.ns.svc", "ls.ns.svc.cluster.local"):
        assert names[name] == ("127.1.0.1", "127.1.0.2")
    service["spec"]["publishNotReadyAddresses"] = True
    names = build_names("ns", [service], [endpoints("ls", [], ("127.1.0.3",))], [])
    assert names["ls"] == ("127.1.0.3",)


def test_another_namespaces_service_needs_its_full_name() -> None:
    names = build_names("other", [{**meta("ls"), "spec": {}}], [endpoints("ls", ["127.1.0.1"])], [])
    assert "ls" not in names and names["ls.ns"] == ("127.1.0.1",)


def test_pods_with_a_subdomain_have_names_before_they_are_ready() -> None:
    pod = {
        **meta("p1"),
        "spec": {"hostname": "p1", "subdomain": "peer"},
        "status": {"podIP": "127.1.0.1"},
    }
    names = build_names("ns", [], [], [pod, {**meta("p2"), "spec": {}, "status": {}}])
    assert names["p1.peer"] == names["p1.peer.ns.svc"] == names["p1"] == ("127.1.0.1",)
    assert "p2" not in names


def test_a_hosts_file_keeps_its_inode_and_shrinks(tmp_path: Path) -> None:
    files = HostsFiles(tmp_path)
    path = files.path("ns")
    inode = path.stat().st_ino
    files.write("ns", {f"name{n}": ("127.1.0.1",) for n in range(50)})
    files.write("ns", {"b": ("127.1.0.2", "127.1.0.3"), "a": ("127.1.0.2",)})
    assert path.stat().st_ino == inode
    assert path.read_text() == build_hosts_text(files.names("ns"))
    assert path.read_text().endswith("127.1.0.2\ta b\n127.1.0.3\tb\n")


def test_listeners_are_on_cluster_addresses_of_this_machine_only() -> None:
    def service(name: str, cluster_ip: str) -> dict[str, Any]:
        ports = [{"name": "web", "port": 80}, {"name": "udp", "port": 53, "protocol": "UDP"}]
        return {**meta(name), "spec": {"clusterIP": cluster_ip, "ports": ports}}

    wanted = plan_listeners(
        [service("a", "127.1.128.1"), service("b", "None"), service("c", "10.0.0.1")],
        [endpoints("a", ["127.1.0.1"], ("127.1.0.2",))],
    )
    assert wanted == {Listener("127.1.128.1", 80): (("127.1.0.1", 15000),)}


def test_addresses_stick_and_never_clash(tmp_path: Path) -> None:
    addresses = PodAddresses(tmp_path / "a", "127.1.0.0/28")
    given = {name: addresses.give("ns", name) for name in map(str, range(13))}
    assert len(set(given.values())) == 13
    assert not set(given.values()) & {"127.1.0.0", "127.1.0.1", "127.1.0.15"}
    again = PodAddresses(tmp_path / "a", "127.1.0.0/28")
    assert {name: again.give("ns", name) for name in given} == given
