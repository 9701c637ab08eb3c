"""Find transactions that a server has and its primary has not. Pure.

Such a server must not replicate: its data differs, and the difference would stay for ever.
"""

from armillary.model.gtid import Intervals, MariadbGtidSet, MysqlGtidSet


def errant_mysql(mine: MysqlGtidSet, primary: MysqlGtidSet) -> MysqlGtidSet:
    """Return the transactions that are in `mine` only."""
    errant: dict[str, Intervals] = {}
    for uuid, ranges in mine.intervals.items():
        left = _subtract(ranges, primary.intervals.get(uuid, ()))
        if left:
            errant[uuid] = left
    return MysqlGtidSet(errant)


def _subtract(ranges: Intervals, others: Intervals) -> Intervals:
    left: list[tuple[int, int]] = []
    for first, last in ranges:
        start = first
        for low, high in others:
            if high < start or low > last:
                continue
            if low > start:
                left.append((start, low - 1))
            start = high + 1
        if start <= last:
            left.append((start, last))
    return tuple(left)


def errant_mariadb(last: MariadbGtidSet, primary_state: str) -> MariadbGtidSet:
    """Return the GTIDs of `last` that are not in the primary's history.

    Sequence numbers alone do not tell: a dead primary's 0-1-105 and a new primary's 0-2-107 are
    different histories. So the primary's `gtid_binlog_state` is asked: the newest sequence number
    that each server wrote, as far as the primary's binlogs and its restored position know.

    Args:
        last: the newest GTID of each domain here.
        primary_state: the primary's `gtid_binlog_state`, `domain-server-sequence` for each pair.
    """
    known: dict[int, dict[int, int]] = {}
    for item in filter(None, (part.strip() for part in primary_state.split(","))):
        domain, server, sequence = (int(number) for number in item.split("-"))
        known.setdefault(domain, {})[server] = sequence
    return MariadbGtidSet(
        {
            domain: (server, sequence)
            for domain, (server, sequence) in last.domains.items()
            if not _in_history(server, sequence, known.get(domain, {}))
        }
    )


def _in_history(server: int, sequence: int, newest: dict[int, int]) -> bool:
    if server in newest:
        return sequence <= newest[server]
    # A server that the primary never heard of since it was restored: fine if it wrote before that.
    return bool(newest) and sequence <= min(newest.values())
