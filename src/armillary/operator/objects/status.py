"""Writing status: only when it differs from what is there. I/O."""

import logging
from datetime import datetime
from typing import Any

import msgspec

from armillary.base.errors import ConflictError, NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.kinds import KubeObject, kind_of
from armillary.kube.objects import name_of, namespace_of
from armillary.operator.crd.parts import Condition, Json, Model, ShardCondition
from armillary.operator.objects.compare import merge_patch_between

logger = logging.getLogger(__name__)


async def write_status(client: KubeClient, obj: KubeObject, status: Model) -> None:
    """Replace the object's status; fields that are no longer told are removed.

    Again: an equal status is not written.
    """
    wanted = status_as_written(status)
    found: Json = obj.get("status") or {}
    patch = merge_patch_between(found, wanted)
    if not patch:
        return
    try:
        await client.patch_status(kind_of(obj), name_of(obj), namespace_of(obj), patch)
    except (NotFoundError, ConflictError) as error:
        logger.debug("status not written", extra={"object": name_of(obj), "error": str(error)})


def status_as_written(status: Model) -> Json:
    """Return the status without what says nothing."""
    written: Json = _said(msgspec.to_builtins(status))
    return written


def _said(value: Any) -> Any:
    """Drop what says nothing; zero, false and Unknown say something."""
    if isinstance(value, dict):
        said = {key: _said(child) for key, child in value.items()}
        return {key: child for key, child in said.items() if child not in (None, "", {}, [])}
    return [_said(child) for child in value] if isinstance(value, list) else value


def rfc3339(at: datetime) -> str:
    return at.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def merge_conditions(
    found: list[Json], wanted: list[Condition], *, now: datetime
) -> list[Condition]:
    """Return `wanted` with the time at which each condition last changed its status."""
    before = {condition.get("type"): condition for condition in found}
    result = []
    for condition in wanted:
        old = before.get(condition.type, {})
        same = old.get("status") == condition.status
        since = old.get("lastTransitionTime") if same else None
        result.append(
            msgspec.structs.replace(condition, last_transition_time=since or rfc3339(now))
        )
    return result


def dated(condition: ShardCondition, found: Json | None, *, now: datetime) -> ShardCondition:
    """Return `condition` with the time at which it last changed its status."""
    same = bool(found) and (found or {}).get("status") == condition.status
    since = str((found or {}).get("lastTransitionTime") or "") if same else ""
    return msgspec.structs.replace(condition, last_transition_time=since or rfc3339(now))
