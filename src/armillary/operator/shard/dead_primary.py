"""Whether the primary of a shard is dead, and may be replaced without a person. Pure.

It is dead when it does not answer, no other tablet receives anything from it, and all this has been
so without a break for the threshold of the spec. One witness who still hears from it is enough to
keep it: then it is our view that is broken.

It is replaced only when semi-sync was seen at work on it, in this term, which is more than that the
spec asks for it: a server may run without for as long as a roll-out waits. With it a write is
acknowledged only when another tablet has it, and vtctld promotes the tablet that has most. So every
other tablet must answer that may have acknowledged something: one that is silent, that is in a
backup, or that was drained may have what the rest has not. Else a person has to decide whether to
give that up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.keyspace import ReplicationSpec
from armillary.operator.shard.repair import ReplicationSeen

_FOLLOWERS = (TabletType.REPLICA, TabletType.RDONLY)
# Their data is the shard's, and vtctld does not count it when it looks for who has most.
_UNCOUNTED = (TabletType.BACKUP, TabletType.DRAINED)


@dataclass(frozen=True, slots=True)
class Primary:
    """Who is primary, and since when, as the shard's record has it (RFC 3339, or empty)."""

    alias: TabletAlias
    term_start: str = ""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Since when a primary has looked dead, at every look."""

    primary: TabletAlias
    since_s: float  # by a clock that nobody sets


@dataclass(frozen=True, slots=True)
class Watched:
    """What is remembered of a shard's primary from one look to the next."""

    semi_synced: Primary | None = None  # had semi-sync at work when it last answered
    suspicion: Suspicion | None = None


@dataclass(frozen=True, slots=True)
class Alive:
    reason: str
    semi_synced: Primary | None


@dataclass(frozen=True, slots=True)
class Suspected:
    suspicion: Suspicion
    reason: str


@dataclass(frozen=True, slots=True)
class Replace:
    primary: TabletAlias
    reason: str


@dataclass(frozen=True, slots=True)
class LeaveToPerson:
    suspicion: Suspicion
    reason: str


Verdict = Alive | Suspected | Replace | LeaveToPerson


def judge_primary(
    current: Primary,
    tablets: Sequence[ReplicationSeen],
    replication: ReplicationSpec,
    before: Watched,
    *,
    now_s: float,
) -> Verdict:
    """Return the verdict of this look, given what the one before it left behind."""
    primary = current.alias
    seen = next((tablet for tablet in tablets if tablet.alias == primary), None)
    if seen is not None and seen.reachable:
        return Alive("it answers", current if seen.is_semi_synced else None)
    witnesses = [
        tablet
        for tablet in tablets
        if tablet.alias != primary
        and tablet.reachable
        and tablet.type in _FOLLOWERS
        and not (replication.ignore_dead_master_cell and tablet.alias.cell == primary.cell)
    ]
    if not witnesses:
        return Alive("nobody else answers, so the fault may be ours", before.semi_synced)
    hearing = [str(tablet.alias) for tablet in witnesses if tablet.is_receiving]
    if hearing:
        return Alive(f"{', '.join(hearing)} still hears from it", before.semi_synced)
    suspicion = before.suspicion
    if suspicion is None or suspicion.primary != primary:
        suspicion = Suspicion(primary, now_s)
    # The same words at every look: events count what they have heard before.
    reason = f"primary {primary} does not answer, and no tablet hears from it"
    if now_s - suspicion.since_s < replication.dead_master_threshold_seconds:
        return Suspected(suspicion, reason)
    if not replication.enforce_semi_sync or before.semi_synced != current:
        missing = "enforceSemiSync" if not replication.enforce_semi_sync else "semi-sync seen on it"
        return LeaveToPerson(
            suspicion,
            f"{reason}; without {missing} it may have acknowledged writes that nobody else "
            "has: EmergencyReparentShard gives them up",
        )
    missed = _who_may_have_more(primary, tablets)
    if missed:
        return LeaveToPerson(
            suspicion,
            f"{reason}; {', '.join(missed)}, and may have writes that nobody else has: waiting, "
            "or EmergencyReparentShard gives them up",
        )
    return Replace(primary, reason)


def _who_may_have_more(primary: TabletAlias, tablets: Sequence[ReplicationSeen]) -> list[str]:
    """Return which other tablets cannot be asked for what they acknowledged, and why.

    One that restores has no data of its own.
    """
    missed = []
    for tablet in sorted(tablets, key=lambda tablet: tablet.alias):
        if tablet.alias == primary or tablet.type == TabletType.RESTORE:
            continue
        if tablet.type in _UNCOUNTED:
            missed.append(f"{tablet.alias} is {tablet.type.name}")
        elif not tablet.reachable:
            missed.append(f"{tablet.alias} does not answer either")
    return missed
