"""Whether the primary of a shard is dead, and may be replaced without a person. Pure.

It is dead when it does not answer, no other tablet receives anything from it, and all this has been
so without a break for the threshold of the spec. One witness who still hears from it is enough to
keep it: then it is our view that is broken.

It is replaced only with semi-sync: then a write is acknowledged only when another tablet has it,
and vtctld promotes the tablet that has most, if all but the dead one answer. Without, what the dead
one acknowledged may be nowhere else, and giving it up is for a person to decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.keyspace import ReplicationSpec
from armillary.operator.shard.repair import ReplicationSeen

_FOLLOWERS = (TabletType.REPLICA, TabletType.RDONLY)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Since when a primary has looked dead."""

    primary: TabletAlias
    since: datetime


@dataclass(frozen=True, slots=True)
class Alive:
    reason: str


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
    primary: TabletAlias,
    tablets: Sequence[ReplicationSeen],
    replication: ReplicationSpec,
    before: Suspicion | None,
    *,
    now: datetime,
) -> Verdict:
    """Return the verdict of this look, given what an earlier one suspected."""
    seen = next((tablet for tablet in tablets if tablet.alias == primary), None)
    if seen is not None and seen.reachable:
        return Alive("it answers")
    witnesses = [
        tablet
        for tablet in tablets
        if tablet.alias != primary
        and tablet.reachable
        and tablet.type in _FOLLOWERS
        and not (replication.ignore_dead_master_cell and tablet.alias.cell == primary.cell)
    ]
    if not witnesses:
        return Alive("nobody else answers, so the fault may be ours")
    hearing = [str(tablet.alias) for tablet in witnesses if tablet.is_receiving]
    if hearing:
        return Alive(f"{', '.join(hearing)} still hears from it")
    same = before is not None and before.primary == primary
    suspicion = before if before is not None and same else Suspicion(primary, now)
    silent_s = (now - suspicion.since).total_seconds()
    reason = f"primary {primary} does not answer, and no tablet hears from it, for {silent_s:.0f} s"
    if now - suspicion.since < timedelta(seconds=replication.dead_master_threshold_seconds):
        return Suspected(suspicion, reason)
    if not replication.enforce_semi_sync:
        return LeaveToPerson(
            suspicion,
            f"{reason}; without enforceSemiSync it may have acknowledged writes that nobody else "
            "has: EmergencyReparentShard gives them up",
        )
    return Replace(primary, reason)
