"""The garbage collector: objects go after their owners, whatever their kinds. I/O."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

import anyio
from anyio.abc import TaskGroup

from armillary.base.errors import ArmillaryError, ConflictError, NotFoundError
from armillary.base.retry import backoff_delays_s
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.informer import Informer
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.kube.objects import name_of, namespace_of, uid_of
from armillary.local.controllers.garbage.plan import (
    DeleteDependents,
    DeleteObject,
    DropReferences,
    GarbageAction,
    Nothing,
    OrphanDependents,
    ReleaseOwner,
    plan_garbage,
    references_of,
)
from armillary.local.controllers.kinds import can_own_or_be_owned, discover_kinds

logger = logging.getLogger(__name__)

_SETTLE_S = 0.2


@dataclass(frozen=True, slots=True)
class _Node:
    """An object and where it lives."""

    kind: ResourceKind
    object: KubeObject


class GarbageCollector:
    """Watches every kind that can own or be owned, and follows new definitions."""

    def __init__(
        self,
        client: KubeClient,
        *,
        definitions: Informer,
        shared: Mapping[ResourceKind, Informer],
    ) -> None:
        self._client = client
        self._shared = shared  # informers that other controllers run already
        self._nodes: dict[str, _Node] = {}
        self._dependents: dict[str, set[str]] = {}
        self._scopes: dict[ResourceKind, anyio.CancelScope] = {}
        self._kinds_changed = anyio.Event()
        self._controller: Controller[str] = Controller("garbage", self._reconcile)
        definitions.on_change(self._on_definition)

    async def run(self) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._controller.run)
            delays_s = backoff_delays_s(first_s=0.2, max_s=5.0)
            while True:
                self._kinds_changed = anyio.Event()
                try:
                    self._follow(group, await discover_kinds(self._client))
                except ArmillaryError as error:
                    logger.info("kinds not discovered", extra={"error": str(error)})
                    await anyio.sleep(next(delays_s))
                    continue
                delays_s = backoff_delays_s(first_s=0.2, max_s=5.0)
                await self._kinds_changed.wait()
                await anyio.sleep(_SETTLE_S)

    def _on_definition(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if _served(before) != _served(after):
            self._kinds_changed.set()

    def _follow(self, group: TaskGroup, kinds: list[ResourceKind]) -> None:
        wanted = {kind for kind in kinds if can_own_or_be_owned(kind)}
        for kind in [kind for kind in self._scopes if kind not in wanted]:
            self._scopes.pop(kind).cancel()
        for kind in wanted:
            if kind not in self._scopes:
                self._scopes[kind] = anyio.CancelScope()
                group.start_soon(self._watch, kind, self._scopes[kind])

    async def _watch(self, kind: ResourceKind, scope: anyio.CancelScope) -> None:
        with scope:
            shared = self._shared.get(kind)
            informer = shared if shared is not None else Informer(self._client, kind)

            def on_change(before: KubeObject | None, after: KubeObject | None) -> None:
                if not scope.cancel_called:
                    self._take(kind, before, after)

            informer.on_change(on_change)
            if shared is None:
                await informer.run()

    def _take(
        self, kind: ResourceKind, before: KubeObject | None, after: KubeObject | None
    ) -> None:
        if before is not None and (after is None or uid_of(after) != uid_of(before)):
            self._forget(before)
        if after is None:
            return
        uid = uid_of(after)
        known = self._nodes.get(uid)
        for reference in references_of(known.object) if known else ():
            self._dependents.get(reference["uid"], set()).discard(uid)
        for reference in references_of(after):
            self._dependents.setdefault(reference["uid"], set()).add(uid)
        self._nodes[uid] = _Node(kind, after)
        metadata = after["metadata"]
        if references_of(after) or metadata.get("deletionTimestamp"):
            self._controller.queue.add(uid)
        for reference in references_of(after) if metadata.get("deletionTimestamp") else ():
            self._controller.queue.add(reference["uid"])

    def _forget(self, obj: KubeObject) -> None:
        uid = uid_of(obj)
        known = self._nodes.pop(uid, None)
        for reference in references_of(known.object if known else obj):
            siblings = self._dependents.get(reference["uid"], set())
            siblings.discard(uid)
            if not siblings:
                self._dependents.pop(reference["uid"], None)
            self._controller.queue.add(reference["uid"])  # it may have waited for this one
        for dependent in self._dependents.get(uid, ()):
            self._controller.queue.add(dependent)

    async def _reconcile(self, uid: str) -> None:
        node = self._nodes.get(uid)
        if node is None:
            return
        owners: dict[str, KubeObject | None] = {}
        for reference in references_of(node.object):
            owners[reference["uid"]] = await self._find_owner(node, reference)
        dependents = [
            self._nodes[each].object
            for each in self._dependents.get(uid, ())
            if each in self._nodes
        ]
        plan = plan_garbage(node.object, owners=owners, dependents=dependents)
        try:
            await self._apply(node, plan)
        except NotFoundError:
            return
        except ConflictError:
            self._controller.queue.add_after(uid, 0.1)  # changed meanwhile: look again

    async def _find_owner(self, node: _Node, reference: Mapping[str, object]) -> KubeObject | None:
        """Return the owner; None only when the API server itself says that it is gone."""
        uid = str(reference["uid"])
        known = self._nodes.get(uid)
        if known is not None:
            return known.object
        kind = self._kind_of(reference)
        if kind is None:
            # A kind that is not (or no longer) served: keep the object, nobody can tell.
            return {"metadata": {"uid": uid, "name": reference["name"]}}
        namespace = namespace_of(node.object) if kind.namespaced else None
        found = await self._client.get(kind, str(reference["name"]), namespace)
        return found if found is not None and uid_of(found) == uid else None

    def _kind_of(self, reference: Mapping[str, object]) -> ResourceKind | None:
        group = str(reference["apiVersion"]).rpartition("/")[0]
        for kind in self._scopes:
            if kind.kind == reference["kind"] and kind.group == group:
                return kind
        return None

    async def _apply(self, node: _Node, plan: GarbageAction) -> None:
        match plan:
            case Nothing():
                return
            case DeleteObject(propagation):
                await self._delete(node, propagation)
            case DropReferences(uids):
                await self._drop(node, uids)
            case ReleaseOwner(finalizer):
                await self._release(node, finalizer)
            case OrphanDependents(uids):
                for uid in uids:
                    await self._drop(self._nodes[uid], frozenset({uid_of(node.object)}))
                await self._release(node, "orphan")
            case DeleteDependents(uids):
                for uid in uids:
                    self._controller.queue.add(uid)
            case _:
                assert_never(plan)

    async def _delete(self, node: _Node, propagation: str) -> None:
        obj = node.object
        logger.info(
            "deleting an object without owners",
            extra={"kind": str(node.kind), "object": f"{namespace_of(obj)}/{name_of(obj)}"},
        )
        await self._client.request(
            "DELETE",
            node.kind.path(namespace_of(obj), name_of(obj)),
            body={
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "propagationPolicy": propagation,
                "preconditions": {"uid": uid_of(obj)},
            },
        )

    async def _drop(self, node: _Node, uids: frozenset[str]) -> None:
        kept = [ref for ref in references_of(node.object) if ref["uid"] not in uids]
        await self._patch(node, {"ownerReferences": kept or None})

    async def _release(self, node: _Node, finalizer: str) -> None:
        finalizers = node.object["metadata"].get("finalizers") or ()
        kept = [each for each in finalizers if each != finalizer]
        await self._patch(node, {"finalizers": kept or None})

    async def _patch(self, node: _Node, metadata: Mapping[str, object]) -> None:
        """Change metadata of exactly the version that was looked at."""
        obj = node.object
        patch = {"metadata": {**metadata, "resourceVersion": obj["metadata"]["resourceVersion"]}}
        await self._client.merge_patch(node.kind, name_of(obj), namespace_of(obj), patch)


def _served(definition: KubeObject | None) -> object:
    if definition is None:
        return None
    conditions = (definition.get("status") or {}).get("conditions") or ()
    established = any(
        c.get("type") == "Established" and c.get("status") == "True" for c in conditions
    )
    return established, definition["spec"]
