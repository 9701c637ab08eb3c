"""Whom EmergencyReparentShard promotes when the primary is lost. Pure.

Source: Vitess reparentutil/emergency_reparenter.go.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from armillary.base.errors import IntegrityError, PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.vtctld.reparent.planned_plan import most_advanced
from armillary.vtctld.reparent.shard_seen import ShardSeen, TabletSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRequest:
    new_primary: TabletAlias | None = None
    ignore: frozenset[TabletAlias] = frozenset()
    expected_primary: TabletAlias | None = None
    prevent_cross_cell: bool = False
    wait_for_all: bool = False


@dataclass(frozen=True, slots=True)
class EmergencyPlan:
    """`source` has everything that is left; `new` follows it first when it is another tablet."""

    new: TabletAlias
    source: TabletAlias
    followers: tuple[TabletAlias, ...]
    reason: str


def require_enough_answers(seen: ShardSeen, request: EmergencyRequest) -> None:
    """Refuse when tablets are missing that could hold commits which the others lack.

    One may be missing: the primary that was lost. Ignored tablets, and those whose data is not
    the shard's (backup, restore), do not count.

    Raises:
        PreconditionError
    """
    silent = [
        t for t in seen if not t.answers and not t.is_set_aside and t.alias not in request.ignore
    ]
    allowed = 0 if request.wait_for_all else 1
    if len(silent) > allowed:
        problems = "; ".join(f"{t.alias}: {t.problem}" for t in silent)
        raise PreconditionError(
            f"could not reach sufficient tablets of {seen.path} to guarantee safety ({problems}); "
            "-ignore_replicas names those that are lost for good"
        )


def plan_emergency_reparent(
    seen: ShardSeen,
    request: EmergencyRequest,
    *,
    old_primary: TabletAlias | None,
) -> EmergencyPlan:
    """Return whom to promote. The positions in `seen` count all that has been received.

    Raises:
        PreconditionError: too few answers, or no candidate.
        IntegrityError: two tablets each have transactions that the other lacks.
    """
    require_enough_answers(seen, request)
    alive = [
        t
        for t in seen
        if t.answers and not t.is_set_aside and t.tablet_type is not TabletType.DRAINED
        and t.alias not in request.ignore
    ]  # fmt: skip
    candidates = _candidates(alive, request, old_primary)
    if not candidates:
        types = "; ".join(f"{t.alias} {t.problem or t.tablet_type.name.lower()}" for t in seen)
        raise PreconditionError(f"no tablet of {seen.path} can become master: {types}")
    source = most_advanced(candidates, among=alive) or most_advanced(alive, among=alive)
    if source is None:
        positions = "; ".join(f"{t.alias} {t.position}" for t in alive)
        raise IntegrityError(
            f"split brain detected between servers of {seen.path}: {positions}; nothing was "
            "promoted"
        )
    new = source if source in candidates else candidates[0]
    followers = tuple(alias for alias in seen.followers(new.alias) if alias not in request.ignore)
    reason = (
        f"has all that is left, {source.position}"
        if new is source
        else f"follows {source.alias} first, which has all that is left"
    )
    return EmergencyPlan(new.alias, source.alias, followers, reason)


def _candidates(
    alive: Sequence[TabletSeen], request: EmergencyRequest, old_primary: TabletAlias | None
) -> list[TabletSeen]:
    promotable: Set[TabletType] = {TabletType.REPLICA, TabletType.PRIMARY}
    found = [t for t in alive if t.tablet_type in promotable]
    if request.prevent_cross_cell and old_primary is not None:
        found = [t for t in found if t.alias.cell == old_primary.cell]
    if request.new_primary is not None:
        found = [t for t in found if t.alias == request.new_primary]
    # One that takes a backup, or that was lost a moment ago, is the last choice.
    return sorted(found, key=lambda t: (t.backup_running, t.alias == old_primary, t.alias))
