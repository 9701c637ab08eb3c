"""What Kubernetes refuses in built-in kinds beyond types and required fields. Pure."""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from armillary.base.errors import InputError
from armillary.kube.labels import matches
from armillary.kube.quantities import parse_quantity
from armillary.local.apiserver.kinds.crd_check import check_crd, check_crd_update
from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.objects.causes import forbidden, invalid, required, unsupported
from armillary.local.apiserver.objects.metadata import check_pairs
from armillary.local.apiserver.objects.pod_checks import check_pod_spec, check_pod_update
from armillary.local.apiserver.objects.volume_checks import check_keys
from armillary.local.apiserver.status import Cause

Value = Mapping[str, Any]

_PERCENT = re.compile(r"[0-9]+%")
_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_JOB_COUNTS = (
    "activeDeadlineSeconds",
    "backoffLimit",
    "completions",
    "parallelism",
    "ttlSecondsAfterFinished",
)


def check_builtin(value: Value, before: Value | None, resource: Resource) -> list[Cause]:
    """Return what is wrong with a new object, or with the change of one."""
    causes: list[Cause] = []
    check = _CHECKS.get(resource.storage_name)
    if check is not None:
        causes += check(value)
    if before is not None:
        check_update = _UPDATE_CHECKS.get(resource.storage_name)
        if check_update is not None:
            causes += check_update(value, before)
    return causes


def _check_pod(value: Value) -> Iterator[Cause]:
    yield from check_pod_spec(value["spec"], "spec")


def _check_workload(value: Value) -> Iterator[Cause]:
    spec = value["spec"]
    template = spec["template"]
    labels = template.get("metadata", {}).get("labels") or {}
    selector = spec.get("selector") or {}
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid("spec.selector", selector, "empty selector is invalid for deployment")
    elif not matches(selector, labels):
        why = "`selector` does not match template `labels`"
        yield invalid("spec.template.metadata.labels", labels, why)
    for name in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        yield from _check_count(spec, name)
    yield from check_pairs(labels, "spec.template.labels")
    policy = template["spec"].get("restartPolicy")
    if policy not in (None, "Always"):
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))
    yield from check_pod_spec(template["spec"], "spec.template.spec")


def _check_deployment(value: Value) -> Iterator[Cause]:
    strategy = value["spec"].get("strategy") or {}
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate") or {}
    if kind not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy.type", kind, ("Recreate", "RollingUpdate"))
    if kind == "Recreate" and rolling:
        why = "may not be specified when strategy `type` is 'Recreate'"
        yield forbidden("spec.strategy.rollingUpdate", why)
    for name, share in rolling.items():
        yield from _check_share(share, f"spec.strategy.rollingUpdate.{name}")
    if rolling and all(str(share) in ("0", "0%") for share in rolling.values()):
        why = "may not be 0 when `maxSurge` is 0"
        yield invalid("spec.strategy.rollingUpdate.maxUnavailable", 0, why)
    yield from _check_workload(value)


def _check_share(share: Any, path: str) -> Iterator[Cause]:
    """A number of pods, or a part of them in percent."""
    if isinstance(share, str) and not _PERCENT.fullmatch(share):
        why = "a valid percent string must be a numeric string followed by an ending '%'"
        yield invalid(path, share, f"{why} (e.g. '1%',  or '93%')")
    elif isinstance(share, int) and share < 0:
        yield invalid(path, share, "must be greater than or equal to 0")


def _check_count(spec: Value, name: str) -> Iterator[Cause]:
    count = spec.get(name)
    if count is not None and count < 0:
        yield invalid(f"spec.{name}", count, "must be greater than or equal to 0")


def _check_job(value: Value) -> Iterator[Cause]:
    spec = value["spec"]["template"]["spec"]
    if spec.get("restartPolicy") not in ("OnFailure", "Never"):
        shown = json.dumps(spec.get("restartPolicy"))
        text = f'Required value: valid values: "OnFailure", "Never" (found {shown})'
        yield Cause("spec.template.spec.restartPolicy", "FieldValueRequired", text)
    for name in _JOB_COUNTS:
        yield from _check_count(value["spec"], name)
    if value["spec"].get("completionMode") == "Indexed":
        why = "Indexed jobs are not offered by this job controller"
        yield forbidden("spec.completionMode", why)
    yield from check_pod_spec(spec, "spec.template.spec")


def _check_service(value: Value) -> Iterator[Cause]:
    spec = value["spec"]
    ports = spec.get("ports") or ()
    if spec["type"] not in _SERVICE_TYPES:
        yield unsupported("spec.type", spec["type"], _SERVICE_TYPES)
    if spec["type"] == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield Cause("spec.ports", "FieldValueRequired", "Required value")
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        if len(ports) > 1 and not port.get("name"):
            yield Cause(f"{path}.name", "FieldValueRequired", "Required value")
        number = port.get("port", 0)
        if not 1 <= number <= 65535:
            text = f"Invalid value: {number}: must be between 1 and 65535, inclusive"
            yield Cause(f"{path}.port", "FieldValueInvalid", text)


def _check_secret(value: Value) -> Iterator[Cause]:
    yield from check_keys(value)
    for name, text in (value.get("data") or {}).items():
        if not _is_base64(text):
            why = "Invalid value: must be base64"  # the text itself may be secret
            yield Cause(f"data[{name}]", "FieldValueInvalid", why)


def _check_config_map(value: Value) -> Iterator[Cause]:
    yield from check_keys(value)
    for name, text in (value.get("binaryData") or {}).items():
        if not _is_base64(text):
            yield invalid(f"binaryData[{name}]", text, "must be base64")
        if name in (value.get("data") or {}):
            yield invalid(f"binaryData[{name}]", name, "duplicate of key present in data")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _check_claim(value: Value) -> Iterator[Cause]:
    spec = value["spec"]
    if not spec.get("accessModes"):
        text = "Required value: at least 1 access mode is required"
        yield Cause("spec.accessModes", "FieldValueRequired", text)
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        yield Cause("spec.resources[storage]", "FieldValueRequired", "Required value")
    elif not _is_positive(size):
        why = "must be a quantity greater than zero"
        yield invalid("spec.resources[storage]", size, why)


def _is_positive(size: str | float) -> bool:
    try:
        return parse_quantity(size) > 0
    except InputError:
        return False


def _check_pdb(value: Value) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        text = "Invalid value: minAvailable and maxUnavailable cannot be both set"
        yield Cause("spec", "FieldValueInvalid", text)
    for name in ("minAvailable", "maxUnavailable"):
        if name in spec:
            yield from _check_share(spec[name], f"spec.{name}")


def _check_endpoints(value: Value) -> Iterator[Cause]:
    for index, subset in enumerate(value.get("subsets") or ()):
        for field in ("addresses", "notReadyAddresses"):
            for position, address in enumerate(subset.get(field) or ()):
                if not _is_address(address["ip"]):
                    path = f"subsets[{index}].{field}[{position}].ip"
                    yield invalid(path, address["ip"], "must be a valid IP address")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_event(value: Value) -> Iterator[Cause]:
    involved = value.get("involvedObject", {}).get("namespace", "")
    namespace = value["metadata"].get("namespace")
    if involved and involved != namespace:
        text = f'Invalid value: "{involved}": does not match event.namespace'
        yield Cause("involvedObject.namespace", "FieldValueInvalid", text)


def _fixed(*path: str) -> Callable[[Value, Value], Iterator[Cause]]:
    """Return a check that one field never changes."""

    def check(value: Value, before: Value) -> Iterator[Cause]:
        old: Any = before
        new: Any = value
        for name in path:
            old, new = (old or {}).get(name), (new or {}).get(name)
        if old is not None and old != new:
            shown = json.dumps(new, separators=(",", ":"))
            text = f"Invalid value: {shown}: field is immutable"
            yield Cause(".".join(path), "FieldValueInvalid", text)

    return check


def _check_frozen(value: Value, before: Value) -> Iterator[Cause]:
    """`immutable: true` on a secret or a config map."""
    if not before.get("immutable"):
        return
    text = "Forbidden: field is immutable when `immutable` is set"
    for name in ("data", "binaryData", "immutable"):
        if value.get(name) != before.get(name):
            yield Cause(name, "FieldValueForbidden", text)


def _check_secret_update(value: Value, before: Value) -> Iterator[Cause]:
    yield from _fixed("type")(value, before)
    yield from _check_frozen(value, before)


def _check_service_update(value: Value, before: Value) -> Iterator[Cause]:
    old, new = before["spec"].get("clusterIP"), value["spec"].get("clusterIP")
    if old and old != new and value["spec"].get("type") != "ExternalName":
        text = f"Invalid value: {json.dumps([new] if new else [])}: may not change once set"
        yield Cause("spec.clusterIPs[0]", "FieldValueInvalid", text)


def _check_job_update(value: Value, before: Value) -> Iterator[Cause]:
    yield from _fixed("spec", "selector")(value, before)
    yield from _fixed("spec", "completions")(value, before)
    yield from _fixed("spec", "template")(value, before)


def _check_claim_update(value: Value, before: Value) -> Iterator[Cause]:
    def fixed_part(claim: Value) -> dict[str, Any]:
        changeable = ("resources", "volumeName", "volumeAttributesClassName")
        return {name: v for name, v in claim["spec"].items() if name not in changeable}

    old_volume = before["spec"].get("volumeName")
    new_volume = value["spec"].get("volumeName")
    if fixed_part(value) != fixed_part(before) or (old_volume and old_volume != new_volume):
        text = (
            "Forbidden: spec is immutable after creation except resources.requests and "
            "volumeAttributesClassName for bound claims"
        )
        yield Cause("spec", "FieldValueForbidden", text)


_CHECKS: Mapping[str, Callable[[Value], "Iterator[Cause] | list[Cause]"]] = {
    "pods": _check_pod,
    "deployments.apps": _check_deployment,
    "replicasets.apps": _check_workload,
    "jobs.batch": _check_job,
    "services": _check_service,
    "secrets": _check_secret,
    "configmaps": _check_config_map,
    "persistentvolumeclaims": _check_claim,
    "poddisruptionbudgets.policy": _check_pdb,
    "endpoints": _check_endpoints,
    "events": _check_event,
    "customresourcedefinitions.apiextensions.k8s.io": check_crd,
}

_UPDATE_CHECKS: Mapping[str, Callable[[Value, Value], Iterator[Cause]]] = {
    "pods": check_pod_update,
    "deployments.apps": _fixed("spec", "selector"),
    "replicasets.apps": _fixed("spec", "selector"),
    "jobs.batch": _check_job_update,
    "services": _check_service_update,
    "secrets": _check_secret_update,
    "configmaps": _check_frozen,
    "persistentvolumeclaims": _check_claim_update,
    "rolebindings.rbac.authorization.k8s.io": _fixed("roleRef"),
    "clusterrolebindings.rbac.authorization.k8s.io": _fixed("roleRef"),
    "storageclasses.storage.k8s.io": _fixed("provisioner"),
    "customresourcedefinitions.apiextensions.k8s.io": check_crd_update,
}
