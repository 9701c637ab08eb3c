"""Names without a resolver: the hosts file, and what an etcd client dials for them."""

from pathlib import Path

import pytest

from armillary.base import hosts
from armillary.etcd.channel import Target, targets

TEXT = """\
# Written by the kubelet
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost
127.1.0.1\tls-client ls-client.ns p1.ls-peer   # one of two
127.1.0.2\tls-client
"""


def test_every_address_of_a_name_is_found() -> None:
    assert hosts.addresses_of("ls-client", TEXT) == ("127.1.0.1", "127.1.0.2")
    assert hosts.addresses_of("p1.ls-peer", TEXT) == ("127.1.0.1",)
    assert hosts.addresses_of("ls", TEXT) == ()
    assert hosts.addresses_of("localhost", TEXT) == ("127.0.0.1",)
    assert hosts.addresses_of("one", TEXT) == ()


def test_the_file_is_the_one_of_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(hosts.VARIABLE, raising=False)
    assert hosts.stamp() is None and hosts.look_up("ls-client") == ()
    monkeypatch.setenv(hosts.VARIABLE, str(tmp_path / "hosts"))
    assert hosts.stamp() is None and hosts.look_up("ls-client") == ()
    (tmp_path / "hosts").write_text(TEXT)
    before = hosts.stamp()
    assert before is not None and hosts.look_up("p1.ls-peer") == ("127.1.0.1",)
    (tmp_path / "hosts").write_text(TEXT + "127.1.0.3\tp1.ls-peer\n")
    assert hosts.stamp() != before


def test_what_is_dialled() -> None:
    def look_up(name: str) -> tuple[str, ...]:
        return hosts.addresses_of(name, TEXT)

    name = "ls-client:2379"
    assert targets([name]) == [Target("dns:///ls-client:2379")]
    assert targets([name], look_up=look_up) == [Target("ipv4:127.1.0.1:2379,127.1.0.2:2379")]
    # Each server is checked against its own name, unless one name is known to hold for all.
    assert targets([name], join=False, look_up=look_up) == [
        Target("ipv4:127.1.0.1:2379", known_as="ls-client"),
        Target("ipv4:127.1.0.2:2379", known_as="ls-client"),
    ]
    mixed = ["https://127.1.0.9:1", "unix:/run/x", "http://other:2"]
    assert targets(mixed, look_up=look_up) == [
        Target("ipv4:127.1.0.9:1"),
        Target("unix:/run/x"),
        Target("dns:///other:2"),
    ]
