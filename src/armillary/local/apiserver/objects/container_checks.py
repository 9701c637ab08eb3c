"""What Kubernetes refuses in one container of a pod. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from armillary.base.errors import InputError
from armillary.kube.quantities import parse_quantity
from armillary.local.apiserver.objects.causes import (
    duplicate,
    forbidden,
    invalid,
    not_found,
    required,
    unsupported,
)
from armillary.local.apiserver.objects.volume_checks import check_relative_path
from armillary.local.apiserver.status import Cause

Value = Mapping[str, Any]

_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
_ENV_NAME = re.compile(r"[ -<>-~]+")  # printable ASCII without "="
_QUANTITY_TEXT = "quantities must match the regular expression '%s'"
_QUANTITY_PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOKS = ("exec", "httpGet", "tcpSocket", "sleep")
_KEY_SOURCES = ("configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef")
_OBJECT_SOURCES = ("configMapRef", "secretRef")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
# The least that each number of a probe may be.
_PROBE_LEAST = {
    "initialDelaySeconds": 0,
    "timeoutSeconds": 1,
    "periodSeconds": 1,
    "successThreshold": 1,
    "failureThreshold": 1,
    "terminationGracePeriodSeconds": 1,
}


def check_container(container: Value, path: str, volumes: Sequence[str]) -> Iterator[Cause]:
    if not container.get("image"):
        yield required(f"{path}.image")
    policy = container.get("imagePullPolicy", "Always")
    if policy not in _PULL_POLICIES:
        yield unsupported(f"{path}.imagePullPolicy", policy, _PULL_POLICIES)
    yield from _check_ports(container.get("ports") or (), f"{path}.ports")
    yield from _check_env(container, path)
    yield from _check_mounts(container.get("volumeMounts") or (), f"{path}.volumeMounts", volumes)
    for name in _PROBES:
        if container.get(name) is not None:
            yield from _check_probe(container[name], f"{path}.{name}", name)
    for name, hook in (container.get("lifecycle") or {}).items():
        if isinstance(hook, Mapping):
            yield from _check_handler(hook, f"{path}.lifecycle.{name}", _HOOKS)
    yield from _check_resources(container.get("resources") or {}, f"{path}.resources")


def _check_ports(ports: Sequence[Value], path: str) -> Iterator[Cause]:
    names: list[str] = []
    for index, port in enumerate(ports):
        where, name = f"{path}[{index}]", port.get("name")
        if name and not _PORT_NAME.fullmatch(name):
            why = (
                "must be no more than 15 characters, contain at least one letter (a-z), only "
                "a-z, 0-9 and '-', and neither begin, end nor double a '-'"
            )
            yield invalid(f"{where}.name", name, why)
        elif name in names:
            yield duplicate(f"{where}.name", name)
        names += [name] if name else []
        yield from _check_port_number(port["containerPort"], f"{where}.containerPort")


def _check_port_number(port: int, path: str) -> Iterator[Cause]:
    if not 1 <= port <= 65535:
        yield invalid(path, port, "must be between 1 and 65535, inclusive")


def _check_env(container: Value, path: str) -> Iterator[Cause]:
    for index, variable in enumerate(container.get("env") or ()):
        yield from _check_variable(variable, f"{path}.env[{index}]")
    for index, source in enumerate(container.get("envFrom") or ()):
        where = f"{path}.envFrom[{index}]"
        yield from _check_one_of(source, where, _OBJECT_SOURCES)
        yield from _check_object_names(source, where, _OBJECT_SOURCES)


def _check_variable(variable: Value, path: str) -> Iterator[Cause]:
    if not _ENV_NAME.fullmatch(variable["name"]):
        why = (
            "a valid environment variable name must consist only of printable ASCII characters "
            "other than '='"
        )
        yield invalid(f"{path}.name", variable["name"], why)
    if "\0" in (variable.get("value") or ""):
        yield invalid(f"{path}.value", variable["value"], "must not contain a NUL")
    source = variable.get("valueFrom")
    if source is not None:
        if variable.get("value"):
            why = "may not be specified when `value` is not empty"
            yield invalid(f"{path}.valueFrom", "", why)
        yield from _check_one_of(source, f"{path}.valueFrom", _KEY_SOURCES)
        yield from _check_object_names(source, f"{path}.valueFrom", _KEY_SOURCES[:2])


def _check_object_names(source: Value, path: str, kinds: Sequence[str]) -> Iterator[Cause]:
    for name in kinds:
        if name in source and not source[name].get("name"):
            yield required(f"{path}.{name}.name")


def _check_one_of(value: Value, path: str, names: Sequence[str]) -> Iterator[Cause]:
    found = [name for name in names if value.get(name) is not None]
    if not found:
        yield invalid(path, "", f"must specify one of: {', '.join(f'`{n}`' for n in names)}")
    elif len(found) > 1:
        yield invalid(path, "", "may not have more than one field specified at a time")


def _check_mounts(mounts: Sequence[Value], path: str, volumes: Sequence[str]) -> Iterator[Cause]:
    targets: list[str] = []
    for index, mount in enumerate(mounts):
        where, target = f"{path}[{index}]", mount["mountPath"]
        if mount["name"] not in volumes:
            yield not_found(f"{where}.name", mount["name"])
        if not target:
            yield required(f"{where}.mountPath")
        elif not target.startswith("/") or ".." in target.split("/") or "\0" in target:
            yield invalid(f"{where}.mountPath", target, "must be an absolute path without '..'")
        elif target in targets:
            yield invalid(f"{where}.mountPath", target, "must be unique")
        targets.append(target)
        if mount.get("subPath") and mount.get("subPathExpr"):
            yield invalid(
                f"{where}.subPathExpr",
                mount["subPathExpr"],
                "subPathExpr and subPath are mutually exclusive",
            )
        for name in ("subPath", "subPathExpr"):
            if mount.get(name):
                yield from check_relative_path(mount[name], f"{where}.{name}")


def _check_probe(probe: Value, path: str, kind: str) -> Iterator[Cause]:
    yield from _check_handler(probe, path, _HANDLERS)
    for name, least in _PROBE_LEAST.items():
        if name in probe and probe[name] < least:
            yield invalid(
                f"{path}.{name}", probe[name], f"must be greater than or equal to {least}"
            )
    if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        yield invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")
    if kind == "readinessProbe" and "terminationGracePeriodSeconds" in probe:
        why = "must not be set for readinessProbes"
        yield forbidden(f"{path}.terminationGracePeriodSeconds", why)


def _check_handler(handler: Value, path: str, kinds: Sequence[str]) -> Iterator[Cause]:
    found = [name for name in kinds if handler.get(name) is not None]
    if not found:
        yield required(path, "must specify a handler type")
    for name in found[1:]:
        yield forbidden(f"{path}.{name}", "may not specify more than 1 handler type")
    if "exec" in found and not handler["exec"].get("command"):
        yield required(f"{path}.exec.command")
    for name in ("httpGet", "tcpSocket", "grpc"):
        port = handler[name]["port"] if name in found else 1
        if isinstance(port, int):
            yield from _check_port_number(port, f"{path}.{name}.port")
        elif not _PORT_NAME.fullmatch(port):
            yield invalid(f"{path}.{name}.port", port, "must be the name or number of a port")


def _check_resources(resources: Value, path: str) -> Iterator[Cause]:
    amounts: dict[tuple[str, str], float] = {}
    for field in ("limits", "requests"):
        for name, text in (resources.get(field) or {}).items():
            where = f"{path}.{field}[{name}]"
            try:
                amounts[field, name] = parse_quantity(text)
            except InputError:
                yield invalid(where, text, _QUANTITY_TEXT % _QUANTITY_PATTERN)
            else:
                if amounts[field, name] < 0:
                    yield invalid(where, text, "must be greater than or equal to 0")
    for (field, name), amount in amounts.items():
        if field == "requests" and amount > amounts.get(("limits", name), amount):
            shown, limit = resources["requests"][name], resources["limits"][name]
            why = f"must be less than or equal to {name} limit of {limit}"
            yield invalid(f"{path}.requests", shown, why)
