"""What the server offers: versions, groups and resources, plain and aggregated. Pure."""

from collections.abc import Iterable
from typing import Any

from armillary.local.apiserver.kinds.builtin import REVIEWS
from armillary.local.apiserver.kinds.registry import Registry
from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.status import path_not_found

Json = dict[str, Any]

# kubectl allows a client one minor version away from what it reads here.
_MINOR = 32
VERSION: Json = {
    "major": "1",
    "minor": str(_MINOR),
    "gitVersion": f"v1.{_MINOR}.0+armillary",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "cpython",
    "platform": "linux/amd64",
}
_AGGREGATED = "as=APIGroupDiscoveryList"
_ONE_VERB = {
    "log": ("get",),
    "exec": ("create", "get"),
    "attach": ("create", "get"),
    "portforward": ("create", "get"),
    "binding": ("create",),
    "eviction": ("create",),
    "finalize": ("update",),
}
_STATUS_VERBS = ("get", "patch", "update")
# `kubectl drain` evicts only where it finds this group, and else deletes past every budget.
_OTHER_GROUPS = {"scale": ("autoscaling", "v1"), "eviction": ("policy", "v1")}


def aggregated_type(accept: str) -> str | None:
    """Return the media type of aggregated discovery, if the client takes it."""
    for choice in accept.split(","):
        if _AGGREGATED in choice:
            version = "v2beta1" if "v=v2beta1" in choice else "v2"
            return f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    return None


def legacy_versions() -> Json:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list(registry: Registry) -> Json:
    groups = [_group(name, versions) for name, versions in _groups(registry).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def one_group(registry: Registry, name: str) -> Json:
    versions = _groups(registry).get(name)
    if not name or versions is None:
        raise path_not_found()
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}


def _group(name: str, versions: list[str]) -> Json:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _groups(registry: Registry) -> dict[str, list[str]]:
    """Return the versions of each group, preferred first."""
    groups: dict[str, list[str]] = {"": ["v1"]}
    pairs = [(r.group, r.version) for r in registry.all()]
    pairs += [(group, version) for group, version, _ in REVIEWS]
    for group, version in pairs:
        versions = groups.setdefault(group, [])
        if version not in versions:
            versions.append(version)
    return groups


def resource_list(registry: Registry, group: str, version: str) -> Json:
    entries = []
    for resource in _resources(registry, group, version):
        entries.append(_plain(resource))
        entries += [_plain_sub(resource, name, kind) for name, kind in _subresources(resource)]
    entries += [
        {"name": plural, "singularName": "", "namespaced": False, "kind": kind, "verbs": ["create"]}
        for (g, v, plural), kind in REVIEWS.items()
        if (g, v) == (group, version)
    ]
    if not entries:
        raise path_not_found()
    name = f"{group}/{version}" if group else version
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": name,
        "resources": entries,
    }


def _resources(registry: Registry, group: str, version: str) -> list[Resource]:
    found = (r for r in registry.all() if (r.group, r.version) == (group, version))
    return sorted(found, key=lambda r: r.plural)


def _subresources(resource: Resource) -> Iterable[tuple[str, str]]:
    if resource.has_status:
        yield "status", resource.kind
    if resource.scale is not None:
        yield "scale", "Scale"
    yield from resource.more_subresources.items()


def _plain(resource: Resource) -> Json:
    entry: Json = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return entry


def _plain_sub(resource: Resource, name: str, kind: str) -> Json:
    entry: Json = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": kind,
        "verbs": list(_ONE_VERB.get(name, _STATUS_VERBS)),
    }
    if name in _OTHER_GROUPS:
        entry["group"], entry["version"] = _OTHER_GROUPS[name]
    return entry


def aggregated(registry: Registry, *, legacy: bool, media_type: str) -> Json:
    """Return everything under /api or /apis in one answer."""
    version = "v2beta1" if "v2beta1" in media_type else "v2"
    items = []
    for group, versions in _groups(registry).items():
        if legacy is not (group == ""):
            continue
        described = [
            {
                "version": v,
                "resources": _aggregated_resources(registry, group, v),
                "freshness": "Current",
            }
            for v in versions
        ]
        items.append({"metadata": {"name": group or None}, "versions": described})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def _aggregated_resources(registry: Registry, group: str, version: str) -> list[Json]:
    described = []
    for resource in _resources(registry, group, version):
        entry = _aggregated_entry(resource.plural, resource.singular, resource.kind, resource.verbs)
        entry["responseKind"].update(group=group, version=version)
        entry["scope"] = "Namespaced" if resource.namespaced else "Cluster"
        if resource.short_names:
            entry["shortNames"] = list(resource.short_names)
        if resource.categories:
            entry["categories"] = list(resource.categories)
        entry["subresources"] = [
            _aggregated_sub(resource, name, kind) for name, kind in _subresources(resource)
        ]
        described.append(entry)
    for (g, v, plural), kind in REVIEWS.items():
        if (g, v) == (group, version):
            entry = _aggregated_entry(plural, kind.lower(), kind, ("create",))
            entry["responseKind"].update(group=group, version=version)
            described.append(entry)
    return described


def _aggregated_sub(resource: Resource, name: str, kind: str) -> Json:
    group, version = _OTHER_GROUPS.get(name, (resource.group, resource.version))
    return {
        "subresource": name,
        "responseKind": {"group": group, "version": version, "kind": kind},
        "verbs": list(_ONE_VERB.get(name, _STATUS_VERBS)),
    }


def _aggregated_entry(plural: str, singular: str, kind: str, verbs: Iterable[str]) -> Json:
    return {
        "resource": plural,
        "responseKind": {"kind": kind},
        "scope": "Cluster",
        "singularResource": singular,
        "verbs": list(verbs),
    }
