"""Which plans may be one statement relayed as it is to one shard; decided once a plan. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field

from armillary.routing.vindexes import FunctionalVindex
from armillary.vtgate.planner.plan import (
    ByVindex,
    DmlPlan,
    InsertPlan,
    OnlyShard,
    Plan,
    SelectPlan,
    Source,
)
from armillary.vtgate.planner.shapes import ColumnShape
from armillary.wire.scanner import KnownHead

Head = tuple[Callable[[bytes], bytes] | None, KnownHead]  # what renames, and what came of it


@dataclass(slots=True)
class Relay:
    """Where the client's own bytes go, if the values of `sources` lead to one shard."""

    keyspace: str
    reading: bool = False
    writing: bool = False
    vindex: FunctionalVindex | None = None  # None: the keyspace's only shard
    sources: tuple[Source, ...] = ()
    column: ColumnShape | None = None
    table: str = ""  # of an INSERT: the value is one that `into` is to hold
    into: str = ""
    heads: dict[tuple[bytes, bytes], Head] = field(default_factory=dict)  # by what is renamed


def relay_of(plan: Plan) -> Relay | None:
    """Return how a plan is a relay, or None if it never is."""
    match plan:
        case SelectPlan():
            if plan.template is not None or plan.fixed or plan.schema_literals or plan.counts_found:
                return None
            relay = _along(plan)
            if relay is not None:
                relay.reading = not plan.locking
            return relay
        case DmlPlan():
            if plan.template is not None or plan.select_owned is not None:
                return None
            relay = _along(plan)
            if relay is not None:
                relay.writing = True
            return relay
        case InsertPlan():
            return _of_insert(plan)


def _along(plan: SelectPlan | DmlPlan) -> Relay | None:
    match plan.route:
        case OnlyShard(keyspace):
            return Relay(keyspace)
        case ByVindex(keyspace, vindex, (source,), column):
            return Relay(keyspace, vindex=vindex, sources=(source,), column=column)
    return None


def _of_insert(plan: InsertPlan) -> Relay | None:
    """Return how an INSERT is a relay: nothing but its primary vindex is to be looked after."""
    table = plan.table
    plain = plan.whole is None and plan.increment is None and table.pinned is None
    if not plain or len(table.column_vindexes) != 1:
        return None
    primary = table.column_vindexes[0]
    if not isinstance(primary.vindex, FunctionalVindex):
        return None
    at = plan.columns.index(primary.columns[0])
    sources = [row[at] for row in plan.sources]
    known = tuple(source for source in sources if source is not None)
    if len(known) != len(sources):
        return None
    return Relay(
        table.keyspace,
        writing=True,
        vindex=primary.vindex,
        sources=known,
        table=table.name,
        into=primary.columns[0],
    )
