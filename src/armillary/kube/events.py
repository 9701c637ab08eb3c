"""Kubernetes events: what we did and why, shown by `kubectl describe`. I/O.

Recording never blocks and never fails the work it tells about: a full queue drops the oldest
event. The same words about the same object raise one event's count.
"""

import logging
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

import anyio

from armillary.base.clock import monotonic_s, utc_now
from armillary.base.errors import ArmillaryError, NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.kinds import EVENT, KubeObject
from armillary.kube.objects import name_of, namespace_of, uid_of

logger = logging.getLogger(__name__)

_MESSAGE_CHARS_MAX = 1024


@dataclass(frozen=True, slots=True)
class _Pending:
    reference: tuple[str, str, str, str, str]  # apiVersion, kind, namespace, name, uid
    reason: str
    message: str
    warning: bool
    at: str


@dataclass(slots=True)
class _Sent:
    name: str
    count: int
    at_s: float


class EventRecorder:
    """Call `record` from anywhere in the process; `run` sends what was recorded."""

    def __init__(
        self,
        client: KubeClient,
        component: str,
        *,
        pending_max: int = 1000,
        remembered_max: int = 2000,
        resend_s: float = 10.0,
    ) -> None:
        self._client = client
        self._component = component
        self._pending: deque[_Pending] = deque(maxlen=pending_max)
        self._sent: OrderedDict[tuple[Any, ...], _Sent] = OrderedDict()
        self._remembered_max = remembered_max
        self._resend_s = resend_s
        self._wake = anyio.Event()

    def record(self, obj: KubeObject, reason: str, message: str, *, warning: bool = False) -> None:
        """Note an event about `obj`: `reason` in CamelCase, `message` a sentence for a person."""
        reference = (
            str(obj.get("apiVersion", "")),
            str(obj.get("kind", "")),
            namespace_of(obj),
            name_of(obj),
            uid_of(obj),
        )
        now = utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
        self._pending.append(
            _Pending(reference, reason, message[:_MESSAGE_CHARS_MAX], warning, now)
        )
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            while self._pending:
                event = self._pending.popleft()
                try:
                    await self._send(event)
                except ArmillaryError as error:
                    logger.debug(
                        "event not sent", extra={"reason": event.reason, "error": str(error)}
                    )

    async def _send(self, event: _Pending) -> None:
        key = (event.reference, event.reason, event.message)
        sent = self._sent.get(key)
        if sent is not None:
            sent.count += 1
            self._sent.move_to_end(key)
            if monotonic_s() - sent.at_s < self._resend_s:
                return  # counted; the next one after the pause tells the sum
            sent.at_s = monotonic_s()
            patch = {"count": sent.count, "lastTimestamp": event.at}
            namespace = event.reference[2] or "default"
            try:
                await self._client.merge_patch(EVENT, sent.name, namespace, patch)
                return
            except NotFoundError:
                pass  # the API server forgot it: events live an hour or so
        created = await self._client.create(self._event_object(event))
        self._sent[key] = _Sent(name_of(created), 1, monotonic_s())
        while len(self._sent) > self._remembered_max:
            self._sent.popitem(last=False)

    def _event_object(self, event: _Pending) -> KubeObject:
        api_version, kind, namespace, name, uid = event.reference
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{name}.", "namespace": namespace or "default"},
            "involvedObject": {
                "apiVersion": api_version,
                "kind": kind,
                "namespace": namespace,
                "name": name,
                "uid": uid,
            },
            "reason": event.reason,
            "message": event.message,
            "type": "Warning" if event.warning else "Normal",
            "count": 1,
            "firstTimestamp": event.at,
            "lastTimestamp": event.at,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": self._component,
        }
