"""Leader election on a Lease: of several processes with one lease name, one acts. I/O.

A holder renews every third of the lease's duration and stops acting when it could not renew for two
thirds; others take over when the lease has not changed for its whole duration on their own clock,
so clocks of machines need not agree. This does not fence: acts that must not happen twice
carry their own precondition (a UID, a resource version, a topology lock).
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import anyio

from armillary.base.clock import monotonic_s, utc_now
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
        renewed_at_s = monotonic_s()
        while monotonic_s() - renewed_at_s < self._lease_s * 2 / 3:
            await anyio.sleep(self._lease_s / 3)
            with anyio.move_on_after(self._lease_s / 3):
                if await self._try_take():
                    renewed_at_s = monotonic_s()

    async def _try_take(self) -> bool:
        """Create, renew or take over the lease; False when another holds it or nobody answers."""
        try:
            lease = await self._client.get(LEASE, self._name, self._namespace)
            if lease is None:
                await self._client.create(self._lease_object(None))
                return True
            if not self._may_take(lease):
                return False
            await self._client.replace(self._lease_object(lease))
        except (ConflictError, AlreadyExistsError):
            return False
        except ArmillaryError as error:
            logger.warning("lease not reachable", extra={"error": str(error)})
            return False
        return True

    def _may_take(self, lease: KubeObject) -> bool:
        holder = (lease.get("spec") or {}).get("holderIdentity")
        if not holder or holder == self._identity:
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen_version:
            self._seen_version, self._seen_at_s = version, monotonic_s()
        return monotonic_s() - self._seen_at_s > self._lease_s

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
            if lease and (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                lease["spec"]["holderIdentity"] = ""
                await self._client.replace(lease)
        except ArmillaryError as error:
            logger.debug("lease not released", extra={"error": str(error)})


def micro_time(at: datetime) -> str:
    """Return Kubernetes' MicroTime text."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
