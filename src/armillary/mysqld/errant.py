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


def errant_mariadb(
    last: MariadbGtidSet, primary_state: str, primary_base: MariadbGtidSet
) -> MariadbGtidSet:
    """Return the GTIDs of `last` that are not in the primary's history.

    Sequence numbers alone do not tell: a dead primary's 0-1-105 and a new primary's 0-2-107 are
    different histories. So the primary is asked what each server wrote last as far as its binlogs
    know, and where its oldest binlog begins; what lies before that it cannot judge, and its dump
    thread refuses to serve it.

    Args:
        last: the newest GTID of each domain here.
        primary_state: the primary's `gtid_binlog_state`, `domain-server-sequence` for each pair.
        primary_base: the position at the start of the primary's oldest binlog.
    """
    newest: dict[tuple[int, int], int] = {}
    for item in filter(None, (part.strip() for part in primary_state.split(","))):
        domain, server, sequence = (int(number) for number in item.split("-"))
        newest[domain, server] = sequence

    def is_known(domain: int, server: int, sequence: int) -> bool:
        base = primary_base.domains.get(domain)
        if base is not None and sequence <= base[1]:
            return True
        return sequence <= newest.get((domain, server), -1)

    return MariadbGtidSet(
        {
            domain: (server, sequence)
            for domain, (server, sequence) in last.domains.items()
            if not is_known(domain, server, sequence)
        }
    )
