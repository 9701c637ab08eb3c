"""How a Deployment rolls from one template to the next. Pure.

Source: Kubernetes' deployment controller (rolling.go, recreate.go, sync.go), whose arithmetic this
follows: never more than replicas + maxSurge pods, never fewer than replicas - maxUnavailable
available ones. Not done: scaling several sets in proportion in the middle of a rollout.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armillary.kube.kinds import KubeObject

HASH_LABEL = "pod-template-hash"
_SAFE_CHARS = "bcdfghjklmnpqrstvwxz2456789"  # no vowels, no digits that look like letters


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSeen:
    """One ReplicaSet of the Deployment."""

    name: str
    replicas: int  # wanted of it
    available: int
    living: int  # pods that exist and are not over


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What the Deployment asks for."""

    replicas: int
    max_surge: int
    max_unavailable: int
    recreate: bool = False
    paused: bool = False


def parse_rollout(spec: Mapping[str, Any]) -> Rollout:
    replicas = int(spec.get("replicas", 1))
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    surge = resolve_share(rolling.get("maxSurge", "25%"), replicas, round_up=True)
    unavailable = resolve_share(rolling.get("maxUnavailable", "25%"), replicas, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1  # both rounded to nothing: a rollout that could never begin
    return Rollout(
        replicas=replicas,
        max_surge=surge,
        max_unavailable=unavailable,
        recreate=strategy.get("type") == "Recreate",
        paused=bool(spec.get("paused")),
    )


def resolve_share(value: int | str, whole: int, *, round_up: bool) -> int:
    """Return a count that may be given in percent."""
    if isinstance(value, str) and value.endswith("%"):
        share = whole * int(value[:-1]) / 100
        return math.ceil(share) if round_up else math.floor(share)
    return int(value)


def plan_scale(rollout: Rollout, new: SetSeen | None, old: Sequence[SetSeen]) -> dict[str, int]:
    """Return the replicas that each set should want; sets that stay as they are are left out.

    Args:
        old: oldest first.
    """
    if rollout.paused:
        return _plan_paused(rollout, new, old)
    if new is None:
        return {}
    if rollout.recreate:
        if any(each.replicas for each in old):
            return {each.name: 0 for each in old if each.replicas}
        if any(each.living for each in old):
            return {}  # their pods still run: the new ones must not meet them
        return {} if new.replicas == rollout.replicas else {new.name: rollout.replicas}
    up = _plan_new(rollout, new, old)
    if up is not None:
        return {new.name: up}
    return _plan_old(rollout, new, old)


def _plan_paused(rollout: Rollout, new: SetSeen | None, old: Sequence[SetSeen]) -> dict[str, int]:
    """A paused Deployment can be scaled: the one set that has pods takes the change."""
    active = [each for each in (*old, *((new,) if new else ())) if each.replicas]
    target = active[0] if len(active) == 1 else new if not active else None
    if target is None or target.replicas == rollout.replicas:
        return {}
    return {target.name: rollout.replicas}


def _plan_new(rollout: Rollout, new: SetSeen, old: Sequence[SetSeen]) -> int | None:
    if new.replicas == rollout.replicas:
        return None
    if new.replicas > rollout.replicas:
        return rollout.replicas
    total = new.replicas + sum(each.replicas for each in old)
    room = rollout.replicas + rollout.max_surge - total
    if room <= 0:
        return None
    return new.replicas + min(room, rollout.replicas - new.replicas)


def _plan_old(rollout: Rollout, new: SetSeen, old: Sequence[SetSeen]) -> dict[str, int]:
    wanted = {each.name: each.replicas for each in old if each.replicas}
    if not wanted:
        return {}
    available_min = rollout.replicas - rollout.max_unavailable
    total = new.replicas + sum(wanted.values())
    # New pods that are not available yet hold up as many old ones. A set's status may still count
    # pods that its spec has given up already, so no set is credited with more than it wants.
    spare = total - available_min - (new.replicas - min(new.available, new.replicas))
    if spare <= 0:
        return {}
    changed: dict[str, int] = {}
    # First the old pods that serve nobody: losing them costs nothing.
    for each in old:
        unhealthy = min(wanted.get(each.name, 0) - each.available, spare)
        if unhealthy > 0:
            wanted[each.name] -= unhealthy
            changed[each.name] = wanted[each.name]
            spare -= unhealthy
    available = sum(min(each.available, each.replicas) for each in (new, *old))
    surplus = available - available_min
    for each in old:
        down = min(wanted.get(each.name, 0), each.available, surplus)
        if down > 0:
            wanted[each.name] -= down
            changed[each.name] = wanted[each.name]
            surplus -= down
    return changed


def template_hash(template: Mapping[str, Any], collisions: int) -> str:
    """Return the hash in a set's name and label; the characters are Kubernetes' safe ones."""
    text = json.dumps(normal(template), sort_keys=True) + (f"#{collisions}" if collisions else "")
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return "".join(_SAFE_CHARS[ord(char) % len(_SAFE_CHARS)] for char in str(number))


def normal(value: Any) -> Any:
    """Drop what is empty, so that a default written out equals one left out."""
    if isinstance(value, Mapping):
        items = {key: normal(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in (None, {}, [])}
    if isinstance(value, list | tuple):
        return [normal(item) for item in value]
    return value


def same_template(one: KubeObject, other: KubeObject) -> bool:
    """Compare two pod templates but for the label that tells sets apart."""
    return bool(_bare(one) == _bare(other))


def _bare(template: KubeObject) -> Any:
    bare = normal(template)
    metadata = dict(bare.get("metadata") or {})
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    metadata["labels"] = labels
    metadata.pop("creationTimestamp", None)
    return normal({**bare, "metadata": metadata})
