"""Which events are old enough to go."""

from datetime import UTC, datetime, timedelta

from armillary.local.apiserver.expiry import find_expired
from armillary.local.apiserver.store.records import ObjectKey, StoredObject, encode_object

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ago(minutes: int) -> str:
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(name: str, *, created: int, **times: object) -> StoredObject:
    value = {"metadata": {"name": name, "creationTimestamp": ago(created)}, **times}
    return StoredObject(ObjectKey("events", "n", name), encode_object(value), 1)


def test_events_go_an_hour_after_they_last_happened() -> None:
    events = [
        event("new", created=59),
        event("old", created=61),
        event("repeated", created=600, lastTimestamp=ago(5)),
        event("silent", created=600, lastTimestamp=ago(61)),
        event("in-series", created=600, series={"lastObservedTime": ago(1)}),
    ]
    assert [stored.key.name for stored in find_expired(events, now=NOW)] == ["old", "silent"]
