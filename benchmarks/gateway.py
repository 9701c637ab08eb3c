"""What the gateway costs: the same statements to a server directly and through vtgate.

    python -m benchmarks.gateway [--queries N] [--clients N] [--workers N] [--only WORD]

Starts two servers, a gateway and a bare TCP proxy, and prints the throughputs, how they compare to
the server's own, the proxies' CPU time for each query, and what a lone client waits longer.
Compare only figures of one run: everything shares this machine's cores.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio
import pymysql

from armillary.settings.program import until_signal
from armillary.vtgate.main import supervise
from benchmarks.load import Load, Outcome
from tests.integration.vtgate.gate import PASSWORD, USER, settings_for
from tests.integration.vtgate.servers import (
    APP_PASSWORD,
    APP_USER,
    address_of,
    make_template,
    running_server,
)

ROUNDS = 3
GATE, RELAY = address_of(90), address_of(93)
STATEMENTS = {
    "point select": ("select * from users where user_id = 102", None),
    "prepared select": ("select * from users where user_id = ?", 102),
    "lookup select": ("select * from users where name = 'Jacques'", None),
    "scatter, ordered": ("select user_id, name from users order by user_id limit 10", None),
    "insert": ("insert into items (item_id, note) values ({n}, 'a note')", None),
    "update": ("update users set note = note + 1 where user_id = 102", None),
    "large scan": ("select * from wide", None),
}
FEWER = {
    "lookup select": 4,
    "scatter, ordered": 4,
    "insert": 4,
    "update": 4,
    "large scan": 1000,
}
VSCHEMA = {
    "sharded": True,
    "vindexes": {
        "hash": {"type": "hash"},
        "loose": {"type": "unicode_loose_md5"},
        "names": {
            "type": "lookup_hash",
            "params": {"table": "names", "from": "name", "to": "user_id"},
            "owner": "users",
        },
    },
    "tables": {
        "users": {
            "column_vindexes": [
                {"column": "user_id", "name": "hash"},
                {"column": "name", "name": "names"},
            ]
        },
        "names": {"column_vindexes": [{"column": "name", "name": "loose"}]},
        "items": {"column_vindexes": [{"column": "item_id", "name": "hash"}]},
    },
}
TABLES = (
    "create table users (user_id bigint primary key, name varchar(64), note int default 0)",
    "create table names (name varchar(64), user_id bigint, primary key (name, user_id))",
    "create table items (item_id bigint primary key, note varchar(64))",
)
ROWS = 100_000
WIDE = (
    "create table wide (id int primary key, a char(120), b char(60)) as "
    f"select seq id, repeat('a', 120) a, repeat('b', 60) b from seq_1_to_{ROWS}"
)


def measure(load: Load) -> Outcome:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(load))],
        check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    return Outcome(**json.loads(run.stdout))


def cpu_s(pids: Sequence[int]) -> float:
    """Return the CPU time that processes have used."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def serve(config: str) -> None:
    """Run the gateway in processes of its own, so that its CPU time can be told."""
    count, address, first, second = json.loads(config)
    with tempfile.TemporaryDirectory() as directory:
        gateway = {
            "tablets": [
                (first, "main", "-80", "vt_main"),
                (second, "main", "80-", "vt_main"),
                (first, "plain", "0", "vt_plain"),
            ],
            "vschemas": {"main": json.dumps(VSCHEMA), "plain": json.dumps({"sharded": False})},
            "address": address,
            "directory": directory,
            "flags": {},
        }
        command = (sys.executable, "-m", "tests.integration.vtgate.worker", json.dumps(gateway))
        settings = settings_for(address, Path(directory), mysql_server_workers=count)

        async def run() -> None:
            async with anyio.create_task_group() as tasks:
                supervisor = await tasks.start(supervise, settings, command)
                print(json.dumps([member.pid for member in supervisor.members]), flush=True)

        anyio.run(lambda: until_signal(run))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2, help="processes of the gateway")
    parser.add_argument("--only", default="", help="run the statements whose name has this in it")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        template = make_template(directory)
        databases = ("vt_main", "vt_plain")
        servers = [
            stack.enter_context(running_server(template, address_of(n), databases=databases))
            for n in (91, 92)
        ]
        for server in servers:
            for table in TABLES:
                server.query(table, "vt_main")
        servers[0].query(WIDE, "vt_plain")
        config = json.dumps([args.workers, GATE, *(server.address for server in servers)])
        gate = running(stack, "benchmarks.gateway", "--serve", config)
        relay = running(stack, "benchmarks.relay", f"{RELAY}:3306", f"{servers[0].address}:3306")
        fill()
        compare(servers[0].address, gate, relay, args)


def running(stack: ExitStack, *module: str) -> list[int]:
    """Start one of ours for the stack's time; return the pids that do its work, once ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    assert process.stdout is not None
    pids: list[int] = json.loads(process.stdout.readline())
    return pids


def fill() -> None:
    client = pymysql.connect(host=GATE, user=USER, password=PASSWORD, database="main")
    with client.cursor() as cursor:
        cursor.execute("set autocommit = 1")
        for user_id in range(101, 201):
            name = "Jacques" if user_id < 103 else f"name{user_id}"
            cursor.execute("insert into users (user_id, name) values (%s, %s)", (user_id, name))
    client.close()


def compare(direct_host: str, gate: list[int], relay: list[int], args: argparse.Namespace) -> None:
    """Print a line for each statement: medians of interleaved rounds."""
    print("q/s with all clients, and of direct; p50, p99 that one client waits longer than direct")
    print(
        f"{'statement':<17}{'direct':>8}{'relay':>8}{'vtgate':>8}{'relay/d':>9}{'vtgate/d':>9}"
        f"{'relay us/q':>11}{'vtgate us/q':>12}{'+p50 us':>9}{'+p99 us':>9}"
    )
    numbers = iter(range(1, 1_000_000_000, 1_000_000))
    for name, (sql, parameter) in STATEMENTS.items():
        if args.only not in name:
            continue
        count = max(20, args.queries // FEWER.get(name, 1))
        keyspace = "plain" if name == "large scan" else "main"
        common = {"port": 3306, "sql": sql, "prepared": parameter}
        physical = {"user": APP_USER, "password": APP_PASSWORD, "database": f"vt_{keyspace}"}
        logical = {"user": USER, "password": PASSWORD, "database": keyspace}
        sides = {
            "direct": ({"host": direct_host, **physical, **common}, []),
            "relay": ({"host": RELAY, **physical, **common}, relay),
            "vtgate": ({"host": GATE, **logical, **common}, gate),
        }
        found: dict[str, list[tuple[float, float, float, float]]] = {side: [] for side in sides}
        for _ in range(ROUNDS):
            for side, (load, pids) in sides.items():
                found[side].append(one_round(load, pids, count, args.clients, numbers))
        direct, through, gateway = (
            [statistics.median(column) for column in zip(*found[side], strict=True)]
            for side in sides
        )
        print(
            f"{name:<17}{direct[0]:>8.0f}{through[0]:>8.0f}{gateway[0]:>8.0f}"
            f"{through[0] / direct[0]:>9.2f}{gateway[0] / direct[0]:>9.2f}"
            f"{through[1]:>11.1f}{gateway[1]:>12.1f}"
            f"{gateway[2] - direct[2]:>9.0f}{gateway[3] - direct[3]:>9.0f}",
            flush=True,
        )


def one_round(
    load: dict[str, Any], pids: list[int], count: int, clients: int, numbers: Iterator[int]
) -> tuple[float, float, float, float]:
    """Return queries a second, CPU us of `pids` a query, and p50 and p99 of a single client."""
    before = cpu_s(pids)
    clients = min(clients, count)
    many = measure(Load(**load, clients=clients, count=count, first_number=next(numbers)))
    cost_us = (cpu_s(pids) - before) / count * 1e6
    few = max(10, count // 20)
    one = measure(Load(**load, clients=1, count=few, first_number=next(numbers)))
    return many.per_s, cost_us, one.p50_us, one.p99_us


if __name__ == "__main__":
    main()
