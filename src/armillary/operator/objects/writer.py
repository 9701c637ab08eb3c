"""Make children exist and be as wanted; delete those that are not wanted. I/O.

Children are applied server-side by one field manager, so fields that we stop wanting go away. What
others add stays where Kubernetes itself adds to objects; a custom resource is a view of its owner's
spec, and what others put into it is taken out again. An object of the right name with other labels
belongs to somebody else: it is never touched.
"""

import logging
from typing import Any

from armillary.base.errors import (
    AlreadyExistsError,
    ConflictError,
    PreconditionError,
)
from armillary.kube.client import KubeClient
from armillary.kube.events import EventRecorder
from armillary.kube.kinds import KubeObject, kind_of
from armillary.kube.objects import (
    controller_of,
    has_labels,
    is_being_deleted,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from armillary.operator.objects.compare import (
    has_same_state,
    is_covered,
    surplus,
    with_state_hash,
)
from armillary.operator.objects.waiting import AtOnce, ChildPlan, plan_child, with_child_hash

logger = logging.getLogger(__name__)

FIELD_MANAGER = "armillary-operator"


class NameCollisionError(PreconditionError):
    """An object of the name that we need belongs to somebody else."""


class FormerOwnerError(ConflictError):
    """An object of the name that we need is another owner's, most likely one that was deleted."""


class ObjectWriter:
    def __init__(self, client: KubeClient, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder

    async def ensure(
        self, owner: KubeObject, wanted: KubeObject, found: KubeObject | None
    ) -> KubeObject:
        """Create the object or bring it to what is wanted; return it as stored.

        Raises:
            NameCollisionError: another's object has the name.
        Again: nothing happens when it is as wanted already.
        """
        wanted = self._owned(owner, with_state_hash(wanted))
        found = await self._ours(owner, wanted, found)
        if found is not None:
            if is_being_deleted(found):
                return found
            if _is_as_wanted(wanted, found):
                return found
        stored = await self._apply(wanted)
        if found is None:
            self._tell_created(owner, wanted)
        else:
            logger.info("updated object", extra=_facts(wanted))
        return stored

    async def ensure_or_schedule(
        self,
        owner: KubeObject,
        wanted: KubeObject,
        found: KubeObject | None,
        at_once: AtOnce,
        *,
        immediate: bool,
    ) -> KubeObject:
        """Create the object; bring one that exists to what is wanted, as far as it need not wait.

        Returns the object as stored.

        Raises:
            NameCollisionError: another's object has the name.
            ConflictError: the object has changed since it was seen: look again.
        """
        wanted = self._owned(owner, with_child_hash(wanted, at_once))
        found = await self._ours(owner, wanted, found)
        if found is None:
            stored = await self._apply(wanted)
            self._tell_created(owner, wanted)
            return stored
        if is_being_deleted(found):
            return found
        stored = found
        plan = plan_child(wanted, found, at_once, immediate=immediate)
        if plan.apply is not None:
            stored = await self._apply(_at_version(plan, found))
            logger.info("updated object", extra=_facts(wanted))
        if plan.marks:
            await self.set_annotations(found, dict(plan.marks))
        return stored

    async def ensure_exists(
        self, owner: KubeObject, wanted: KubeObject, found: KubeObject | None
    ) -> KubeObject:
        """Create the object when it is missing; one that exists is left as it is, but for labels.

        Raises:
            NameCollisionError: another's object has the name.
        """
        wanted = self._owned(owner, wanted)
        if found is None:
            try:
                found = await self._client.create(wanted)
            except AlreadyExistsError:
                found = await self._live(wanted)
                if found is None:
                    raise
            else:
                self._tell_created(owner, wanted)
        self._check_labels(owner, wanted, found)
        missing = {k: v for k, v in labels_of(wanted).items() if labels_of(found).get(k) != v}
        if missing and not is_being_deleted(found):
            # It is ours, and by its labels we would not find it.
            patch = {"metadata": {"labels": missing, "uid": uid_of(found)}}
            found = await self._client.merge_patch(
                kind_of(found), name_of(found), namespace_of(found), patch
            )
        return found

    async def check_accepted(self, wanted: KubeObject) -> None:
        """See that the object may take the place of the one of its name: before that is deleted.

        Raises:
            InputError: the API server would refuse it.
            UnavailableError: it does not answer.
        """
        try:
            await self._client.create(wanted, dry_run=True)
        except (AlreadyExistsError, PreconditionError):
            # One of its name is there, which is looked at last; a quota may count that one.
            return

    async def delete(self, owner: KubeObject, obj: KubeObject, *, reason: str) -> None:
        """Delete exactly this object, never a later one of the same name."""
        if is_being_deleted(obj):
            return
        deleted = await self._client.delete(
            kind_of(obj),
            name_of(obj),
            namespace_of(obj),
            uid=uid_of(obj),
            propagation="Background",
        )
        if deleted:
            logger.info("deleted object", extra=_facts(obj) | {"reason": reason})
            self._recorder.record(owner, "Deleted", f"deleted {_title(obj)}: {reason}")

    async def set_annotations(
        self, obj: KubeObject, changes: dict[str, str | None], *, unchanged: bool = False
    ) -> None:
        """Set annotations, or remove those given as None.

        Args:
            unchanged: only if nobody has changed the object since it was read.
        Raises:
            ConflictError: it is another object by now, or has changed.
        """
        metadata: dict[str, Any] = {"annotations": changes, "uid": uid_of(obj)}
        if unchanged:
            metadata["resourceVersion"] = obj["metadata"]["resourceVersion"]
        patch = {"metadata": metadata}
        await self._client.merge_patch(kind_of(obj), name_of(obj), namespace_of(obj), patch)

    async def _apply(self, wanted: KubeObject) -> KubeObject:
        stored = await self._client.apply(wanted, FIELD_MANAGER)
        patch = surplus(wanted, stored)
        if not patch:
            return stored
        patch["metadata"] = {"uid": uid_of(stored)}
        logger.info("took out what others had added", extra=_facts(stored))
        return await self._client.merge_patch(
            kind_of(stored), name_of(stored), namespace_of(stored), patch
        )

    async def _ours(
        self, owner: KubeObject, wanted: KubeObject, found: KubeObject | None
    ) -> KubeObject | None:
        """Return the object as it is, if it is the owner's; None when there is none."""
        if found is None:
            found = await self._live(wanted)
        if found is not None:
            self._check_labels(owner, wanted, found)
        return found

    async def _live(self, wanted: KubeObject) -> KubeObject | None:
        return await self._client.get(kind_of(wanted), name_of(wanted), namespace_of(wanted))

    def _owned(self, owner: KubeObject, wanted: KubeObject) -> KubeObject:
        metadata = {**wanted["metadata"], "ownerReferences": [owner_reference(owner)]}
        return {**wanted, "metadata": metadata}

    def _check_labels(self, owner: KubeObject, wanted: KubeObject, found: KubeObject) -> None:
        refuse_former_owner(owner, found)
        if has_labels(found, labels_of(wanted)) or controller_of(found) is not None:
            return
        message = f"{_title(wanted)} exists and belongs to somebody else: its labels differ"
        self._recorder.record(owner, "NameCollision", message, warning=True)
        raise NameCollisionError(message)

    def _tell_created(self, owner: KubeObject, wanted: KubeObject) -> None:
        logger.info("created object", extra=_facts(wanted))
        self._recorder.record(owner, "Created", f"created {_title(wanted)}")


def _is_as_wanted(wanted: KubeObject, found: KubeObject) -> bool:
    return (
        has_same_state(wanted, found) and is_covered(wanted, found) and not surplus(wanted, found)
    )


def _at_version(plan: ChildPlan, found: KubeObject) -> KubeObject:
    """Return the object to apply, tied to the one that was seen."""
    assert plan.apply is not None
    metadata = {**plan.apply["metadata"], "uid": uid_of(found)}
    if plan.only_if_unchanged:
        metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
    return {**plan.apply, "metadata": metadata}


def refuse_former_owner(owner: KubeObject, found: KubeObject) -> None:
    """Refuse an object that has another controller than `owner`.

    A cluster may be deleted and made again at once: what was the old one's is still being
    collected then, and must not be used by the new one.

    Raises:
        FormerOwnerError: it has another controller; it may be gone soon.
    """
    former = controller_of(found)
    if former is not None and former.get("uid") != uid_of(owner):
        raise FormerOwnerError(
            f"{_title(found)} still belongs to {former.get('kind')} {former.get('name')} "
            f"with uid {former.get('uid')}: waiting for it to go"
        )


def _title(obj: KubeObject) -> str:
    return f"{obj.get('kind')} {name_of(obj)}"


def _facts(obj: KubeObject) -> dict[str, str]:
    return {"kind": str(obj["kind"]), "object": str(key_of(obj))}
