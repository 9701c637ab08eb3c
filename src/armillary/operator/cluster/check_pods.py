"""Whether what a spec adds to pods and claims has the shape that Kubernetes asks for. Pure.

The schema passes these parts through as they are. What is checked is what the operator itself
reads of them, and labels by which it finds its own; the API server judges the rest, and what it
refuses is told as an event.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from armillary.operator.crd.parts import PodOverrides, SecretSource
from armillary.operator.render.labels import is_own_key
from armillary.operator.render.quantity import is_quantity

_NAMED = ("extra_env", "extra_volumes", "init_containers", "sidecar_containers")
_CLAIM = "data_volume_claim_template"


def check_pods(value: Any, path: str) -> Iterator[str]:
    """Yield mistakes in every part of a spec that goes into pods and claims."""
    if isinstance(value, list):
        for index, child in enumerate(value):
            name = getattr(child, "name", "")
            yield from check_pods(child, f"{path}[{name or index}]")
    elif isinstance(value, msgspec.Struct):
        if isinstance(value, PodOverrides):
            yield from _check_overrides(value, path)
        if isinstance(value, SecretSource) and not _has_source(value):
            yield f"{path}: wanted the name of a Secret or a volumeName, found neither"
        for field in msgspec.structs.fields(value):
            child, here = getattr(value, field.name), f"{path}.{field.encode_name}"
            if field.name == _CLAIM and child is not None:
                yield from _check_claim(child, here)
            else:
                yield from check_pods(child, here)


def _has_source(source: SecretSource) -> bool:
    return bool(source.name or source.volume_name or source.init_container)


def _check_overrides(overrides: PodOverrides, path: str) -> Iterator[str]:
    for field in msgspec.structs.fields(overrides):
        here = f"{path}.{field.encode_name}"
        if field.name in _NAMED:
            yield from _check_named(getattr(overrides, field.name), here)
    for label in sorted(overrides.extra_labels):
        if is_own_key(label):
            yield f"{path}.extraLabels: {label!r} is the operator's own"


def _check_named(entries: Sequence[Mapping[str, Any]], path: str) -> Iterator[str]:
    for index, entry in enumerate(entries):
        name = entry.get("name")
        if not isinstance(name, str) or not name:
            yield f"{path}[{index}].name: wanted a name, found {name!r}"


def _check_claim(claim: Mapping[str, Any], path: str) -> Iterator[str]:
    value: Any = claim
    for name in ("resources", "requests"):
        value = value.get(name)
        path = f"{path}.{name}"
        if not isinstance(value, Mapping):
            yield f"{path}: wanted a mapping, found {value!r}"
            return
    size = value.get("storage")
    if not is_quantity(size):
        yield f"{path}.storage: wanted an amount such as 10Gi, found {size!r}"
