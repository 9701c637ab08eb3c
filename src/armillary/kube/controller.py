"""Workers that call `reconcile(key)` for the keys of a queue, until cancelled. I/O."""

import logging
import math
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import anyio

from armillary.base.errors import ArmillaryError
from armillary.base.news import News
from armillary.kube.workqueue import WorkQueue

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)


class Controller(Generic[K]):
    """Feed `queue` from informers; `reconcile` looks at the world and makes one key right.

    `reconcile` returns the seconds after which it wants to look again without being woken, or None.
    When it raises, the key comes back after its back-off; the process goes on.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[K], Awaitable[float | None]],
        *,
        queue: WorkQueue[K] | None = None,
        workers: int = 4,
        timeout_s: float = 600.0,
    ) -> None:
        self.name = name
        self.queue: WorkQueue[K] = queue if queue is not None else WorkQueue()
        self._reconcile = reconcile
        self._workers = workers
        self._timeout_s = timeout_s
        self._told: News[K] = News()

    async def run(self) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(self._workers):
                group.start_soon(self._work)

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._reconcile_once(key)
            finally:
                self.queue.done(key)

    async def _reconcile_once(self, key: K) -> None:
        try:
            with anyio.fail_after(self._timeout_s):
                again_s = await self._reconcile(key)
        except anyio.get_cancelled_exc_class() as error:
            if anyio.current_effective_deadline() == -math.inf:
                raise
            # Nobody cancelled us: a gRPC channel that is closed cancels the calls on it, and that
            # must not end a worker without a word.
            self._retry(key, error, expected=True)
        except Exception as error:  # noqa: BLE001  # one key's trouble must not stop the others
            self._retry(key, error, expected=isinstance(error, ArmillaryError | TimeoutError))
        else:
            self.queue.forget(key)
            if self._told.forget(key):
                facts = {"controller": self.name, "key": str(key)}
                logger.info("reconcile works again", extra=facts)
            if again_s is not None:
                self.queue.add_after(key, again_s)

    def _retry(self, key: K, error: BaseException, *, expected: bool) -> None:
        """Try again later, ever more rarely; the log has a trouble that passes once."""
        delay_s = self.queue.retry(key)
        is_new = self._told.is_new(key, f"{type(error).__name__}: {error}")
        logger.log(
            (logging.WARNING if is_new else logging.DEBUG) if expected else logging.ERROR,
            "reconcile failed",
            extra={
                "controller": self.name,
                "key": str(key),
                "error": f"{type(error).__name__}: {error}",
                "retry_s": round(delay_s, 1),
            },
            exc_info=None if expected else error,
        )
