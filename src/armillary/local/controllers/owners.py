"""Whose turn it is when something that has an owner changes. Pure."""

from collections.abc import Iterator

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import Key, controller_of, namespace_of


def owners_of(kind: str, *states: KubeObject | None) -> Iterator[Key]:
    """Yield the controlling owners of one kind that an object has in any of its states."""
    for state in states:
        owner = None if state is None else controller_of(state)
        if state is not None and owner is not None and owner["kind"] == kind:
            yield Key(namespace_of(state), owner["name"])
