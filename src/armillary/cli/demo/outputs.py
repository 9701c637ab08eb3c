"""Read what kubectl, vtctlclient and mysql print, and say what is wrong with it. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armillary.base.errors import ArmillaryError

_TABLET_LINE = re.compile(
    r"^(?P<alias>[a-z0-9]+-\d{10}) (?P<keyspace>\S+) (?P<shard>\S+) (?P<type>[a-z]+)"
    r" (?P<host>[\d.]+):15000 (?P<mysql_host>[\d.]+):3306 \[(?P<tags>[^\]]*)\]"
    r" (?P<term_start><null>|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$"
)
BACKUP_NAME = re.compile(
    r"^(?P<cluster>[a-z0-9]+)-(?P<keyspace>[a-z0-9]+)-(?P<shard>x-80|80-x)"
    r"-(?P<date>\d{8})-(?P<time>\d{6})-(?P<uid>[0-9a-f]{1,8})-(?P<hash>[0-9a-f]{8})$"
)


class CheckFailedError(ArmillaryError):
    """A step of the procedure did not give what the procedure says."""


@dataclass(frozen=True, slots=True)
class ListedTablet:
    """One line of ListAllTablets."""

    alias: str
    keyspace: str
    shard: str
    type: str
    host: str
    term_start: str | None


def parse_tablets(text: str) -> tuple[ListedTablet, ...]:
    """Return the tablets of ListAllTablets' output.

    Raises:
        CheckFailedError: a line is not in the form of 2020.
    """
    tablets = []
    for line in text.splitlines():
        match = _TABLET_LINE.match(line)
        if match is None or match["host"] != match["mysql_host"]:
            raise CheckFailedError(f"not a line of ListAllTablets: {line!r}")
        term_start = None if match["term_start"] == "<null>" else match["term_start"]
        tablets.append(
            ListedTablet(
                *(match["alias"], match["keyspace"], match["shard"]),
                *(match["type"], match["host"], term_start),
            )
        )
    return tuple(tablets)


def parse_table(text: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of a kubectl table by column; cells are two blanks apart or more."""
    header, *rows = text.splitlines() or [""]
    columns = re.split(r" {2,}|\t", header.strip())
    return tuple(
        dict(zip(columns, re.split(r" {2,}|\t", row.strip()), strict=False)) for row in rows
    )


def parse_mysql_table(text: str) -> tuple[tuple[str, ...], ...]:
    """Return header and rows of the last table that `mysql -t` drew."""
    tables: list[list[tuple[str, ...]]] = []
    rules = 0
    for line in text.splitlines():
        if line.startswith("+-"):
            if rules % 3 == 0:
                tables.append([])
            rules += 1
        elif line.startswith("|"):
            tables[-1].append(tuple(cell.strip() for cell in line.strip("|").split("|")))
    return tuple(tables[-1]) if tables else ()


def check_equal(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise CheckFailedError(f"{what}: wanted {wanted!r}, found {found!r}")


def check_tablets(found: Sequence[ListedTablet], wanted: Mapping[str, tuple[str, str]]) -> None:
    """Check aliases, keyspaces and shards, and that each shard has one master with a term."""
    listed = {tablet.alias: (tablet.keyspace, tablet.shard) for tablet in found}
    check_equal("tablets", listed, dict(wanted))
    for keyspace, shard in sorted(set(wanted.values())):
        group = [t for t in found if (t.keyspace, t.shard) == (keyspace, shard)]
        masters = [tablet for tablet in group if tablet.type == "master"]
        check_equal(f"number of masters of {keyspace}/{shard}", len(masters), 1)
        for tablet in group:
            is_master = tablet.type == "master"
            check_equal(
                f"{tablet.alias} has a term start", tablet.term_start is not None, is_master
            )
            if not is_master:
                check_equal(f"type of {tablet.alias}", tablet.type, "replica")


def count_backups(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], int]:
    """Count VitessBackups by keyspace and shard, checking the form of each name."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        check_equal("columns of vitessbackups", sorted(row), ["AGE", "NAME"])
        match = BACKUP_NAME.match(row["NAME"])
        if match is None:
            raise CheckFailedError(f"not the name of a VitessBackup: {row['NAME']!r}")
        key = (match["keyspace"], {"x-80": "-80", "80-x": "80-"}[match["shard"]])
        counts[key] = counts.get(key, 0) + 1
    return counts


def parse_json(what: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CheckFailedError(f"{what} is not JSON: {error}") from error
