"""Defaults and checks of a pod's spec, also inside the template of whatever makes pods. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from armillary.local.apiserver.status import Cause

Json = dict[str, Any]

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_QUANTITY = re.compile(
    r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?", re.ASCII
)
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_CHANGEABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")


def default_pod_spec(spec: Json) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if "serviceAccountName" in spec:
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        _default_container(container)
    for volume in spec.get("volumes") or ():
        _default_volume(volume)


def default_pod(pod: Json) -> None:
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    status = pod.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status.setdefault("qosClass", _qos_class(spec))


def _default_container(container: Json) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})
    image = container.get("image", "")
    tag = image.rpartition("/")[2].partition(":")[2]
    latest = "@" not in image and tag in ("", "latest")
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _default_probe(container[name])
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            reference.setdefault("apiVersion", "v1")
    # A limit without a request is a request.
    resources = container["resources"]
    for name, quantity in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, quantity)


def _default_probe(probe: Json) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


def _default_volume(volume: Json) -> None:
    for name in ("secret", "configMap", "projected", "downwardAPI"):
        if name in volume:
            volume[name].setdefault("defaultMode", 0o644)
    if volume.keys() == {"name"}:
        volume["emptyDir"] = {}
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")


def _qos_class(spec: Mapping[str, Any]) -> str:
    containers = spec.get("containers") or ()
    resources = [container.get("resources") or {} for container in containers]
    if not any(r.get("limits") or r.get("requests") for r in resources):
        return "BestEffort"
    for r in resources:
        limits = r.get("limits") or {}
        if limits.keys() < {"cpu", "memory"} or limits != (r.get("requests") or limits):
            return "Burstable"
    return "Guaranteed"


def check_pod_spec(spec: Mapping[str, Any], path: str) -> Iterator[Cause]:
    containers = spec.get("containers") or ()
    if not containers:
        yield Cause(f"{path}.containers", "FieldValueRequired", "Required value")
    volumes = [volume.get("name", "") for volume in spec.get("volumes") or ()]
    yield from _check_unique(volumes, f"{path}.volumes")
    names = [
        container.get("name", "")
        for container in [*containers, *(spec.get("initContainers") or ())]
    ]
    yield from _check_unique(names, f"{path}.containers")
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield from _check_container(container, f"{path}.{field}[{index}]", volumes)
    policy = spec.get("restartPolicy", "Always")
    yield from _check_one_of(policy, ("Always", "Never", "OnFailure"), f"{path}.restartPolicy")


def _check_container(
    container: Mapping[str, Any], path: str, volumes: Sequence[str]
) -> Iterator[Cause]:
    name = container.get("name", "")
    if not name:
        yield Cause(f"{path}.name", "FieldValueRequired", "Required value")
    elif not _DNS_LABEL.fullmatch(name):
        text = (
            f'Invalid value: "{name}": a lowercase RFC 1123 label must consist of lower case '
            "alphanumeric characters or '-', and must start and end with an alphanumeric "
            "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        )
        yield Cause(f"{path}.name", "FieldValueInvalid", text)
    if not container.get("image"):
        yield Cause(f"{path}.image", "FieldValueRequired", "Required value")
    policy = container.get("imagePullPolicy", "Always")
    yield from _check_one_of(policy, _PULL_POLICIES, f"{path}.imagePullPolicy")
    yield from _check_resources(container.get("resources") or {}, f"{path}.resources")
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            text = f'Not found: "{mount.get("name")}"'
            yield Cause(f"{path}.volumeMounts[{index}].name", "FieldValueNotFound", text)


def _check_one_of(value: str, allowed: Sequence[str], path: str) -> Iterator[Cause]:
    if value not in allowed:
        listed = ", ".join(f'"{name}"' for name in allowed)
        text = f'Unsupported value: "{value}": supported values: {listed}'
        yield Cause(path, "FieldValueNotSupported", text)


def _check_resources(resources: Mapping[str, Any], path: str) -> Iterator[Cause]:
    for field in ("limits", "requests"):
        for name, amount in (resources.get(field) or {}).items():
            if isinstance(amount, bool) or not _QUANTITY.fullmatch(str(amount)):
                text = f'Invalid value: "{amount}": must be an amount such as 500m or 64Mi'
                yield Cause(f"{path}.{field}[{name}]", "FieldValueInvalid", text)


def _check_unique(names: Sequence[str], path: str) -> Iterator[Cause]:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            text = f'Duplicate value: "{name}"'
            yield Cause(f"{path}[{index}].name", "FieldValueDuplicate", text)


def check_pod_update(value: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Cause]:
    """A pod's spec is fixed, but for images, tolerations and a few numbers."""
    old, new = _fixed_part(before["spec"]), _fixed_part(value["spec"])
    if not before["spec"].get("nodeName"):
        new.pop("nodeName", None)  # binding: once
    if old != new:
        text = (
            "Forbidden: pod updates may not change fields other than "
            "`spec.containers[*].image`,`spec.initContainers[*].image`,"
            "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
            "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
            "was previously negative)"
        )
        yield Cause("spec", "FieldValueForbidden", text)


def _fixed_part(spec: Mapping[str, Any]) -> Json:
    fixed = {name: value for name, value in spec.items() if name not in _CHANGEABLE}
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [
                {name: value for name, value in container.items() if name != "image"}
                for container in fixed[field]
            ]
    return fixed
