"""How long `armillary up` takes until every tablet serves, and what the idle cluster costs.

    .venv/bin/python benchmarks/startup.py                 the procedure's cluster, 8 tablets
    .venv/bin/python benchmarks/startup.py --idle-s 60     measure the idle cluster longer
    .venv/bin/python benchmarks/startup.py --check         exit 1 when a target is missed

Times and CPU depend on the machine and on what else runs there; the targets are for 2 idle cores.
Memory is PSS: what would be freed if the processes ended, shared pages counted once. A wakeup is a
thread that had gone to sleep and runs again; other load on the machine hardly changes their number.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from armillary.cli.bringup.manifests import load_example
from armillary.local.supervise.state import read_processes
from armillary.settings.local import LocalPaths

ARMILLARY = Path(sys.executable).parent / "armillary"
MANIFEST = "cluster.yaml"
UP_S_TARGET = 45.0
MEMORY_BYTES_TARGET = 2.5 * 2**30
CPU_SHARE_TARGET = 0.10
_LINE = re.compile(r"^\s*(\d+\.\d) s  (.*)$")
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
# How a process is called in the tables, by what its command line holds.
KINDS = (
    ("apiserver", "run apiserver"),
    ("controllers", "run controllers"),
    ("kubelet", "run kubelet"),
    ("operator", "run operator"),
    ("supervisor", "run supervisor"),
    ("vttablet", "/vttablet"),
    ("mysqlctld", "/mysqlctld"),
    ("exporter", "/mysqld_exporter"),
    ("vtgate", "/vtgate"),
    ("vtctld", "/vtctld"),
    ("vtbackup", "/vtbackup"),
    ("mariadbd", "mariadbd"),
    ("mysqld", "mysqld"),
    ("etcd", "etcd"),
    ("bwrap", "bwrap"),
    ("shim", "armillary-shim"),
)


@dataclass(frozen=True)
class Cost:
    count: int
    pss_bytes: int
    cpu_s: float
    wakeups: int


NOTHING = Cost(0, 0, 0.0, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--idle-s", type=float, default=30.0)
    parser.add_argument("--settle-s", type=float, default=20.0)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="arm-bench-", dir="/tmp"))
    try:
        up_s = measure_up(home)
        time.sleep(arguments.settle_s)
        pss_bytes, cpu_share = measure_idle(home, arguments.idle_s)
    finally:
        (home / MANIFEST).unlink(missing_ok=True)
        subprocess.run([ARMILLARY, "down", "--purge", "--yes", "--dir", home], check=False)
    print()
    met = [
        verdict("up to all tablets serving", f"{up_s:.1f} s", up_s <= UP_S_TARGET, "45 s"),
        verdict(
            "idle memory",
            f"{pss_bytes / 2**30:.2f} GiB",
            pss_bytes <= MEMORY_BYTES_TARGET,
            "2.5 GiB",
        ),
        verdict("idle CPU", f"{cpu_share:.1%} of a core", cpu_share <= CPU_SHARE_TARGET, "10 %"),
    ]
    return 1 if arguments.check and not all(met) else 0


def measure_up(home: Path) -> float:
    """Run `armillary up`, print when each phase ended, and return the seconds that it took."""
    manifest = home / MANIFEST
    objects = load_example("procedure", namespace="planetscale", directory=home)
    manifest.write_text(yaml.safe_dump_all(objects))
    started_s = time.monotonic()
    process = subprocess.Popen(
        [ARMILLARY, "up", "-f", manifest, "--dir", home],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    ended_s: dict[str, str] = {}
    assert process.stderr is not None
    for line in process.stderr:
        if match := _LINE.match(line):
            counted = re.match(r"(.*): (\d+) of (\d+)$", match[2])
            if counted is None or counted[2] == counted[3]:
                ended_s[counted[1] if counted else match[2]] = match[1]
    if process.wait() != 0:
        sys.exit(f"armillary up failed with exit code {process.returncode}")
    took_s = time.monotonic() - started_s
    print(f"{'phase ended':<32}{'after':>10}")
    for phase, after_s in ended_s.items():
        print(f"{phase:<32}{after_s:>8} s")
    print(f"{'armillary up returned':<32}{took_s:>8.1f} s")
    return took_s


def measure_idle(home: Path, idle_s: float) -> tuple[int, float]:
    """Print memory and CPU by kind of process; return PSS bytes and the share of one core."""
    before = read_costs(home)
    started_s = time.monotonic()
    time.sleep(idle_s)
    after = read_costs(home)
    span_s = time.monotonic() - started_s
    print(
        f"\n{'kind':<14}{'processes':>10}{'PSS MiB':>10}{'each':>8}{'CPU % of a core':>18}"
        f"{'wakeups/s':>12}"
    )
    for kind in sorted(after, key=lambda kind: -after[kind].pss_bytes):
        cost, earlier = after[kind], before.get(kind, NOTHING)
        share = (cost.cpu_s - earlier.cpu_s) / span_s
        wakeups = (cost.wakeups - earlier.wakeups) / span_s
        mib = cost.pss_bytes / 2**20
        print(
            f"{kind:<14}{cost.count:>10}{mib:>10.0f}{mib / cost.count:>8.1f}{share:>17.2%}"
            f"{wakeups:>13.1f}"
        )
    cpu_s = sum(c.cpu_s for c in after.values()) - sum(c.cpu_s for c in before.values())
    return sum(cost.pss_bytes for cost in after.values()), cpu_s / span_s


def read_costs(home: Path) -> Mapping[str, Cost]:
    costs: dict[str, list[Cost]] = defaultdict(list)
    for pid in cluster_pids(home):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            pss = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            wakeups = sum(map(read_wakeups, Path(f"/proc/{pid}/task").iterdir()))
        except (OSError, ProcessLookupError):
            continue
        cpu_s = (int(stat[11]) + int(stat[12])) / _CLOCK_TICKS
        costs[kind_of(words)].append(Cost(1, int(pss[1]) * 1024 if pss else 0, cpu_s, wakeups))
    return {kind: sum_up(found) for kind, found in costs.items()}


def read_wakeups(thread: Path) -> int:
    found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (thread / "status").read_text(), re.M)
    return int(found[1]) if found else 0


def sum_up(costs: Sequence[Cost]) -> Cost:
    return Cost(
        sum(cost.count for cost in costs),
        sum(cost.pss_bytes for cost in costs),
        sum(cost.cpu_s for cost in costs),
        sum(cost.wakeups for cost in costs),
    )


def kind_of(command_line: str) -> str:
    words = command_line.split(" ")
    # A shim and bwrap carry the container's command line after their own.
    if "armillary-shim" in words or words[0].endswith("/sh") or words[0] == "sh":
        return "shim"
    if "bwrap" in words[0]:
        return "bwrap"
    head = " ".join(words[:4])
    return next((kind for kind, mark in KINDS if mark in head), Path(words[0]).name)


def cluster_pids(home: Path) -> list[int]:
    paths = LocalPaths(home)
    marker = f"ARMILLARY_CONTAINER={paths.pods}/".encode()
    pids = [int(paths.supervisor_lock.read_text())]
    pids += [record.pid for record in read_processes(paths.processes).values()]
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if marker in Path(f"/proc/{entry}/environ").read_bytes():
                pids.append(int(entry))
        except OSError:
            continue
    return pids


def verdict(what: str, found: str, is_met: bool, target: str) -> bool:
    print(f"{what:<32}{found:>20}   target {target}: {'met' if is_met else 'MISSED'}")
    return is_met


if __name__ == "__main__":
    sys.exit(main())
