"""`armillary up`, `status`, `doctor` and `logs`, and a client that asks for its password."""

import json
import os
import pty
import re
import select
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.machine import ARMILLARY, NAMESPACE, Machine
from tests.e2e.small_cluster import backups_in, keyspace, write_small_manifest

ANSWER_S_MAX = 60


def kubectl(machine: Machine, *words: str) -> str:
    program = [str(machine.paths.bin / "kubectl"), f"--kubeconfig={machine.paths.kubeconfig}"]
    done = subprocess.run(
        [*program, "-n", NAMESPACE, *words], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A cluster of two tablets, serving."""
    machine = Machine.fresh()
    shards = [keyspace("main", "-80", "80-")]
    write_small_manifest(machine, backups_in(machine.paths.backups), shards)
    try:
        machine.up()
        yield machine
    finally:
        machine.remove()


@pytest.fixture
def spec_file(machine: Machine) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A file to write a changed cluster to, and the cluster as it is, which comes back."""
    live = json.loads(kubectl(machine, "get", "planetscaleclusters", "-o", "json"))["items"][0]
    metadata = {key: live["metadata"][key] for key in ("name", "namespace")}
    cluster = {key: live[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": metadata}
    file = machine.home / "changed.yaml"
    yield file, cluster
    file.write_text(yaml.safe_dump(cluster))
    machine.armillary("up", "-f", str(file))


def test_a_spec_that_the_operator_refuses_is_no_success(
    machine: Machine, spec_file: tuple[Path, dict[str, Any]]
) -> None:
    file, cluster = spec_file
    bad = json.loads(json.dumps(cluster))
    partitioning = bad["spec"]["keyspaces"][0]["partitionings"][0]
    _, kind = next(iter(partitioning.items()))
    kind["shards"][0]["tabletPools"][0]["cell"] = "nowhere"
    file.write_text(yaml.safe_dump(bad))

    refused = machine.armillary("up", "-f", str(file), check=False)
    assert refused.returncode == 2
    assert "tabletPools[0].cell: 'nowhere' is not in spec.cells" in refused.stderr

    told = machine.armillary("status", check=False)
    assert told.returncode == 3
    assert "'nowhere' is not in spec.cells" in told.stdout
    status = json.loads(machine.armillary("status", "-o", "json", check=False).stdout)
    assert status["serves"] is False
    assert all(tablet["serving"] for tablet in status["tablets"])  # what runs goes on as it was

    file.write_text(yaml.safe_dump(cluster))
    mended = machine.armillary("up", "-f", str(file))
    assert "InvalidSpec" not in mended.stderr  # the event is still there; the trouble is not
    assert machine.armillary("status").returncode == 0


def test_two_ups_at_once_start_one_control_plane() -> None:
    home = Path(tempfile.mkdtemp(prefix="arm"))  # pytest's own are too long for unix sockets
    words = [str(ARMILLARY), "up", "--bare", "--dir", str(home)]
    pipe = subprocess.PIPE
    ups = [subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    told = [up.communicate(timeout=120)[1] for up in ups]
    try:
        assert [up.returncode for up in ups] == [0, 0], told
        assert sum("control plane started" in text for text in told) == 1, told
    finally:
        down = [str(ARMILLARY), "down", "--purge", "--yes", "--dir", str(home)]
        subprocess.run(down, check=True, capture_output=True)
    assert not home.exists()


def test_a_purge_that_nobody_confirms_changes_nothing(machine: Machine) -> None:
    refused = machine.armillary("down", "--purge", check=False)
    assert refused.returncode == 1
    assert "nothing was stopped or removed" in refused.stderr
    assert machine.armillary("status").returncode == 0


def test_doctor_says_what_there_is() -> None:
    plain = subprocess.run([str(ARMILLARY), "doctor"], check=False, capture_output=True, text=True)
    assert plain.returncode == 0, plain.stdout
    assert "A cluster can run here." in plain.stdout
    told = subprocess.run(
        [str(ARMILLARY), "doctor", "-o", "json"], check=True, capture_output=True, text=True
    )
    report = json.loads(told.stdout)
    found = {program["program"]: program for program in report["programs"]}
    assert report["ok"] is True
    assert found["etcd"]["path"] and re.match(r"\d+\.\d+", found["etcd"]["version"])


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(ARMILLARY), "doctor", "-o", "json"],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert done.returncode == 1
    report = json.loads(done.stdout)
    missing = {program["program"] for program in report["programs"] if program["problem"]}
    assert report["ok"] is False and "etcd" in missing
    assert report["missingPackages"]


def test_logs_lists_what_has_a_log(machine: Machine) -> None:
    names = machine.armillary("logs").stdout.split()
    assert {"supervisor", "etcd", "apiserver", "controllers", "kubelet", "operator"} < set(names)
    assert any("vttablet" in name for name in names)


def test_logs_of_a_component_and_of_a_container(machine: Machine) -> None:
    lines = machine.armillary("logs", "operator", "--tail", "2").stdout.splitlines()
    assert len(lines) == 2
    pod = next(n for n in machine.armillary("logs").stdout.split() if "vttablet" in n)
    of_one = machine.armillary("logs", pod, "-c", "mysqld", "--tail", "3").stdout.splitlines()
    assert len(of_one) == 3
    assert not any(line.startswith("[pod/") for line in of_one)
    of_all = machine.armillary("logs", pod, "--tail", "3").stdout
    assert f"[pod/{pod}/vttablet]" in of_all and f"[pod/{pod}/mysqld]" in of_all


def test_logs_of_an_ambiguous_or_unknown_name_say_so(machine: Machine) -> None:
    for part in ("vttablet", "no-such-pod"):
        done = machine.armillary("logs", part, check=False)
        assert done.returncode == 2
        assert part in done.stderr and "there are:" in done.stderr


def test_logs_follow_and_previous(machine: Machine) -> None:
    """`--previous` is the run before; `-f` goes on with what is added until it is ended."""
    script = 'n=$(cat /data/n 2>/dev/null | wc -l); echo "run $n"; echo x >> /data/n; '
    script += '[ "$n" -gt 0 ] || exit 1; while :; do echo tick; sleep 0.2; done'
    container = {
        "name": "main",
        "image": "none",
        "command": ["/bin/sh", "-c", script],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "talker"},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    }
    file = machine.home / "talker.json"
    file.write_text(json.dumps(pod))
    kubectl(machine, "apply", "-f", str(file))
    try:
        kubectl(
            machine,
            *("wait", "pod/talker", f"--timeout={ANSWER_S_MAX}s"),
            "--for=jsonpath={.status.containerStatuses[0].restartCount}=1",
        )
        kubectl(machine, "wait", "pod/talker", "--for=condition=Ready", "--timeout=60s")
        before = machine.armillary("logs", "talker", "-c", "main", "--previous").stdout
        assert before.split("\n")[0] == "run 0"
        assert machine.armillary("logs", "talker", "-c", "main").stdout.startswith("run 1")
        # Three lines are there already; the others come while we listen.
        assert follow(machine, "talker", 10)[3:] == ["tick"] * 7
    finally:
        kubectl(machine, "delete", "pod", "talker", "--wait=false")


def follow(machine: Machine, pod: str, count: int) -> list[str]:
    words = ["logs", pod, "-c", "main", "-f", "--tail", "3", "--dir", str(machine.home)]
    with subprocess.Popen([str(ARMILLARY), *words], stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        try:
            return [follower.stdout.readline().strip() for _ in range(count)]
        finally:
            follower.kill()


def test_mysql_asks_for_the_password(machine: Machine) -> None:
    """As a person does it: `mysql -u user -p -h HOST`, the password typed at the prompt."""
    status = json.loads(machine.armillary("status", "-o", "json").stdout)
    (endpoint,) = status["endpoints"]
    password = re.search(r'^password="(.*)"$', machine.paths.mysql_defaults.read_text(), re.M)
    assert password is not None
    master, slave = pty.openpty()
    # The client asks on the controlling terminal, which `setsid --ctty` makes of its stdin.
    words = ["mysql", "-u", endpoint["mysql_user"], "-p", "-h", endpoint["mysql_host"]]
    client = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *words], stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    try:
        read_until(master, "password:")
        os.write(master, password[1].encode() + b"\n")
        read_until(master, "> ")
        os.write(master, b"select 6 * 7 as answer;\n")
        assert "| 42 |" in re.sub(r" +", " ", read_until(master, "1 row in set"))
        os.write(master, b"exit\n")
        assert client.wait(ANSWER_S_MAX) == 0
    finally:
        client.kill()
        client.wait()
        os.close(master)


def read_until(terminal: int, text: str) -> str:
    """Return what the terminal shows up to `text`."""
    shown = ""
    while text not in shown:
        ready, _, _ = select.select([terminal], [], [], ANSWER_S_MAX)
        assert ready, f"no {text!r} in {shown!r}"
        shown += os.read(terminal, 4096).decode(errors="replace")
    return shown
