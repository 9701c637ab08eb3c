"""Between topology messages and our own nouns. Pure."""

from datetime import UTC, datetime
from typing import cast

from armillary.model.keyrange import KeyRange
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import topodata_pb2, vttime_pb2


def alias_to_pb(alias: TabletAlias) -> topodata_pb2.TabletAlias:
    return topodata_pb2.TabletAlias(cell=alias.cell, uid=alias.uid)


def alias_from_pb(alias: topodata_pb2.TabletAlias) -> TabletAlias:
    return TabletAlias(alias.cell, alias.uid)


def alias_of(tablet: topodata_pb2.Tablet) -> TabletAlias:
    return alias_from_pb(tablet.alias)


def primary_alias_of(shard: topodata_pb2.Shard) -> TabletAlias | None:
    """Return who the shard record says is primary; None when it names nobody."""
    if not shard.HasField("primary_alias") or not shard.primary_alias.cell:
        return None
    return alias_from_pb(shard.primary_alias)


def type_of(tablet: topodata_pb2.Tablet) -> TabletType:
    return TabletType(tablet.type)


def type_to_pb(tablet_type: TabletType) -> topodata_pb2.TabletType:
    # At run time it is the number; the stubs make a class of the enum.
    return cast(topodata_pb2.TabletType, tablet_type.value)


def key_range_to_pb(key_range: KeyRange | None) -> topodata_pb2.KeyRange | None:
    if key_range is None:
        return None
    return topodata_pb2.KeyRange(start=key_range.start, end=key_range.end)


def key_range_of(
    record: topodata_pb2.Shard | topodata_pb2.Tablet | topodata_pb2.ShardReference,
) -> KeyRange | None:
    """Return the range; None for a shard like `0` that has none."""
    if not record.HasField("key_range"):
        return None
    return KeyRange(record.key_range.start, record.key_range.end)


def time_to_pb(instant: datetime) -> vttime_pb2.Time:
    return vttime_pb2.Time(
        seconds=int(instant.timestamp() // 1), nanoseconds=instant.microsecond * 1000
    )


def time_from_pb(time: vttime_pb2.Time) -> datetime:
    return datetime.fromtimestamp(time.seconds, UTC).replace(microsecond=time.nanoseconds // 1000)


def is_set(time: vttime_pb2.Time) -> bool:
    return bool(time.seconds or time.nanoseconds)


def primary_term_of(tablet: topodata_pb2.Tablet) -> datetime | None:
    """Return since when the tablet is primary, by its own record."""
    term = tablet.primary_term_start_time
    return time_from_pb(term) if is_set(term) else None


def database_name(tablet: topodata_pb2.Tablet) -> str:
    """Return the name of the tablet's database inside mysqld."""
    return tablet.db_name_override or f"vt_{tablet.keyspace}"
