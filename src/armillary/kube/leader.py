"""Leader election on a Lease: of several processes with one lease name, one acts. I/O.

A holder renews every third of the lease's duration and may act for two thirds from the moment at
which it asked for the last renewal that it got; others take over when the lease has not changed for
its whole duration on their own clock, so clocks of machines need not agree. `check` says whether
one may act, and is asked right before each act: a process that was stopped and goes on in the
middle of something finds out there, before its own timers do. What is between that look and the act
is not fenced, so acts that must not happen twice also carry their own precondition (a UID, a
resource version, a topology lock).
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import anyio

from armillary.base.clock import uptime_s, utc_now
from armillary.base.errors import AlreadyExistsError, ArmillaryError, ConflictError
from armillary.kube.client import KubeClient
from armillary.kube.errors import LeaseLostError
from armillary.kube.kinds import LEASE, KubeObject

logger = logging.getLogger(__name__)


class LeaderElection:
    def __init__(
        self,
        client: KubeClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        lease_s: float = 15.0,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._lease_s = lease_s
        self._seen_version = ""
        self._seen_at_s = 0.0
        self._until_s = 0.0  # may act, on the clock of `uptime_s`
        self._is_others = False  # another was seen to hold it

    def check(self) -> None:
        """Return if this process may act now.

        Raises:
            LeaseLostError: it may not: another may hold the lease.
        """
        if uptime_s() >= self._until_s:
            raise LeaseLostError(
                f"the lease {self._namespace}/{self._name} was not renewed in time"
            )

    async def lead(self, body: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, run `body` while holding it, then give it back.

        Raises:
            LeaseLostError: the lease could not be renewed in time; `body` was cancelled.
        """
        while True:
            if await self._try_take():
                break
            await anyio.sleep(self._lease_s / 5)
        logger.info("became leader", extra={"lease": self._name, "identity": self._identity})
        lost = False
        try:
            async with anyio.create_task_group() as group:

                async def renew() -> None:
                    nonlocal lost
                    await self._renew_until_lost()
                    lost = True
                    group.cancel_scope.cancel()

                group.start_soon(renew)
                await body()
                group.cancel_scope.cancel()
        finally:
            if not lost:
                with anyio.CancelScope(shield=True), anyio.move_on_after(3):
                    await self._release()
        if lost:
            raise LeaseLostError(f"lost the lease {self._namespace}/{self._name}")

    async def _renew_until_lost(self) -> None:
        while uptime_s() < self._until_s:
            await anyio.sleep(self._lease_s / 3)
            with anyio.move_on_after(self._lease_s / 3):
                await self._try_take()
            if self._is_others:
                self._until_s = 0.0

    async def _try_take(self) -> bool:
        """Create, renew or take over the lease; False when another holds it or nobody answers."""
        asked_at_s = uptime_s()
        try:
            lease = await self._client.get(LEASE, self._name, self._namespace)
            self._is_others = lease is not None and not self._is_mine(lease)
            if lease is None:
                await self._client.create(self._lease_object(None))
            elif self._may_take(lease):
                await self._client.replace(self._lease_object(lease))
            else:
                return False
        except (ConflictError, AlreadyExistsError):
            return False
        except ArmillaryError as error:
            logger.warning("lease not reachable", extra={"error": str(error)})
            return False
        # Others counted from when the answer was written, or later: this is the earlier end.
        self._until_s = asked_at_s + self._lease_s * 2 / 3
        self._is_others = False
        return True

    def _is_mine(self, lease: KubeObject) -> bool:
        return (lease.get("spec") or {}).get("holderIdentity") == self._identity

    def _may_take(self, lease: KubeObject) -> bool:
        spec = lease.get("spec") or {}
        if not spec.get("holderIdentity") or self._is_mine(lease):
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen_version:
            self._seen_version, self._seen_at_s = version, uptime_s()
        # The holder may have been told of a longer one.
        lease_s = max(self._lease_s, float(spec.get("leaseDurationSeconds") or 0))
        return uptime_s() - self._seen_at_s > lease_s

    def _lease_object(self, current: KubeObject | None) -> KubeObject:
        before: dict[str, Any] = (current or {}).get("spec") or {}
        same_holder = before.get("holderIdentity") == self._identity
        transitions = int(before.get("leaseTransitions") or 0)
        metadata: dict[str, Any] = {"name": self._name, "namespace": self._namespace}
        if current is not None:
            metadata["resourceVersion"] = current["metadata"]["resourceVersion"]
            if not same_holder:
                transitions += 1
        now = micro_time(utc_now())
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": metadata,
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": max(1, round(self._lease_s)),
                "acquireTime": before.get("acquireTime", now) if same_holder else now,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }

    async def _release(self) -> None:
        try:
            lease = await self._client.get(LEASE, self._name, self._namespace)
            if lease and self._is_mine(lease):
                lease["spec"]["holderIdentity"] = ""
                await self._client.replace(lease)
        except ArmillaryError as error:
            logger.debug("lease not released", extra={"error": str(error)})


def micro_time(at: datetime) -> str:
    """Return Kubernetes' MicroTime text."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
