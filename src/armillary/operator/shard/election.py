"""Who becomes the primary of a shard that has none. Pure.

Three ways, told apart by what the shard is:
* without backups, its tablets start empty: the first one is made primary of the empty shard;
* with backups, its tablets are restored from one: the restored tablet that is farthest is promoted,
  and nobody waits for the others, which follow later;
* a tablet says already that it is primary: only the shard's record is missing that.

A tablet that has not restored its data is never chosen: while it restores its type is RESTORE, and
when there was nothing to restore the keyspace's database is absent. This is why a shard that came
up empty by mistake gets no primary, instead of an empty primary that others would follow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.shard.successor import is_ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletSeen:
    """What Kubernetes and the topology say of one wanted tablet."""

    alias: TabletAlias
    running: bool
    can_be_primary: bool
    type: TabletType | None  # None: not registered


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """What an election may start from."""

    initialize: bool  # the spec's replication.initializeMaster
    has_backups: bool
    has_initial_backup: bool
    has_record: bool
    is_snapshot: bool
    primary: TabletAlias | None  # as the shard's record says
    tablets: Sequence[TabletSeen]


@dataclass(frozen=True, slots=True)
class NoElection:
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    reason: str


@dataclass(frozen=True, slots=True)
class InitializeEmpty:
    """Make this tablet the primary of a shard that starts empty, if it really is empty."""

    alias: TabletAlias


@dataclass(frozen=True, slots=True)
class ElectRestored:
    """Ask the restored tablets for their positions, then promote one."""

    candidates: tuple[TabletAlias, ...]


Election = NoElection | Wait | InitializeEmpty | ElectRestored


def plan_election(state: ShardState) -> Election:
    """Return what to try; what cannot be known from here is checked again under the shard lock."""
    if not state.initialize:
        return NoElection("replication.initializeMaster is false")
    if not state.has_record:
        return Wait("the shard has no record; a tablet that starts makes it")
    if state.primary is not None:
        return NoElection("the shard has a primary")
    if state.has_backups or state.is_snapshot:
        return _plan_restored(state)
    return _plan_empty(state)


def _plan_restored(state: ShardState) -> Election:
    if not state.has_initial_backup and not state.is_snapshot:
        return Wait("no complete backup yet")
    candidates = tuple(
        tablet.alias
        for tablet in state.tablets
        if tablet.running and tablet.type in (TabletType.REPLICA, TabletType.PRIMARY)
    )
    if not candidates:
        return Wait("no tablet has restored its data yet")
    return ElectRestored(candidates)


def _plan_empty(state: ShardState) -> Election:
    for tablet in state.tablets:
        if not tablet.running:
            return Wait(f"tablet {tablet.alias} does not run yet")
        if tablet.type in (None, TabletType.UNKNOWN):
            return Wait(f"tablet {tablet.alias} is not registered yet")
        if tablet.type == TabletType.RESTORE:
            return Wait(f"tablet {tablet.alias} restores")
        if tablet.type == TabletType.PRIMARY:
            return Wait(f"tablet {tablet.alias} says that it is primary; it repairs the record")
    eligible = [t.alias for t in state.tablets if t.can_be_primary]
    if not eligible:
        return Wait("no tablet pool of type replica")
    return InitializeEmpty(eligible[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a tablet answered under the shard lock."""

    alias: TabletAlias
    type: TabletType
    can_be_primary: bool
    has_database: bool
    position: str


@dataclass(frozen=True, slots=True)
class Promote:
    alias: TabletAlias
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    reason: str


def choose_primary(
    candidates: Sequence[Candidate], types: Mapping[TabletAlias, TabletType]
) -> Promote | Refuse:
    """Return whom to promote.

    Args:
        candidates: the tablets that answered.
        types: what the topology says of all tablets of the shard, read under the lock.
    """
    claiming = sorted(alias for alias, kind in types.items() if kind == TabletType.PRIMARY)
    if len(claiming) > 1:
        both = ", ".join(str(alias) for alias in claiming)
        return Refuse(f"several tablets say that they are primary: {both}")
    if claiming:
        known = [c for c in candidates if c.alias == claiming[0]]
        if not known:
            return Refuse(f"{claiming[0]} says that it is primary, and does not answer")
        return Promote(claiming[0], "it is primary already, and the shard's record does not say so")
    if not candidates:
        return Refuse("no tablet that may have restored its data answers")
    restored = [
        candidate
        for candidate in candidates
        if candidate.type == TabletType.REPLICA
        and candidate.can_be_primary
        and candidate.has_database
    ]
    if not restored:
        return Refuse("no tablet has the keyspace's database")
    best = restored[0]
    for candidate in restored[1:]:
        if is_ahead(candidate.position, best.position):
            best = candidate
    return Promote(best.alias, f"restored, at {best.position or 'the start'}")
