"""What Kubernetes refuses in a pod's spec, also inside the template of whatever makes pods. Pure.

What is stored is what the kubelet has to live with: a pod that it could not even read would be
there for good.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from armillary.local.apiserver.objects.causes import (
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from armillary.local.apiserver.objects.container_checks import check_container
from armillary.local.apiserver.objects.volume_checks import check_volumes
from armillary.local.apiserver.status import Cause

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_CHANGEABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")


def check_pod_spec(spec: Mapping[str, Any], path: str) -> Iterator[Cause]:
    """Yield what is wrong with a spec that has its defaults and the shape of its schema."""
    yield from check_volumes(spec.get("volumes") or (), f"{path}.volumes")
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    yield from _check_containers(spec, path)
    policy = spec.get("restartPolicy", "Always")
    if policy not in _RESTART_POLICIES:
        yield unsupported(f"{path}.restartPolicy", policy, _RESTART_POLICIES)
    grace_s, deadline_s = spec["terminationGracePeriodSeconds"], spec.get("activeDeadlineSeconds")
    if grace_s < 0:
        why = "must be greater than or equal to 0"
        yield invalid(f"{path}.terminationGracePeriodSeconds", grace_s, why)
    if deadline_s is not None and deadline_s < 1:
        why = "must be between 1 and 2147483647, inclusive"
        yield invalid(f"{path}.activeDeadlineSeconds", deadline_s, why)
    for name in ("hostname", "subdomain"):
        if spec.get(name) and not _DNS_LABEL.fullmatch(spec[name]):
            yield invalid(f"{path}.{name}", spec[name], _LABEL_TEXT)
    if spec.get("ephemeralContainers"):
        why = "cannot be set on create"
        yield forbidden(f"{path}.ephemeralContainers", why)


def _check_containers(spec: Mapping[str, Any], path: str) -> Iterator[Cause]:
    volumes = [volume["name"] for volume in spec.get("volumes") or ()]
    seen: list[str] = []
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            where = f"{path}.{field}[{index}]"
            name = container["name"]
            if not name:
                yield required(f"{where}.name")
            elif not _DNS_LABEL.fullmatch(name):
                yield invalid(f"{where}.name", name, _LABEL_TEXT)
            if name in seen:
                yield duplicate(f"{where}.name", name)
            seen.append(name)
            yield from _check_role(container, where, is_init=field == "initContainers")
            yield from check_container(container, where, volumes)


def _check_role(container: Mapping[str, Any], path: str, *, is_init: bool) -> Iterator[Cause]:
    if container.get("restartPolicy") is not None:
        why = "may not be set for non-init containers"
        if is_init:  # it would be waited for until it ends, which it never does
            why = "init containers that go on running (sidecars) are not offered by this kubelet"
        yield forbidden(f"{path}.restartPolicy", why)
    for name in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle"):
        if is_init and container.get(name):
            yield forbidden(f"{path}.{name}", "may not be set for init containers")


def check_pod_update(value: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Cause]:
    """A pod's spec is fixed, but for images, tolerations and a few numbers."""
    old, new = _fixed_part(before["spec"]), _fixed_part(value["spec"])
    if not before["spec"].get("nodeName"):
        new.pop("nodeName", None)  # binding: once
    if old != new:
        why = (
            "pod updates may not change fields other than "
            "`spec.containers[*].image`,`spec.initContainers[*].image`,"
            "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
            "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
            "was previously negative)"
        )
        yield forbidden("spec", why)


def _fixed_part(spec: Mapping[str, Any]) -> dict[str, Any]:
    fixed = {name: value for name, value in spec.items() if name not in _CHANGEABLE}
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [_without_image(container) for container in fixed[field]]
    return fixed


def _without_image(container: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in container.items() if name != "image"}
