"""Which changes of an object wake the loop that looks after it."""

from typing import Any, cast

import pytest

from armillary.kube import kinds
from armillary.kube.client import KubeClient, WatchEvent
from armillary.kube.events import EventRecorder
from armillary.kube.workqueue import WorkQueue
from armillary.operator.topology import TopologyPool
from armillary.operator.world import ObjectKey, World
from armillary.settings.operator import OperatorSettings

pytestmark = pytest.mark.anyio

KIND = kinds.VITESS_BACKUP_STORAGE
KEY = ObjectKey(KIND.kind, "planetscale", "example")


class Watched:
    """A world whose cache is told of one object, and the queue of its loop."""

    def __init__(self, *, namespaces: tuple[str, ...] = ()) -> None:
        client, topology = cast(KubeClient, None), cast(TopologyPool, None)
        settings = OperatorSettings(watch_namespaces=namespaces)
        self.world = World(client, settings, EventRecorder(client, "test"), topology)
        self.queue: WorkQueue[ObjectKey] = WorkQueue()
        self._version = 0

    def tell(self, event: str = "MODIFIED", *, generation: int = 1, status: str = "") -> int:
        """Let the cache hear of the object; return how many keys wait now."""
        self._version += 1
        metadata: dict[str, Any] = {
            "name": KEY.name,
            "namespace": KEY.namespace,
            "generation": generation,
            "resourceVersion": str(self._version),
        }
        obj = {"kind": KIND.kind, "metadata": metadata, "status": {"said": status}}
        self.world._informers[KIND]._take(WatchEvent(event, obj))
        return len(self.queue)

    async def take(self) -> None:
        key = await self.queue.get()
        assert key == KEY
        self.queue.done(key)


async def test_a_loop_that_waits_for_specs_is_not_woken_by_its_own_status() -> None:
    watched = Watched()
    watched.world.wake_on_spec(KIND, watched.queue)
    assert watched.tell("ADDED") == 1
    await watched.take()
    assert watched.tell(status="failed after 1.5 s") == 0
    assert watched.tell(status="failed after 1.6 s") == 0
    assert watched.tell(generation=2) == 1
    await watched.take()
    assert watched.tell("DELETED", generation=2) == 1


async def test_a_loop_may_wait_for_any_change() -> None:
    watched = Watched()
    watched.world.wake_on_self(KIND, watched.queue)
    assert watched.tell("ADDED") == 1
    await watched.take()
    assert watched.tell(status="other") == 1


async def test_another_namespace_wakes_nobody() -> None:
    watched = Watched(namespaces=("one", "two"))
    watched.world.wake_on_spec(KIND, watched.queue)
    assert watched.tell("ADDED") == 0
