"""Which resources there are, asked of the API server. I/O; `parse_resources` is pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from armillary.kube.client import KubeClient
from armillary.kube.kinds import KubeObject, ResourceKind

PERSISTENT_VOLUME = ResourceKind(
    "", "v1", "persistentvolumes", "PersistentVolume", namespaced=False
)
ENDPOINT_SLICE = ResourceKind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")

_NEEDED = frozenset(("list", "watch", "delete"))
_NEVER_OWNED = frozenset(("events", "events.events.k8s.io"))


async def discover_kinds(client: KubeClient) -> list[ResourceKind]:
    """Return every resource that can be listed, watched and deleted, in its preferred version."""
    kinds = parse_resources("", "v1", await client.request("GET", "/api/v1"))
    groups = await client.request("GET", "/apis")
    for group in groups.get("groups") or ():
        version = group["preferredVersion"]["version"]
        listed = await client.request("GET", f"/apis/{group['name']}/{version}")
        kinds += parse_resources(group["name"], version, listed)
    return kinds


def parse_resources(group: str, version: str, listed: KubeObject) -> list[ResourceKind]:
    """Read an APIResourceList."""
    return [
        ResourceKind(group, version, resource["name"], resource["kind"], resource["namespaced"])
        for resource in _whole(listed.get("resources") or ())
    ]


def _whole(resources: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for resource in resources:
        if "/" not in resource["name"] and set(resource.get("verbs") or ()) >= _NEEDED:
            yield resource


def can_own_or_be_owned(kind: ResourceKind) -> bool:
    return str(kind) not in _NEVER_OWNED
