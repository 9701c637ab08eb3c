"""No port answers a stranger, and no secret stands where others can read it."""

import base64
import json
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pymysql
import pytest

from armillary.cli.demo.walk import Walk
from armillary.local.supervise.state import read_state
from tests.e2e.machine import Machine
from tests.fakes.stranger import ask, stranger_context

REFUSALS = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAVAILABLE,  # a Service without pods behind it
)
SECRET_CHARS_MIN = 12  # the example's user has the password `password`, a word of every log


@pytest.fixture(scope="module")
def secrets(machine: Machine, walked: Walk) -> set[str]:
    """Every generated secret: the token, private keys, and what the Secrets hold."""
    found = {re.findall(r'"token": "([^"]+)"', machine.paths.kubeconfig.read_text())[0]}
    for key in machine.paths.pki.glob("*.key"):
        found.add(key.read_text().splitlines()[1])
    listed = json.loads(walked.shell.run("kubectl get secrets -A -o json", quiet=True))
    for secret in listed["items"]:
        for value in (secret.get("data") or {}).values():
            text = base64.b64decode(value).decode("utf-8", "replace")
            found |= set(re.findall(r'"([A-Za-z0-9_-]{24,})"', text))
            if "PRIVATE KEY" in text:
                found.add(text.splitlines()[1])
    assert len(found) > 5
    return {secret for secret in found if len(secret) >= SECRET_CHARS_MIN}


def listeners(pids: list[int]) -> Iterator[tuple[str, int]]:
    """Yield address and port of every TCP socket on which one of the processes listens."""
    inodes = set()
    for pid in pids:
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
                inodes.update(re.findall(r"socket:\[(\d+)\]", target))
        except OSError:
            continue
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, _, port = fields[1].partition(":")
                yield readable(address), int(port, 16)


def readable(address: str) -> str:
    """Return an address of /proc/net/tcp or tcp6, which are little-endian 32-bit words."""
    words = bytes.fromhex(address)
    raw = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    if raw.startswith(b"\0" * 10 + b"\xff\xff"):  # an IPv4 address in an IPv6 socket
        raw = raw[12:]
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def test_nothing_listens_on_an_outside_address(machine: Machine, walked: Walk) -> None:
    found = list(listeners(machine.all_pids()))
    assert len(found) > 20
    assert [f"{host}:{port}" for host, port in found if not host.startswith("127.")] == []


@pytest.mark.parametrize("which", ["apiserver_port", "kubelet_port"])
def test_the_api_server_and_the_kubelet_refuse_a_stranger(
    machine: Machine, walked: Walk, which: str
) -> None:
    port = getattr(read_state(machine.paths.state), which)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for path in ("/api/v1/namespaces/planetscale/secrets", "/pods", "/exec/planetscale/x/y"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            try:
                with context.wrap_socket(raw) as tls:
                    tls.sendall(
                        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
                    )
                    answer = tls.recv(65536).decode()
            except ssl.SSLError:
                continue  # it wanted a certificate
        assert re.match(r"HTTP/1\.1 (401|403)", answer), f"{path}: {answer[:100]}"


@pytest.mark.parametrize("user", ["root", "", "vt_dba", "vt_app", "vt_repl", "vt_allprivs"])
def test_no_mysqld_lets_anyone_in_without_a_password(
    machine: Machine, walked: Walk, user: str
) -> None:
    addresses = [host for host, port in listeners(machine.all_pids()) if port == 3306]
    assert len(addresses) >= 9
    seen = []
    for host in addresses:
        with pytest.raises(pymysql.err.OperationalError) as refused:
            pymysql.connect(host=host, port=3306, user=user, password="", connect_timeout=5)
        seen.append(refused.value.args[0])
        # 2013: a Service without pods behind it hangs up on everybody.
        assert refused.value.args[0] in (1045, 1698, 2013), f"{host}: {refused.value}"
    assert sum(code != 2013 for code in seen) >= 9


def test_grpc_calls_without_credentials_are_refused(machine: Machine, walked: Walk) -> None:
    methods = (
        "/vtctlservice.Vtctl/ExecuteVtctlCommand",
        "/tabletmanagerservice.TabletManager/Ping",
        "/queryservice.Query/StreamHealth",
    )
    addresses = [(h, p) for h, p in listeners(machine.all_pids()) if p == 15999]
    assert len(addresses) >= 9
    for host, port in addresses:
        with grpc.insecure_channel(f"{host}:{port}") as channel:
            for method in methods:
                call = channel.unary_stream(method, bytes, bytes)
                with pytest.raises(grpc.RpcError) as refused:
                    list(call(b"", timeout=5))
                assert refused.value.code() in REFUSALS, f"{host}:{port} {method}"


def test_lockservers_answer_only_who_has_a_certificate(machine: Machine, walked: Walk) -> None:
    found = list(listeners(machine.all_pids()))
    ports = [(host, port) for host, port in found if port in (2379, 2380)]  # the Service's too
    assert len(ports) > 6
    for host, port in ports:
        for context in (None, stranger_context()):
            assert ask(host, port, "/version", context) == b"", f"{host}:{port}"
    members = [host for host, port in found if port == 2381]
    assert len(members) == 3
    for host in members:
        assert b'{"health":"true"}' in ask(host, 2381, "/health")
        assert b"404 Not Found" in ask(host, 2381, "/v2/keys/")


def test_the_topology_wants_a_client_certificate(machine: Machine, walked: Walk) -> None:
    addresses = [(h, p) for h, p in listeners(machine.all_pids()) if p in (2379, 2380)]
    assert len(addresses) >= 6
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for host, port in addresses:
        for wrap in (context.wrap_socket, lambda raw: raw):
            answer = b""
            with socket.create_connection((host, port), timeout=5) as raw:
                try:
                    with wrap(raw) as connection:
                        connection.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
                        answer = connection.recv(65536)
                except OSError:  # ssl.SSLError is one
                    pass
            assert not answer.startswith(b"HTTP/1.1 200"), f"{host}:{port}: {answer[:100]!r}"


def test_no_secret_is_on_a_command_line(machine: Machine, walked: Walk, secrets: set[str]) -> None:
    for pid in machine.all_pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        assert not [s for s in secrets if s in words], words.split("\0")[:2]


def test_no_secret_is_in_a_log_or_an_event(
    machine: Machine, walked: Walk, secrets: set[str]
) -> None:
    logs = [*machine.paths.logs.rglob("*"), *machine.paths.pods.rglob("*.log*")]
    texts = {str(f): f.read_text(errors="replace") for f in logs if f.is_file()}
    texts["events"] = walked.shell.run("kubectl get events -A -o json", quiet=True)
    texts["pods"] = walked.shell.run("kubectl get pods -A -o json", quiet=True)
    assert len(texts) > 15
    assert [name for name, text in texts.items() if any(s in text for s in secrets)] == []


def test_files_with_secrets_are_for_their_owner_only(
    machine: Machine, walked: Walk, secrets: set[str]
) -> None:
    needles = [secret.encode() for secret in secrets]
    open_to_others = []
    seen = 0
    for folder, folders, names in os.walk(machine.home):
        folders[:] = [name for name in folders if name not in ("data", "innodb", "bin-logs")]
        for name in names:
            file = Path(folder) / name
            if file.is_symlink() or not file.is_file() or file.stat().st_size > 32 * 2**20:
                continue
            if any(needle in file.read_bytes() for needle in needles):
                seen += 1
                if file.stat().st_mode & 0o077:
                    open_to_others.append(f"{file}: {file.stat().st_mode:o}")
    assert seen > 5
    assert open_to_others == []
    assert machine.home.stat().st_mode & 0o777 == 0o700


def test_env_and_status_print_no_secret(machine: Machine, secrets: set[str]) -> None:
    for words in (("env",), ("status",), ("status", "-o", "json")):
        done: subprocess.CompletedProcess[str] = machine.armillary(*words)
        assert not [s for s in secrets if s in done.stdout + done.stderr]
