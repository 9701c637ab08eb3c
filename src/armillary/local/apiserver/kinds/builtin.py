"""The table of built-in resources. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from armillary.local.apiserver.kinds.resource import Resource, ScalePaths

_REPLICAS = ScalePaths(("spec", "replicas"), ("status", "replicas"), ("spec", "selector"))

# group, version, plural, kind, short names, flags: n namespaced, s status, g generation, a "all"
_TABLE: tuple[tuple[str, str, str, str, tuple[str, ...], str], ...] = (
    ("", "v1", "configmaps", "ConfigMap", ("cm",), "n"),
    ("", "v1", "endpoints", "Endpoints", ("ep",), "n"),
    ("", "v1", "events", "Event", ("ev",), "n"),
    ("", "v1", "namespaces", "Namespace", ("ns",), "s"),
    ("", "v1", "nodes", "Node", ("no",), "s"),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", ("pvc",), "ns"),
    ("", "v1", "persistentvolumes", "PersistentVolume", ("pv",), "s"),
    ("", "v1", "pods", "Pod", ("po",), "nsa"),
    ("", "v1", "secrets", "Secret", (), "n"),
    ("", "v1", "serviceaccounts", "ServiceAccount", ("sa",), "n"),
    ("", "v1", "services", "Service", ("svc",), "nsa"),
    ("apps", "v1", "deployments", "Deployment", ("deploy",), "nsga"),
    ("apps", "v1", "replicasets", "ReplicaSet", ("rs",), "nsga"),
    ("batch", "v1", "jobs", "Job", (), "nsga"),
    ("coordination.k8s.io", "v1", "leases", "Lease", (), "n"),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", (), "ng"),
    ("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", ("pdb",), "nsg"),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", (), ""),
    ("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", (), ""),
    ("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", (), "n"),
    ("rbac.authorization.k8s.io", "v1", "roles", "Role", (), "n"),
    ("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", ("pc",), "g"),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", ("sc",), ""),
    (
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        ("crd", "crds"),
        "sg",
    ),
)

_SUBRESOURCES: Mapping[str, Mapping[str, str]] = {
    "pods": {
        "attach": "PodAttachOptions",
        "binding": "Binding",
        "eviction": "Eviction",
        "exec": "PodExecOptions",
        "log": "Pod",
        "portforward": "PodPortForwardOptions",
    },
    "namespaces": {"finalize": "Namespace"},
}

# Kinds that one can only create, and that are answered without being stored.
REVIEWS: Mapping[tuple[str, str, str], str] = {
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    ("authentication.k8s.io", "v1", "selfsubjectreviews"): "SelfSubjectReview",
}

SchemaSource = Callable[[str, str, str], Mapping[str, Any] | None]  # group, version, kind


def build_builtin_resources(schema_of: SchemaSource) -> tuple[Resource, ...]:
    """Return every built-in resource; `schema_of` gives the OpenAPI schema of each kind."""
    return tuple(_build(*row, schema_of) for row in _TABLE)


def _build(
    group: str,
    version: str,
    plural: str,
    kind: str,
    short_names: tuple[str, ...],
    flags: str,
    schema_of: SchemaSource,
) -> Resource:
    return Resource(
        group=group,
        version=version,
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced="n" in flags,
        short_names=short_names,
        categories=_categories(flags, group),
        has_status="s" in flags,
        has_generation="g" in flags,
        scale=_REPLICAS if plural in ("deployments", "replicasets") else None,
        more_subresources=_SUBRESOURCES.get(plural, {}),
        schema=schema_of(group, version, kind),
    )


def _categories(flags: str, group: str) -> tuple[str, ...]:
    if group == "apiextensions.k8s.io":
        return ("api-extensions",)
    return ("all",) if "a" in flags else ()
