"""What the gateway costs: the same statements to a server directly and through vtgate.

    python -m benchmarks.gateway [--queries N] [--clients N]

Starts two servers and a gateway, and prints the ratio of their throughputs and the gateway's CPU
time for each query. Compare only figures of one run: everything shares this machine's cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pymysql

from armillary.vtgate.tablets.cluster import Cluster
from tests.integration.vtgate.gate import CELL, fill_cluster, running_gate, settings_for, tablet
from tests.integration.vtgate.servers import (
    APP_PASSWORD,
    APP_USER,
    Server,
    address_of,
    make_template,
    running_server,
)

ROUNDS = 3
GATE = address_of(90)
STATEMENTS = {
    "point select": "select * from users where user_id = 102",
    "lookup select": "select * from users where name = 'Jacques'",
    "scatter, ordered": "select user_id, name from users order by user_id limit 10",
    "update": "update users set note = note + 1 where user_id = 102",
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
    },
}
TABLES = (
    "create table users (user_id bigint primary key, name varchar(64), note int default 0)",
    "create table names (name varchar(64), user_id bigint, primary key (name, user_id))",
)


def slap(
    address: str, user: str, password: str, database: str, sql: str, args: argparse.Namespace
) -> float:
    """Return queries a second."""
    started = time.monotonic()
    subprocess.run(
        [
            "mysqlslap", f"--host={address}", f"--user={user}", f"--create-schema={database}",
            "--no-drop", f"--concurrency={args.clients}", f"--number-of-queries={args.queries}",
            f"--query={sql}", "--delimiter=;",
        ],
        check=True, stdout=subprocess.DEVNULL, env={**os.environ, "MYSQL_PWD": password},
    )  # fmt: skip
    return float(args.queries) / (time.monotonic() - started)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve(config: str) -> None:
    """Run the gateway in a process of its own, so that its CPU time can be told."""
    gate, *addresses = json.loads(config)
    servers = [Server(address, 3306, Path("/")) for address in addresses]
    cluster = Cluster(cell=CELL)
    fill_cluster(
        cluster,
        {"main": json.dumps(VSCHEMA)},
        {"main": ("-80", "80-")},
        [
            tablet(server, "main", shard, database="vt_main", uid=number)
            for number, (server, shard) in enumerate(zip(servers, ("-80", "80-"), strict=True), 1)
        ],
    )
    with (
        tempfile.TemporaryDirectory() as directory,
        running_gate(cluster, settings_for(gate, Path(directory))),
    ):
        print("ready", flush=True)
        sys.stdin.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        template = make_template(directory)
        servers = [
            stack.enter_context(running_server(template, address_of(n), databases=("vt_main",)))
            for n in (91, 92)
        ]
        for server in servers:
            for table in TABLES:
                server.query(table, "vt_main")
        gate = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.gateway", "--serve",
             json.dumps([GATE, *(server.address for server in servers)])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        stack.callback(gate.wait)
        stack.callback(gate.terminate)
        assert gate.stdout is not None
        gate.stdout.readline()
        compare(servers[0], gate.pid, args)


def compare(server: Server, gate_pid: int, args: argparse.Namespace) -> None:
    client = pymysql.connect(host=GATE, user="user", password="password", database="main")
    with client.cursor() as cursor:
        cursor.execute("set autocommit = 1")
        for user_id in range(101, 201):
            name = "Jacques" if user_id < 103 else f"name{user_id}"
            cursor.execute("insert into users (user_id, name) values (%s, %s)", (user_id, name))
    client.close()
    print(f"{'statement':<18} {'direct q/s':>11} {'vtgate q/s':>11} {'ratio':>6} {'CPU us/q':>9}")
    for name, sql in STATEMENTS.items():
        best = (0.0, 0.0, 0.0)
        for _ in range(ROUNDS):
            direct = slap(server.address, APP_USER, APP_PASSWORD, "vt_main", sql, args)
            before = cpu_s(gate_pid)
            through = slap(GATE, "user", "password", "main", sql, args)
            cost_us = (cpu_s(gate_pid) - before) / args.queries * 1e6
            best = max(best, (through / direct, through, cost_us))
        ratio, through, cost_us = best
        print(f"{name:<18} {through / ratio:>11.0f} {through:>11.0f} {ratio:>6.2f} {cost_us:>9.0f}")


if __name__ == "__main__":
    main()
