"""What PlannedReparentShard does, decided from one look at the shard. Pure.

Source: Vitess reparentutil/planned_reparenter.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from armillary.base.errors import InputError, PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.vtctld.reparent.shard_seen import ShardSeen, TabletSeen

_LAG_S_SMALL = 10  # within it, being in the old primary's cell counts for more than less lag


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    new_primary: TabletAlias | None = None  # None: choose one
    avoid: TabletAlias | None = None  # must not be primary afterwards
    expected_primary: TabletAlias | None = None  # refuse when another one is primary now
    lag_s_max: int = 0  # 0: any lag
    allow_cross_cell: bool = True


@dataclass(frozen=True, slots=True)
class NothingToDo:
    primary: TabletAlias
    reason: str


@dataclass(frozen=True, slots=True)
class FirstPrimary:
    """The shard never had a primary: make one, let the others follow."""

    new: TabletAlias
    followers: tuple[TabletAlias, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Promote:
    """The shard had a primary and has none: the most advanced tablet takes over."""

    new: TabletAlias
    followers: tuple[TabletAlias, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Repair:
    """The wanted tablet is primary: make it writable, let everybody follow it."""

    primary: TabletAlias
    followers: tuple[TabletAlias, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """The old primary stops writing, the new one catches up and takes over."""

    old: TabletAlias
    new: TabletAlias
    followers: tuple[TabletAlias, ...]  # the old primary is among them
    reason: str


PlannedPlan = NothingToDo | FirstPrimary | Promote | Repair | HandOver


def plan_planned_reparent(seen: ShardSeen, request: PlannedRequest) -> PlannedPlan:
    """Return what to do; the request's aliases are of this shard, or it is refused.

    Raises:
        InputError: the tablet to promote is the one to avoid.
        PreconditionError: a tablet does not answer, nobody can take over, or the request expects
            another primary. Nothing has been changed.
    """
    _check_request(seen, request)
    current = seen.current_primary()
    if request.expected_primary and (current is None or current.alias != request.expected_primary):
        found = current.alias if current else "none"
        raise PreconditionError(
            f"master of {seen.path}: expected {request.expected_primary}, found {found}"
        )
    if current is None:
        return _plan_without_primary(seen, request)
    avoid = request.avoid or (current.alias if request.new_primary is None else None)
    if request.new_primary is None and avoid != current.alias:
        return NothingToDo(current.alias, f"{current.alias} is master, and it is not {avoid}")
    _require_answers(seen)
    if request.new_primary == current.alias:
        return Repair(current.alias, seen.followers(current.alias), "it is the master already")
    new, reason = _choose_successor(seen, current, request)
    _require_ackers(seen, new)
    return HandOver(current.alias, new, seen.followers(new), reason)


def _check_request(seen: ShardSeen, request: PlannedRequest) -> None:
    if request.new_primary is not None:
        seen.require(request.new_primary)
        if request.new_primary == request.avoid:
            raise InputError(f"tablet {request.avoid} is both the one to promote and to avoid")
    if request.avoid is not None:
        seen.require(request.avoid)


def _require_answers(seen: ShardSeen) -> None:
    """A tablet that does not answer may be writable, or may hold what nobody else has."""
    silent = [t for t in seen if not t.answers and not t.is_set_aside]
    if silent:
        problems = "; ".join(f"{t.alias}: {t.problem}" for t in silent)
        raise PreconditionError(
            f"not all tablets of {seen.path} answer ({problems}); EmergencyReparentShard goes on "
            "without them, DeleteTablet forgets one for good"
        )


def _unfit(tablet: TabletSeen, request: PlannedRequest) -> str:
    """Return why a tablet cannot become primary; empty when it can."""
    if tablet.alias == request.avoid:
        return "it is to be avoided"
    if tablet.tablet_type is not TabletType.REPLICA:
        return f"its type is {tablet.tablet_type.name.lower()}"
    if not tablet.answers:
        return tablet.problem
    return "it takes a backup" if tablet.backup_running else ""


def _choose_successor(
    seen: ShardSeen, current: TabletSeen, request: PlannedRequest
) -> tuple[TabletAlias, str]:
    if request.new_primary is not None:
        wanted = seen.require(request.new_primary)
        if problem := _unfit(wanted, request):
            raise PreconditionError(f"tablet {wanted.alias} cannot become master: {problem}")
        return wanted.alias, "it was asked for"
    reasons: list[str] = []
    fit: list[tuple[tuple[bool, bool, int], TabletSeen]] = []
    for tablet in seen:
        if tablet.alias == current.alias:
            continue
        crosses = tablet.alias.cell != current.alias.cell
        problem = _unfit(tablet, request) or _lag_problem(tablet, request)
        if not problem and crosses and not request.allow_cross_cell:
            problem = f"it is in another cell than {current.alias}"
        if problem or tablet.lag_s is None:
            reasons.append(f"{tablet.alias}: {problem}")
        else:
            fit.append(((tablet.lag_s > _LAG_S_SMALL, crosses, tablet.lag_s), tablet))
    if not fit:
        raise PreconditionError(
            f"cannot find a tablet to reparent {seen.path} to: "
            f"{'; '.join(reasons) or 'it has no other tablet'}"
        )
    _, best = min(fit, key=lambda entry: (entry[0], entry[1].alias))
    return best.alias, f"replica with a lag of {best.lag_s} s"


def _lag_problem(tablet: TabletSeen, request: PlannedRequest) -> str:
    if tablet.lag_s is None:
        return "its replication lag is unknown"
    if request.lag_s_max and tablet.lag_s > request.lag_s_max:
        return f"its lag of {tablet.lag_s} s is over {request.lag_s_max} s"
    return ""


def _require_ackers(seen: ShardSeen, new: TabletAlias) -> None:
    """With semi-sync a primary that nobody acknowledges would block on its first write."""
    if not seen.durability.primary_semi_sync:
        return
    ackers = [
        alias
        for alias in seen.followers(new)
        if seen.durability.acknowledges(new, alias, seen.tablets[alias].tablet_type)
    ]
    if not ackers:
        raise PreconditionError(
            f"durability policy {seen.durability.policy} of {seen.keyspace}: nobody could "
            f"acknowledge the commits of {new}"
        )


def _plan_without_primary(seen: ShardSeen, request: PlannedRequest) -> FirstPrimary | Promote:
    _require_answers(seen)
    fit = [t for t in seen if not _unfit(t, request)]
    if request.new_primary is not None:
        wanted = seen.require(request.new_primary)
        if problem := _unfit(wanted, request):
            raise PreconditionError(f"tablet {wanted.alias} cannot become master: {problem}")
        fit = [wanted]
    best = most_advanced(fit, among=[t for t in seen if t.answers and not t.is_set_aside])
    if best is None:
        positions = "; ".join(f"{t.alias} {str(t.position) or 'empty'}" for t in seen)
        raise PreconditionError(
            f"cannot find a tablet to reparent {seen.path} to: no candidate has all that the "
            f"others have ({positions})"
        )
    _require_ackers(seen, best.alias)
    followers = seen.followers(best.alias)
    where = f"most advanced, at {best.position}" if best.position.gtids else "no tablet has data"
    if seen.had_primary:
        return Promote(best.alias, followers, where)
    return FirstPrimary(best.alias, followers, where)


def most_advanced(
    candidates: Sequence[TabletSeen], *, among: Sequence[TabletSeen]
) -> TabletSeen | None:
    """Return the first candidate whose position contains those of all of `among`; else None."""
    for candidate in candidates:
        if all(candidate.position.at_least(other.position) for other in among):
            return candidate
    return None
