"""Running without mounts."""

import pytest

from armillary.local.kubelet.containers.rewrite import (
    names_without_address,
    rewrite_names,
    rewrite_paths,
)

PATHS = {"/vt/socket": "/h/e", "/vt": "/h/v", "/vt/bin": "/b/in", "/tmp": "/h/t"}
NAMES = {"ls-client": ("127.1.0.1", "127.1.0.2"), "p1.ls-peer": ("127.1.0.1",), "gone": ()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/vt/socket/mysql.sock", "/h/e/mysql.sock"),
        ("/vt/sockets/x", "/h/v/sockets/x"),
        ("/vt/bin/vttablet", "/b/in/vttablet"),
        ("--file=/vt/socket", "--file=/h/e"),
        ("a:/vt/x:/vt/socket/y", "a:/h/v/x:/h/e/y"),
        ("/old/vt/socket", "/old/vt/socket"),
        ("./vt/x", "./vt/x"),
        ("/vtx", "/vtx"),
        ("cat /vt/a > '/tmp/b'; exit", "cat /h/v/a > '/h/t/b'; exit"),
        ("unix(/vt/socket/mysql.sock)/", "unix(/h/e/mysql.sock)/"),
        ("plain", "plain"),
        ("/tmp.bak", "/tmp.bak"),
    ],
)
def test_paths_of_a_pod_become_paths_of_the_machine(text: str, expected: str) -> None:
    assert rewrite_paths(text, PATHS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ls-client:2379", "127.1.0.1:2379,127.1.0.2:2379"),
        ("--server=ls-client:2379", "--server=127.1.0.1:2379,127.1.0.2:2379"),
        ("http://ls-client:2379/x", "http://127.1.0.1:2379/x"),
        ("a=http://p1.ls-peer:2380,b=c", "a=http://127.1.0.1:2380,b=c"),
        ("ls-client", "127.1.0.1"),
        ("my-ls-client:1", "my-ls-client:1"),
        ("ls-client-x:1", "ls-client-x:1"),
        ("ls-client.example.com:1", "ls-client.example.com:1"),
        ("gone:1", "gone:1"),
        ("echo 1 >> /data/ls-client", "echo 1 >> /data/ls-client"),
    ],
)
def test_names_of_services_become_addresses(text: str, expected: str) -> None:
    assert rewrite_names(text, NAMES) == expected


def test_equals_without_an_address_are_found() -> None:
    words = ["--peers=a=https://p1.ls-peer:2380,b=https://p2.ls-peer:2380", "x.ls-peer.other"]
    assert names_without_address(words, "ls-peer", NAMES) == ["p2.ls-peer"]
    assert names_without_address(words, "ls-peer", NAMES | {"p2.ls-peer": ("127.1.0.2",)}) == []
