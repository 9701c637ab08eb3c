"""What the steps of the procedure share: the clients, and questions asked more than once. I/O."""

import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from armillary.base.clock import monotonic_s
from armillary.cli.demo.outputs import (
    CheckFailedError,
    check_equal,
    count_backups,
    parse_mysql_table,
    parse_table,
)
from armillary.cli.demo.shell import Narrator, Shell
from armillary.cli.demo.types_watch import TypesWatch
from armillary.local.supervise.network import choose_ports

FORWARDED_PORT = 16999
_ASK_AGAIN_S = 0.2
_TELL_AGAIN_S = 5.0


@dataclass(slots=True)
class Walk:
    """Where a walk through the procedure stands."""

    shell: Shell
    narrator: Narrator
    examples: Path  # holds vschema.json and schema.sql
    mysql: str  # the client with its option file
    namespace: str = "planetscale"
    port: int = FORWARDED_PORT
    snapshot_time: datetime | None = None
    forward: "subprocess.Popen[bytes] | None" = None
    types: TypesWatch | None = None

    @property
    def vtctlclient(self) -> str:
        return f"vtctlclient -server localhost:{self.port}"

    @property
    def kubectl(self) -> str:
        return f"kubectl -n {self.namespace}"

    def close(self) -> None:
        """End the port-forward and the watch, if there are any."""
        if self.types is not None:
            self.types.close()
            self.types = None
        if self.forward is not None:
            self.forward.terminate()
            self.forward.wait()
            self.forward = None


def wait_until(
    what: str,
    holds: Callable[[], bool],
    *,
    timeout_s: float,
    tell: Callable[[], None] | None = None,
) -> None:
    """Return when `holds` says so; `tell` is called now and then meanwhile.

    Raises:
        CheckFailedError: it did not hold in time.
    """
    deadline_s = monotonic_s() + timeout_s
    told_s = monotonic_s()
    while not holds():
        if monotonic_s() > deadline_s:
            raise CheckFailedError(f"waited {timeout_s:.0f} s for {what}, in vain")
        if tell is not None and monotonic_s() - told_s > _TELL_AGAIN_S:
            told_s = monotonic_s()
            tell()
        time.sleep(_ASK_AGAIN_S)  # noqa: TID251 - a person waits here, no event loop runs


def forward_to_vtctld(walk: Walk) -> None:
    """Start `kubectl port-forward` to vtctld as the procedure does, on another port if need be."""
    if is_listening(walk.port):
        (walk.port,) = choose_ports(1, seed=walk.namespace)
        walk.narrator.remark(f"port {FORWARDED_PORT} is taken here; taking {walk.port}")
    pod = f"{walk.kubectl} get pod | grep vtctld | head -1 | awk '{{ print $1 }}'"
    walk.forward = walk.shell.start(f"{walk.kubectl} port-forward $({pod}) {walk.port}:15999")
    wait_until("the forwarded port", lambda: is_listening(walk.port), timeout_s=20)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def insert_user(walk: Walk, user_id: int) -> None:
    statement = f"insert into users (user_id, name) values ({user_id}, 'Jacques')"
    walk.shell.run(f'{walk.mysql} main -e "{statement}"')


def backup_both_shards(walk: Walk) -> None:
    for shard in ("-80", "80-"):
        walk.shell.run(f"{walk.vtctlclient} BackupShard main/{shard}")


def backup_rows(walk: Walk) -> tuple[Mapping[str, str], ...]:
    return parse_table(walk.shell.run(f"{walk.kubectl} get vitessbackups", quiet=True))


def expect_backups(walk: Walk, wanted: Mapping[tuple[str, str], int]) -> None:
    rows = parse_table(walk.shell.run(f"{walk.kubectl} get vitessbackups"))
    check_equal("backups of each shard", count_backups(rows), dict(wanted))
    walk.narrator.held(f"{len(rows)} backups: {', '.join(map(str, wanted.values()))} a shard")


def ask(walk: Walk, statements: str) -> tuple[tuple[str, ...], ...]:
    """Run statements in one session of the mysql client; return the last table it drew."""
    return parse_mysql_table(walk.shell.run(f'{walk.mysql} -A -t -e "{statements}"'))
