"""The defaults of built-in kinds: what Kubernetes fills in before it stores an object. Pure.

Our objects must look the same on a real API server, or the operator would see a difference
between what it applied and what is there on one of the two, and not on the other.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from armillary.local.apiserver.kinds.crd import accept_crd
from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.objects.pods import default_pod, default_pod_spec

Json = dict[str, Any]


def apply_builtin_defaults(value: Json, resource: Resource, *, now: str) -> None:
    """Fill in the defaults of a built-in kind, in place."""
    if resource.storage_name == "customresourcedefinitions.apiextensions.k8s.io":
        accept_crd(value, now=now)
        return
    default = _DEFAULTS.get(resource.storage_name)
    if default is not None:
        default(value)


def _default_template(spec: Json) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def _default_deployment(value: Json) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    _default_template(spec)


def _default_replicaset(value: Json) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    value.setdefault("status", {}).setdefault("replicas", 0)
    _default_template(spec)


def _default_job(value: Json) -> None:
    spec = value.setdefault("spec", {})
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    _default_template(spec)
    if not spec["manualSelector"] and "selector" not in spec:
        uid, name = value["metadata"]["uid"], value["metadata"]["name"]
        spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
        labels = spec["template"]["metadata"].setdefault("labels", {})
        for prefix in ("batch.kubernetes.io/", ""):
            labels[f"{prefix}controller-uid"] = uid
            labels[f"{prefix}job-name"] = name


def _default_service(value: Json) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in (None, 0, ""):  # Go sends its zero
            port["targetPort"] = port.get("port")
    value.setdefault("status", {}).setdefault("loadBalancer", {})


def _default_namespace(value: Json) -> None:
    labels = value["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = value["metadata"]["name"]
    value.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    value.setdefault("status", {}).setdefault("phase", "Active")


def _default_secret(value: Json) -> None:
    value.setdefault("type", "Opaque")
    for name, text in (value.pop("stringData", None) or {}).items():
        data = value.get("data") or {}
        data[name] = base64.b64encode(text.encode()).decode()
        value["data"] = data


def _default_claim(value: Json) -> None:
    value.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    value.setdefault("status", {}).setdefault("phase", "Pending")


def _default_volume(value: Json) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    value.setdefault("status", {}).setdefault("phase", "Pending")


def _default_lease(value: Json) -> None:
    value.setdefault("spec", {})


def _default_budget(value: Json) -> None:
    value.setdefault("spec", {})


def _default_storage_class(value: Json) -> None:
    value.setdefault("reclaimPolicy", "Delete")
    value.setdefault("volumeBindingMode", "Immediate")


def _default_priority_class(value: Json) -> None:
    value.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _default_binding(value: Json) -> None:
    value["roleRef"].setdefault("apiGroup", "rbac.authorization.k8s.io")
    for subject in value.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


_DEFAULTS: Mapping[str, Callable[[Json], None]] = {
    "deployments.apps": _default_deployment,
    "replicasets.apps": _default_replicaset,
    "jobs.batch": _default_job,
    "pods": default_pod,
    "services": _default_service,
    "namespaces": _default_namespace,
    "secrets": _default_secret,
    "persistentvolumeclaims": _default_claim,
    "persistentvolumes": _default_volume,
    "poddisruptionbudgets.policy": _default_budget,
    "leases.coordination.k8s.io": _default_lease,
    "storageclasses.storage.k8s.io": _default_storage_class,
    "priorityclasses.scheduling.k8s.io": _default_priority_class,
    "rolebindings.rbac.authorization.k8s.io": _default_binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _default_binding,
}
