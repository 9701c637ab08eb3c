"""What to mend in a shard's replication once it has a primary. Pure.

Tablets mend most of it themselves. What is left is what a tablet cannot judge alone: a primary
that came back read-only may be opened only when no other tablet is, or is ahead of, it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from armillary.base.errors import InputError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias, TabletType


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSeen:
    """What one tablet of the shard says about itself; unreachable ones have no status."""

    alias: TabletAlias
    type: TabletType
    reachable: bool
    read_only: bool = False
    position: str = ""
    has_source: bool = False
    source: tuple[str, int] = ("", 0)
    is_receiving: bool = False  # from its source, now
    is_semi_synced: bool = False  # as a primary it acknowledges nothing that no other tablet has


@dataclass(frozen=True, slots=True)
class OpenPrimary:
    alias: TabletAlias
    reason: str


@dataclass(frozen=True, slots=True)
class Repoint:
    alias: TabletAlias
    force_start: bool  # only replicas: an rdonly tablet may have been stopped on purpose
    reason: str


Repair = OpenPrimary | Repoint


def plan_repair(
    primary: TabletAlias, address: tuple[str, int], tablets: Sequence[ReplicationSeen]
) -> tuple[Repair, ...]:
    """Return the repairs, the primary's first.

    Args:
        address: host and port of the primary's mysqld, as its record says.
    """
    by_alias = {tablet.alias: tablet for tablet in tablets}
    repairs: list[Repair] = []
    seen = by_alias.get(primary)
    if seen is not None and seen.reachable and seen.read_only and _may_open(seen, tablets):
        repairs.append(OpenPrimary(primary, "it is read-only, and no other tablet is ahead"))
    for tablet in sorted(tablets, key=lambda t: t.alias):
        follows = tablet.type in (TabletType.REPLICA, TabletType.RDONLY)
        if tablet.alias == primary or not follows or not tablet.reachable:
            continue
        # One without a source is left alone: nobody told it to replicate yet.
        if tablet.has_source and tablet.source != address:
            reason = f"follows {tablet.source[0]}:{tablet.source[1]}"
            repairs.append(Repoint(tablet.alias, tablet.type == TabletType.REPLICA, reason))
    return tuple(repairs)


def _may_open(primary: ReplicationSeen, tablets: Sequence[ReplicationSeen]) -> bool:
    for tablet in tablets:
        if tablet.alias == primary.alias:
            continue
        if not tablet.reachable or tablet.type == TabletType.PRIMARY:
            return False
        if tablet.type in (TabletType.REPLICA, TabletType.RDONLY) and _is_ahead(tablet, primary):
            return False
    return True


def _is_ahead(tablet: ReplicationSeen, primary: ReplicationSeen) -> bool:
    try:
        mine, theirs = Position.parse(tablet.position), Position.parse(primary.position)
        return not theirs.at_least(mine)
    except InputError:
        return True  # not comparable: do not open on a guess
