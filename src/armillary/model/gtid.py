"""GTID sets and replication positions of MySQL and MariaDB. Pure.

A position is encoded as `<Flavor>/<set>`: `MySQL56/uuid:1-5,uuid2:3` or `MariaDB/0-1-2`; the empty
position is the empty text. Source: Vitess `replication` positions; MySQL and MariaDB GTID manuals.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from armillary.base.errors import InputError

_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_MARIADB_GTID = re.compile(r"^(\d+)-(\d+)-(\d+)$")

Intervals = tuple[tuple[int, int], ...]  # inclusive, sorted, not touching


@dataclass(frozen=True, slots=True)
class MariadbGtidSet:
    """The newest GTID of each replication domain: domain -> (server id, sequence number)."""

    domains: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    FLAVOR = "MariaDB"

    @classmethod
    def parse(cls, text: str) -> Self:
        domains: dict[int, tuple[int, int]] = {}
        for item in filter(None, (part.strip() for part in text.split(","))):
            match = _MARIADB_GTID.match(item)
            if match is None:
                raise InputError(f"invalid MariaDB GTID {item!r}: wanted domain-server-sequence")
            domain, server, sequence = (int(group) for group in match.groups())
            known = domains.get(domain)
            if known is None or known[1] < sequence:
                domains[domain] = (server, sequence)
        return cls(domains)

    def __str__(self) -> str:
        return ",".join(
            f"{domain}-{server}-{sequence}"
            for domain, (server, sequence) in sorted(self.domains.items())
        )

    def __bool__(self) -> bool:
        return bool(self.domains)

    def contains(self, other: "MariadbGtidSet") -> bool:
        return all(
            domain in self.domains and self.domains[domain][1] >= sequence
            for domain, (_, sequence) in other.domains.items()
        )

    def union(self, other: "MariadbGtidSet") -> "MariadbGtidSet":
        merged = dict(self.domains)
        for domain, gtid in other.domains.items():
            if domain not in merged or merged[domain][1] < gtid[1]:
                merged[domain] = gtid
        return MariadbGtidSet(merged)


@dataclass(frozen=True, slots=True)
class MysqlGtidSet:
    """All transactions seen: server UUID -> intervals."""

    intervals: Mapping[str, Intervals] = field(default_factory=dict)

    FLAVOR = "MySQL56"

    @classmethod
    def parse(cls, text: str) -> Self:
        found: dict[str, list[tuple[int, int]]] = {}
        for item in filter(None, (part.strip() for part in text.replace("\n", "").split(","))):
            uuid, *ranges = (piece.strip().lower() for piece in item.split(":"))
            if not _UUID.match(uuid) or not ranges:
                raise InputError(f"invalid MySQL GTID {item!r}: wanted uuid:first-last")
            found.setdefault(uuid, []).extend(_parse_interval(item, piece) for piece in ranges)
        return cls({uuid: merged for uuid, ranges in found.items() if (merged := _merge(ranges))})

    def __str__(self) -> str:
        return ",".join(
            ":".join([uuid, *(_format_interval(interval) for interval in ranges)])
            for uuid, ranges in sorted(self.intervals.items())
        )

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def contains(self, other: "MysqlGtidSet") -> bool:
        return all(
            any(low <= first and last <= high for low, high in self.intervals.get(uuid, ()))
            for uuid, ranges in other.intervals.items()
            for first, last in ranges
        )

    def union(self, other: "MysqlGtidSet") -> "MysqlGtidSet":
        merged = dict(self.intervals)
        for uuid, ranges in other.intervals.items():
            merged[uuid] = _merge([*merged.get(uuid, ()), *ranges])
        return MysqlGtidSet(merged)


def _parse_interval(item: str, text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise InputError(f"invalid MySQL GTID {item!r}: wanted uuid:first-last")
    return int(first), int(last if dash else first)


def _format_interval(interval: tuple[int, int]) -> str:
    first, last = interval
    return str(first) if first == last else f"{first}-{last}"


def _merge(ranges: Iterable[tuple[int, int]]) -> Intervals:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if last < first:
            continue
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


GtidSet = MariadbGtidSet | MysqlGtidSet


@dataclass(frozen=True, slots=True)
class Position:
    """A GTID set with its flavor; `gtids` is None for the empty position."""

    gtids: GtidSet | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the encoded form; empty text is the empty position.

        Raises:
            InputError: unknown flavor or malformed set.
        """
        if not text:
            return cls()
        flavor, slash, body = text.partition("/")
        if not slash:
            raise InputError(f"invalid position {text!r}: wanted FLAVOR/GTIDS")
        for kind in (MariadbGtidSet, MysqlGtidSet):
            if flavor == kind.FLAVOR:
                return cls(kind.parse(body) or None)
        raise InputError(f"invalid position {text!r}: unknown flavor {flavor!r}")

    def __str__(self) -> str:
        return f"{self.gtids.FLAVOR}/{self.gtids}" if self.gtids else ""

    def at_least(self, other: "Position") -> bool:
        """Whether all transactions of `other` are in this position.

        Raises:
            InputError: the two are of different flavors.
        """
        match self.gtids, other.gtids:
            case _, None:
                return True
            case None, _:
                return False
            case MariadbGtidSet() as mine, MariadbGtidSet() as theirs:
                return mine.contains(theirs)
            case MysqlGtidSet() as mine, MysqlGtidSet() as theirs:
                return mine.contains(theirs)
            case _:
                raise InputError(f"cannot compare position {self} with {other}")
