"""Lay a cluster's status out on one screen. Pure: text in, text out."""

from collections.abc import Iterable, Sequence

from armillary.cli.status.observe import ClusterStatus

BACKUPS_SHOWN = 12


def format_status(status: ClusterStatus) -> str:
    """Return the screen: control plane, endpoints, tablets, pods, newest backups."""
    word = "serving" if status.serves else "running, not all serving"
    if status.spec_problems:
        word = "running, not as its spec says"
    elif not (status.serves or status.endpoints or status.tablets or status.pods):
        word = f"running, no database in namespace {status.namespace} yet"
    lines = [f"Cluster in {status.directory}: {word if status.running else 'not running'}"]
    lines += [f"  {problem}" for problem in (*status.spec_problems, status.problem) if problem]
    if status.components:
        lines += ["", "Control plane"]
        lines += _table(
            ("NAME", "PID", "READY", "RESTARTS"),
            ((c.name, str(c.pid), _yes(c.ready), str(c.restarts)) for c in status.components),
        )
    if status.endpoints:
        lines += ["", "Endpoints"]
        lines += _table(
            ("CLUSTER", "MYSQL", "USER", "VTCTLD"),
            (
                (e.cluster, f"{e.mysql_host}:{e.mysql_port}", e.mysql_user or "-", e.vtctld or "-")
                for e in status.endpoints
            ),
        )
    if status.tablets:
        lines += ["", "Tablets"]
        lines += _table(
            ("KEYSPACE", "SHARD", "TABLET", "ROLE", "SERVING", "LAG", "ADDRESS", "PROBLEM"),
            (
                (
                    *(t.keyspace, t.shard, t.alias, t.role, _yes(t.serving)),
                    *("-" if t.lag_s is None else f"{t.lag_s} s", t.address, t.problem),
                )
                for t in status.tablets
            ),
        )
    if status.pods:
        lines += ["", f"Pods in namespace {status.namespace}"]
        lines += _table(
            ("NAME", "READY", "STATUS", "RESTARTS", "ADDRESS"),
            ((p.name, p.ready, p.phase, str(p.restarts), p.address) for p in status.pods),
        )
    lines += _backups(status)
    return "\n".join(lines)


def _backups(status: ClusterStatus) -> list[str]:
    lines: list[str] = []
    if status.backups:
        newest = sorted(status.backups, key=lambda b: b.finished_at, reverse=True)[:BACKUPS_SHOWN]
        lines += ["", f"Backups ({len(status.backups)}, newest first)"]
        lines += _table(
            ("DIRECTORY", "FINISHED", "ENGINE", "COMPLETE", "NAME"),
            (
                (b.directory, b.finished_at or "-", b.engine or "-", _yes(b.complete), b.name)
                for b in newest
            ),
        )
    if status.overdue_backups:
        lines += ["", "Overdue backups"]
        lines += _table(
            ("KEYSPACE", "SHARD", "LOCATION", "NEWEST COMPLETE", "OVERDUE SINCE", "REASON"),
            (
                (
                    *(o.keyspace, o.shard, o.location or "default"),
                    *(o.newest_at or "-", o.since, o.reason),
                )
                for o in status.overdue_backups
            ),
        )
    return lines


def _yes(value: bool) -> str:
    return "yes" if value else "NO"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
