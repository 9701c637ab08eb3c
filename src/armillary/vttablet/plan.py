"""What a tablet should be and do, from what was seen. Pure: no I/O, no clock.

Source of the rules: Vitess `tabletmanager` (tm_init.go, restore.go, tm_state.go).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary.base.errors import PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.vttablet.origin import Origin

NO_SOURCE = "replication is not running, no source is set"
_BASE_TYPES = frozenset({TabletType.REPLICA, TabletType.RDONLY, TabletType.SPARE})
# ChangeTabletType may go from any of these to any other of them.
_EXCHANGEABLE = frozenset(
    {
        TabletType.REPLICA,
        TabletType.RDONLY,
        TabletType.SPARE,
        TabletType.BACKUP,
        TabletType.EXPERIMENTAL,
        TabletType.DRAINED,
    }
)
_QUERY_TYPES = frozenset(
    {
        TabletType.PRIMARY,
        TabletType.REPLICA,
        TabletType.RDONLY,
        TabletType.EXPERIMENTAL,
        TabletType.DRAINED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The type that a tablet has, and since when it is primary (for PRIMARY only)."""

    tablet_type: TabletType
    term_started_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord:
    """This tablet's record from before it started."""

    tablet_type: TabletType
    term_started_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardPrimary:
    """Who the shard's record names as primary."""

    alias: TabletAlias | None
    term_started_at: datetime | None


def parse_base_type(text: str) -> TabletType:
    """Return the type of `--init_tablet_type`.

    Raises:
        PreconditionError: a type that a tablet cannot start with.
    """
    tablet_type = TabletType.parse(text)
    if tablet_type not in _BASE_TYPES:
        raise PreconditionError(f"init_tablet_type is {text}: wanted replica, rdonly or spare")
    return tablet_type


def choose_role_at_start(
    *,
    me: TabletAlias,
    base_type: TabletType,
    record: OwnRecord | None,
    shard: ShardPrimary,
    now: datetime,
) -> Role:
    """Say whether a tablet that starts is its shard's primary."""
    if shard.alias == me:
        if record is None:
            return Role(
                tablet_type=TabletType.PRIMARY,
                term_started_at=now,
                reason="the shard names this tablet, which had no record: a new term",
            )
        if record.tablet_type == TabletType.PRIMARY:
            return Role(
                tablet_type=TabletType.PRIMARY,
                term_started_at=record.term_started_at or shard.term_started_at or now,
                reason="the shard and the tablet's record agree",
            )
        return Role(
            tablet_type=TabletType.PRIMARY,
            term_started_at=shard.term_started_at or now,
            reason=f"the shard names this tablet, whose record said {record.tablet_type.name}",
        )
    if record is not None and record.tablet_type == TabletType.PRIMARY:
        mine, theirs = record.term_started_at, shard.term_started_at
        if mine is not None and (theirs is None or mine > theirs):
            return Role(
                tablet_type=TabletType.PRIMARY,
                term_started_at=mine,
                reason="the tablet's record has a later term than the shard's",
            )
    return Role(tablet_type=base_type, reason="the shard does not name this tablet")


def require_type_change(old: TabletType, new: TabletType) -> None:
    """Let pass what ChangeTabletType may do.

    Raises:
        PreconditionError: any other change; promotions and restores have calls of their own.
    """
    if old == new or {old, new} <= _EXCHANGEABLE:
        return
    if (old, new) == (TabletType.RESTORE, TabletType.SPARE):
        return
    raise PreconditionError(f"type change {old.name} -> {new.name} is not an allowed transition")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSeen:
    """What a starting tablet found in its mysqld and its directory."""

    restore_unfinished: bool
    database_exists: bool
    table_count: int
    follows: bool = False  # it goes on from where it was, behind the primary that the shard names
    origin: Origin | None = None  # what a restore brought the data from


@dataclass(frozen=True, slots=True)
class RestoreDecision:
    restore: bool
    reason: str
    is_blocked: bool = False  # the data is not what is asked for, and not ours to delete


def decide_restore(
    seen: DataSeen,
    *,
    wanted: bool,
    database: str,
    is_primary: bool,
    snapshot: Origin | None = None,
) -> RestoreDecision:
    """Say whether to restore. A database without tables counts as no database.

    That is how a tablet whose keyspace was re-created as a snapshot gives its old data directory
    up: nothing was ever written to its keyspace. A primary keeps even an empty database: what it
    has is the shard's truth. So does a replica that follows one: all that is missing comes from it.

    Args:
        snapshot: what a SNAPSHOT keyspace is to hold; None for one that is none. Data that came
            from another snapshot makes room for it; tables that were made here may be the only
            ones of their kind.
    """
    if not wanted:
        return RestoreDecision(False, "restore_from_backup is off")
    if seen.restore_unfinished:
        return RestoreDecision(True, "an earlier restore was interrupted")
    if not seen.database_exists:
        return RestoreDecision(True, f"mysqld has no database {database}")
    if snapshot is not None:
        return _decide_snapshot(seen, snapshot, database)
    if is_primary:
        return RestoreDecision(False, f"this tablet is primary and has database {database}")
    if seen.table_count == 0 and seen.follows:
        return RestoreDecision(False, "this replica goes on following its primary")
    if seen.table_count == 0:
        return RestoreDecision(True, f"database {database} has no tables")
    return RestoreDecision(False, f"mysqld already contains data: {seen.table_count} tables")


def _decide_snapshot(seen: DataSeen, snapshot: Origin, database: str) -> RestoreDecision:
    if seen.origin == snapshot:
        return RestoreDecision(False, f"mysqld already contains {snapshot}")
    if seen.table_count == 0:
        return RestoreDecision(True, f"database {database} has no tables")
    if seen.origin is not None and seen.origin.keyspace == snapshot.keyspace:
        return RestoreDecision(True, f"mysqld contains {seen.origin}: wanted {snapshot}")
    return RestoreDecision(
        False,
        f"mysqld contains {seen.table_count} tables of {database} that are not of {snapshot}, and "
        f"may be nowhere else: delete the tablet's volume, or the tables, if nobody needs them",
        is_blocked=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqldSeen:
    """One look at mysqld by the health loop."""

    reachable: bool
    problem: str = ""
    read_only: bool = True
    has_source: bool = False
    replicating: bool = False  # both threads run
    stopped: bool = False  # a source is set and neither thread runs
    lag_s: int | None = None
    replication_error: str = ""
    disk_problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LagEstimate:
    """Replication lag; while a thread reconnects, it is the last one known and the time since."""

    lag_s: int = 0
    measured_at: datetime | None = None
    problem: str = ""


def estimate_lag(
    seen: MysqldSeen, before: LagEstimate, *, is_image: bool, now: datetime
) -> LagEstimate:
    """Args: `is_image`: a snapshot is complete as it is, and replicates from nobody."""
    if not seen.reachable:
        return before
    if not seen.has_source:
        # How far behind it is nobody knows, so it must not look as if it were up to date.
        return LagEstimate(problem=seen.replication_error or ("" if is_image else NO_SOURCE))
    if seen.replicating and seen.lag_s is not None:
        return LagEstimate(lag_s=seen.lag_s, measured_at=now)
    problem = seen.replication_error or "replication is not running"
    if before.measured_at is None:
        return LagEstimate(problem=problem)
    # A clock that was set back makes no replica younger.
    since_s = max(0, int((now - before.measured_at).total_seconds()))
    return LagEstimate(lag_s=before.lag_s + since_s, measured_at=now, problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Whether queries may come, and if not, why; `health_error` may be set while serving."""

    serving: bool
    reason: str = ""
    lag_s: int = 0
    health_error: str = ""


def decide_serving(
    role: Role,
    seen: MysqldSeen,
    lag: LagEstimate,
    *,
    busy: str,
    unhealthy_after: timedelta,
) -> Serving:
    """Say whether the tablet serves.

    Args:
        busy: why the agent itself holds queries off (starting, demotion, ending); "" if it does
            not.
    """
    if role.tablet_type not in _QUERY_TYPES:
        reason = f"not a serving tablet type({role.tablet_type.name})"
        return Serving(serving=False, reason=role.reason or reason, lag_s=lag.lag_s)
    if busy:
        return Serving(serving=False, reason=busy, lag_s=lag.lag_s)
    if not seen.reachable:
        problem = seen.problem or "mysqld does not answer"
        return Serving(serving=False, reason=problem, lag_s=lag.lag_s, health_error=problem)
    if role.tablet_type == TabletType.PRIMARY:
        if seen.read_only:
            return Serving(serving=False, reason="primary is read-only")
        return Serving(serving=True, health_error=seen.disk_problem)
    if lag.problem and lag.measured_at is None:
        reason = f"replication does not work: {lag.problem}"
        return Serving(serving=False, reason=reason, health_error=lag.problem)
    if lag.lag_s > unhealthy_after.total_seconds():
        reason = f"replication lag of {lag.lag_s} s"
        return Serving(serving=False, reason=reason, lag_s=lag.lag_s, health_error=reason)
    problem = lag.problem or seen.disk_problem
    return Serving(serving=True, lag_s=lag.lag_s, health_error=problem)


@dataclass(frozen=True, slots=True)
class SemiSyncSides:
    primary: bool
    replica: bool


def plan_semi_sync(tablet_type: TabletType, *, wanted: bool) -> SemiSyncSides:
    """Say which side of semi-synchronous replication a tablet of this type switches on.

    A replica acknowledges wanted or not, which costs nothing while no primary asks for it: while
    a shard's tablets are replaced one by one because this changes, the primary may still wait.
    """
    return SemiSyncSides(
        primary=wanted and tablet_type == TabletType.PRIMARY,
        replica=tablet_type == TabletType.REPLICA,
    )


def poll_delay_s(attempt: int, interval: timedelta) -> float:
    """Return how long to wait before look number `attempt` (from 0) for a first backup.

    Quick at first, since a new shard's initial backup takes seconds; then the given interval.
    """
    return min(1.0 * 1.3 ** min(attempt, 40), max(interval.total_seconds(), 1.0))
