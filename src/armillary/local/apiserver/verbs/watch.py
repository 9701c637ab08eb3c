"""Watch: the changes of a resource as a stream, with bookmarks and initial events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio

from armillary.base.clock import monotonic_s
from armillary.local.apiserver.selectors import Match
from armillary.local.apiserver.status import StatusError, bad_request, expired
from armillary.local.apiserver.store.cache import (
    CacheEvent,
    ExpiredError,
    ObjectCache,
    Watcher,
)
from armillary.local.apiserver.store.records import StoredObject
from armillary.local.apiserver.verbs.call import Call
from armillary.local.apiserver.verbs.read import match_of, wait_for_version

BOOKMARK_INTERVAL_S = 60.0
TIMEOUT_S_DEFAULT = 1800
INITIAL_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    type: str  # ADDED, MODIFIED, DELETED, BOOKMARK, ERROR
    object: StoredObject | dict[str, Any]


def check_watch(call: Call) -> None:
    """Refuse a request that cannot be watched, before anything is sent.

    Raises:
        StatusError: a bad selector, number or version.
    """
    match_of(call)
    call.number("timeoutSeconds")
    version = call.query.get("resourceVersion", "")
    if version and not version.isdigit():
        raise bad_request(f'invalid resource version "{version}"')
    if call.flag("sendInitialEvents") and (
        call.query.get("resourceVersionMatch") != "NotOlderThan"
    ):
        raise bad_request(
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
            "resourceVersionMatch to NotOlderThan"
        )


async def watch(cache: ObjectCache, call: Call) -> AsyncIterator[list[WatchEvent]]:
    """Yield batches of events until the request's time is over or the watcher is cut off.

    What the client has to do after the end is the same in both cases: watch again from the last
    version that it has seen, and list again if that has expired.
    """
    matches = match_of(call)
    wants_bookmarks = call.flag("allowWatchBookmarks")
    with anyio.move_on_after(call.number("timeoutSeconds") or TIMEOUT_S_DEFAULT):
        version = call.query.get("resourceVersion", "")
        try:
            initial, after = await _start(cache, call, version)
            with cache.watch(call.resource.storage_name, call.namespace, after=after) as watcher:
                if initial is not None:
                    yield _initial_events(initial, after, matches, call)
                async for batch in _follow(cache, watcher, matches):
                    if batch:
                        yield batch
                    elif wants_bookmarks:
                        yield [bookmark(call, cache.revision)]
        except ExpiredError as error:
            yield [WatchEvent("ERROR", expired(str(error)).body())]
        except StatusError as error:
            yield [WatchEvent("ERROR", error.body())]


async def _start(
    cache: ObjectCache, call: Call, version: str
) -> tuple[list[StoredObject] | None, int]:
    """Return the objects to begin with (None: none wanted) and the version to follow from."""
    wants_initial = call.flag("sendInitialEvents")
    wanted = int(version or "0")
    await wait_for_version(cache, wanted)
    if wants_initial or (wanted == 0 and "sendInitialEvents" not in call.query):
        return cache.select(call.resource.storage_name, call.namespace), cache.revision
    return None, wanted or cache.revision


def _initial_events(
    objects: list[StoredObject], revision: int, matches: Match | None, call: Call
) -> list[WatchEvent]:
    events = [
        WatchEvent("ADDED", stored)
        for stored in objects
        if matches is None or matches(stored.value)
    ]
    if call.flag("sendInitialEvents"):
        events.append(bookmark(call, revision, annotations={INITIAL_END: "true"}))
    return events


async def _follow(
    cache: ObjectCache, watcher: Watcher, matches: Match | None
) -> AsyncIterator[list[WatchEvent]]:
    """Yield what happens; an empty batch when nothing that concerns the client did for a while."""
    told_at_s = monotonic_s()
    while True:
        remaining_s = max(0.0, told_at_s + BOOKMARK_INTERVAL_S - monotonic_s())
        events = await watcher.next_events(remaining_s)
        if events is None:
            return
        seen = [_translate(event, matches) for event in events]
        batch = [event for event in seen if event is not None]
        # Others may change without a pause: the client's version has to get on all the same.
        if batch or monotonic_s() - told_at_s >= BOOKMARK_INTERVAL_S:
            told_at_s = monotonic_s()
            yield batch


def _translate(event: CacheEvent, matches: Match | None) -> WatchEvent | None:
    """Return the change as this watcher sees it: an object may enter or leave its selection."""
    before, after = event.before, event.after
    was_in = before is not None and (matches is None or matches(before.value))
    is_in = after is not None and (matches is None or matches(after.value))
    if is_in:
        assert after is not None
        return WatchEvent("MODIFIED" if was_in else "ADDED", after)
    if was_in:
        assert before is not None
        return WatchEvent("DELETED", StoredObject(before.key, before.raw, event.revision))
    return None


def bookmark(call: Call, revision: int, *, annotations: dict[str, str] | None = None) -> WatchEvent:
    metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = annotations
    resource = call.resource
    body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return WatchEvent("BOOKMARK", body)
