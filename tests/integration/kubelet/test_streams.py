"""logs, exec and port-forward with the real kubectl, over WebSocket and over SPDY."""

import hashlib
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.addresses import free_ports
from tests.integration.kubelet.rig import Rig, pod
from tests.kubectls import NEWEST_KUBECTL, newest_kubectl, oldest_kubectl

pytestmark = pytest.mark.integration

# 1.29 speaks SPDY where later ones speak WebSocket.
KUBECTLS = [newest_kubectl(), oldest_kubectl()]
(LOCAL_PORT,) = free_ports(1)
MEGABYTES = 50

# The buffers of all sockets on the way, and kubectl's own, are some 10 MiB; a process that keeps
# what nobody reads would take it all, and grow by it.
UNREAD_BYTES_MAX = 256 << 20
HELD_BYTES_MAX = 32 << 20
HELD_S = 3.0


def test_logs_can_be_followed_cut_and_stamped(rig: Rig) -> None:
    script = "for n in 1 2 3; do echo line $n; done; "
    script += "while ! test -e /tmp/go; do sleep 0.05; done; echo last; sleep 60"
    rig.apply(pod("talks", script))
    rig.wait_ready("talks")
    assert rig.kubectl("logs", "talks", "--tail=2").stdout == "line 2\nline 3\n"
    assert rig.kubectl("logs", "talks", "--limit-bytes=6").stdout == "line 1"
    stamped = rig.kubectl("logs", "talks", "--timestamps", "--tail=1").stdout
    assert stamped.startswith("20") and stamped.endswith("Z line 3\n")
    follower = subprocess.Popen(
        rig.kubectl_words("logs", "-f", "talks"), stdout=subprocess.PIPE, text=True
    )
    try:
        assert follower.stdout is not None
        assert [follower.stdout.readline() for _ in range(3)][-1] == "line 3\n"
        rig.kubectl("exec", "talks", "--", "touch", "/tmp/go")
        assert follower.stdout.readline() == "last\n"
        rig.kubectl("delete", "pod", "talks")
        assert follower.wait(10) == 0
    finally:
        follower.kill()
        follower.communicate()


@pytest.mark.parametrize("program", KUBECTLS)
def test_exec_passes_streams_and_exit_codes(rig: Rig, program: str) -> None:
    rig.apply(pod("shell", "sleep 60"))
    rig.wait_ready("shell")
    done = rig.kubectl(
        *("exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 7"),
        check=False,
        program=program,
    )
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert done.stderr.startswith("err\n")
    text = "x" * 300_000
    done = rig.kubectl("exec", "-i", "shell", "--", "md5sum", stdin=text, program=program)
    assert done.stdout.split()[0] == hashlib.md5(text.encode()).hexdigest()
    long = "y" * 50_000  # the words are in the request's URL
    assert rig.kubectl("exec", "shell", "--", "echo", long, program=program).stdout == f"{long}\n"
    done = rig.kubectl("exec", "shell", "--", "no-such-program", check=False, program=program)
    assert done.returncode != 0
    done = rig.kubectl("exec", "shell", "--", "head", "-c", "5000000", "/dev/zero", program=program)
    assert len(done.stdout) == 5_000_000


@pytest.mark.parametrize("program", KUBECTLS)
def test_exec_can_have_a_terminal(rig: Rig, program: str) -> None:
    rig.apply(pod("term", "sleep 60"))
    rig.wait_ready("term")
    inner = " ".join(rig.kubectl_words(*("exec", "-it", "term", "--", "sh"), program=program))
    typed = "test -t 0 && echo a terminal $((40 + 2))\nexit 3\n"
    done = subprocess.run(
        ["script", "-qec", inner, "/dev/null"],
        input=typed,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "a terminal 42" in done.stdout
    assert done.returncode == 3


@pytest.mark.parametrize("program", KUBECTLS)
def test_port_forward_carries_fifty_megabytes_each_way(rig: Rig, program: str) -> None:
    server = f"""
import hashlib, os, socket, threading
def serve(conn):
    digest, left = hashlib.md5(), {MEGABYTES} * 2**20
    while left:
        data = conn.recv(65536); digest.update(data); left -= len(data)
        if not data: return  # the probe
    conn.sendall(digest.hexdigest().encode())
    block = os.urandom(2**20); digest = hashlib.md5()
    for _ in range({MEGABYTES}):
        conn.sendall(block); digest.update(block)
    conn.sendall(digest.hexdigest().encode()); conn.close()
with socket.create_server((os.environ["POD_IP"], 15999)) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],)).start()
"""
    probe = {"tcpSocket": {"port": 15999}, "periodSeconds": 1}
    rig.apply(pod("sink", "", command=["python3", "-c", server], readinessProbe=probe))
    rig.wait_ready("sink")
    with forwarded(rig, "sink", 15999, program):
        connection = connect(LOCAL_PORT)
        with connection:
            digest, block = hashlib.md5(), b"some bytes " * 5000
            left = MEGABYTES * 2**20
            while left:
                part = block[: min(left, len(block))]
                connection.sendall(part)
                digest.update(part)
                left -= len(part)
            assert read_exactly(connection, 32).decode() == digest.hexdigest()
            digest = hashlib.md5()
            for _ in range(MEGABYTES):
                digest.update(read_exactly(connection, 2**20))
            assert read_exactly(connection, 32).decode() == digest.hexdigest()
            assert connection.recv(1) == b""


def test_port_forward_serves_many_connections_and_names_a_closed_port(rig: Rig) -> None:
    script = "exec python3 -m http.server 15000 --bind $(POD_IP)"
    probe = {"tcpSocket": {"port": 15000}, "periodSeconds": 1}
    rig.apply(pod("web", script, readinessProbe=probe))
    rig.wait_ready("web")
    with forwarded(rig, "web", 15000, NEWEST_KUBECTL):
        for _ in range(30):
            with connect(LOCAL_PORT) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert connection.recv(15).startswith(b"HTTP/1.0 200")
    with forwarded(rig, "web", 15001, NEWEST_KUBECTL) as process:
        with connect(LOCAL_PORT) as connection:
            assert connection.recv(1) == b""
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "15001" in line


@pytest.mark.parametrize("program", KUBECTLS)
def test_who_sends_to_a_pod_that_never_reads_is_held_and_nothing_piles_up(
    rig: Rig, program: str
) -> None:
    server = """
import os, socket, time
with socket.create_server((os.environ["POD_IP"], 15999)) as listener:
    kept = []
    while True:
        kept.append(listener.accept())
"""
    probe = {"tcpSocket": {"port": 15999}, "periodSeconds": 1}
    rig.apply(pod("deaf", "", command=["python3", "-c", server], readinessProbe=probe))
    rig.wait_ready("deaf")
    before = {name: memory_bytes(rig, name) for name in ("kubelet", "apiserver")}
    with forwarded(rig, "deaf", 15999, program), connect(LOCAL_PORT) as connection:
        sent = send_until_held(connection, UNREAD_BYTES_MAX)
        assert sent < UNREAD_BYTES_MAX, "nobody read it, and nobody was held"
        for name, bytes_before in before.items():
            grown = memory_bytes(rig, name) - bytes_before
            assert grown < HELD_BYTES_MAX, f"{name} has grown by {grown >> 20} MiB"


def send_until_held(connection: socket.socket, limit: int) -> int:
    """Send until nothing is taken for a while or `limit` is sent; return how much was."""
    connection.settimeout(HELD_S)
    block, sent = bytes(1 << 16), 0
    while sent < limit:
        try:
            sent += connection.send(block)
        except TimeoutError:
            break
    return sent


def memory_bytes(rig: Rig, name: str) -> int:
    """Return the memory that is a process's own, not of files that it has mapped."""
    status = Path(f"/proc/{rig.processes[name].pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) << 10


@contextmanager
def forwarded(rig: Rig, name: str, port: int, program: str) -> Iterator["subprocess.Popen[str]"]:
    words = rig.kubectl_words("port-forward", name, f"{LOCAL_PORT}:{port}", program=program)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "Forwarding from" in process.stdout.readline()
        yield process
    finally:
        process.terminate()
        process.communicate()


def connect(port: int) -> socket.socket:
    deadline = time.monotonic() + 5
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise


def read_exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = connection.recv(min(count - len(data), 1 << 16))
        if not part:
            raise AssertionError(f"the connection ended after {len(data)} of {count} bytes")
        data += part
    return bytes(data)


def test_a_reader_who_leaves_is_no_error(rig: Rig) -> None:
    rig.apply(pod("chat", "while true; do echo hello; sleep 0.01; done"))
    rig.wait_ready("chat")
    words = rig.kubectl_words("logs", "-f", "chat")
    for _ in range(2):
        with subprocess.Popen(words, stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None and reader.stdout.readline() == b"hello\n"
            reader.kill()
    # It writes on while the end of its log is read.
    assert rig.kubectl("logs", "--tail=1", "chat").stdout.startswith("hello\n")
    for name in ("kubelet", "apiserver"):
        assert "Traceback" not in (rig.paths.logs / f"{name}.log").read_text()


@pytest.mark.parametrize("program", KUBECTLS)
def test_attach_shows_what_is_written_from_now_on(rig: Rig, program: str) -> None:
    waiting = "while ! test -e /tmp/go; do echo waiting; sleep 0.05; done"
    rig.apply(pod("told", f"echo before; {waiting}; echo after"))
    rig.wait_ready("told")
    words = rig.kubectl_words("attach", "told", program=program)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        assert reader.stdout is not None
        first = reader.stdout.readline()
        rig.kubectl("exec", "told", "--", "touch", "/tmp/go")
        output, _ = reader.communicate(timeout=30)
    assert first == b"waiting\n" and output.endswith(b"after\n")
    assert reader.returncode == 0


@pytest.mark.parametrize("program", KUBECTLS)
def test_what_is_typed_reaches_a_container_that_asks_for_it(rig: Rig, program: str) -> None:
    script = "while read -r line; do echo got $line; done; echo the end"
    words = ("run", "typed", "-i", "--rm", "--image=local", "--restart=Never", "--", "sh", "-c")
    done = rig.kubectl(*words, script, stdin=f"one\ntwo{'o' * 100_000}\n", program=program)
    assert f"got one\ngot two{'o' * 100_000}\nthe end\n" in done.stdout
    assert not rig.get("pod", "typed")


def test_a_terminal_that_containers_do_not_have_is_refused(rig: Rig) -> None:
    rig.apply(pod("blind", "sleep 60", stdin=True, tty=True))
    rig.wait_ready("blind")
    refused = rig.kubectl("attach", "-i", "blind", stdin="", check=False)
    assert refused.returncode != 0 and "use `kubectl exec -it`" in refused.stderr
