"""No port answers a stranger, and no secret stands where others can read it."""

import base64
import json
import os
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from armillary.cli.demo.walk import Walk
from armillary.local.supervise.state import read_state
from tests.e2e.machine import USER_PASSWORD, Machine
from tests.fakes.stranger import TRIES, try_kubernetes

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
    assert len(found) > 5 and USER_PASSWORD in found
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


def test_every_listening_port_refuses_a_stranger(machine: Machine, walked: Walk) -> None:
    """A port that nobody has written down here fails as well."""
    state = read_state(machine.paths.state)
    tries = TRIES | {state.apiserver_port: try_kubernetes, state.kubelet_port: try_kubernetes}
    tried: Counter[int] = Counter()
    problems = []
    for host, port in sorted(set(listeners(machine.all_pids()))):
        tried[port] += 1
        told = tries[port](host, port) if port in tries else "nobody knows this port"
        if told:
            problems.append(f"{host}:{port}: {told}")
    assert problems == []
    # The scan saw what it was to scan: members, tablets with their exporters, gateways, Services.
    for port, least in {2379: 3, 2380: 3, 2381: 3, 3306: 9, 15999: 9, 15000: 9, 9104: 8}.items():
        assert tried[port] >= least, f"port {port}: {tried}"
    assert tried[state.apiserver_port] == tried[state.kubelet_port] == 1


def test_no_secret_is_on_a_command_line(machine: Machine, walked: Walk, secrets: set[str]) -> None:
    for pid in machine.all_pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        assert not [s for s in secrets if s in words], words.split("\0")[:2]


def test_no_secret_is_in_an_environment(machine: Machine, walked: Walk, secrets: set[str]) -> None:
    """Children inherit it, and whoever runs as the same user reads it."""
    seen, told = 0, []
    for pid in machine.all_pids():
        try:
            raw = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        seen += 1
        words = [word for word in raw.split("\0") if any(secret in word for secret in secrets)]
        told += [f"{pid}: {word.partition('=')[0]}" for word in words]
    assert seen > 20
    assert told == []


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
        folders[:] = [name for name in folders if name != "innodb"]
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
