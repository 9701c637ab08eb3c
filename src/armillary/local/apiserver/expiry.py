"""Events live for an hour after they last happened, as in Kubernetes. I/O through the verbs."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

import anyio

from armillary.base.clock import utc_now
from armillary.base.errors import ArmillaryError
from armillary.local.apiserver.kinds.registry import Registry
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.store.records import StoredObject
from armillary.local.apiserver.verbs.call import Call
from armillary.local.apiserver.verbs.remove import Remover
from armillary.local.apiserver.verbs.write import Writer

logger = logging.getLogger(__name__)

EVENT_LIFE = timedelta(hours=1)
SWEEP_INTERVAL_S = 300.0
_EVENTS = "events"


async def expire_events(
    cache: ObjectCache, registry: Registry, writer: Writer, interval_s: float = SWEEP_INTERVAL_S
) -> None:
    """Delete old events, over and over, until cancelled."""
    remover = Remover(cache, writer)
    resource = registry.builtin(_EVENTS)
    while True:
        await anyio.sleep(interval_s)
        try:
            for stored in find_expired(cache.select(_EVENTS), now=utc_now()):
                call = Call(
                    resource=resource,
                    namespace=stored.key.namespace,
                    name=stored.key.name,
                    query={},
                    user_agent="armillary-event-expiry/1",
                )
                await remover.delete(call, None)
        except ArmillaryError as error:
            logger.warning("expiry of events has to wait", extra={"error": str(error)})


def find_expired(events: Iterable[StoredObject], *, now: datetime) -> list[StoredObject]:
    return [stored for stored in events if now - _last_happened(stored) > EVENT_LIFE]


def _last_happened(stored: StoredObject) -> datetime:
    value = stored.value
    texts = (
        (value.get("series") or {}).get("lastObservedTime"),
        value.get("lastTimestamp"),
        value.get("eventTime"),
        value["metadata"]["creationTimestamp"],
    )
    return datetime.fromisoformat(next(text for text in texts if text))
