"""From a URL's path to a resource and what is asked of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armillary.local.apiserver.kinds.builtin import REVIEWS
from armillary.local.apiserver.kinds.registry import Registry
from armillary.local.apiserver.status import path_not_found
from armillary.local.apiserver.verbs.call import Call


@dataclass(frozen=True, slots=True)
class Review:
    kind: str
    api_version: str


def parse_resource_path(
    parts: Sequence[str], registry: Registry, query: Mapping[str, str], user_agent: str
) -> Call | Review:
    """Parse the path of a resource, an object or a subresource.

    Raises:
        StatusError: 404, there is no such resource.
    """
    if parts[0] == "api" and len(parts) >= 3:
        group, version, rest = "", parts[1], list(parts[2:])
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], list(parts[3:])
    else:
        raise path_not_found()
    if (group, version, rest[0]) in REVIEWS and len(rest) == 1:
        kind = REVIEWS[(group, version, rest[0])]
        return Review(kind, f"{group}/{version}")
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and not _is_namespace_part(rest):
        namespace, rest = rest[1], rest[2:]
    resource = registry.find(group, version, rest[0])
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        raise path_not_found()
    name = rest[1] if len(rest) > 1 else ""
    if name and resource.namespaced and not namespace:
        raise path_not_found()
    subresource = rest[2] if len(rest) > 2 else ""
    known: Mapping[str, Any] = resource.more_subresources
    is_known = (
        subresource in known
        or (subresource == "status" and resource.has_status)
        or (subresource == "scale" and resource.scale is not None)
    )
    if subresource and not is_known:
        raise path_not_found()
    return Call(
        resource=resource,
        namespace=namespace,
        name=name,
        subresource=subresource,
        query=query,
        user_agent=user_agent,
    )


def _is_namespace_part(rest: Sequence[str]) -> bool:
    """`namespaces/x/status` is about the namespace itself, `namespaces/x/pods` is not."""
    return len(rest) == 3 and rest[2] in ("status", "finalize")
