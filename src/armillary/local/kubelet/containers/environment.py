"""A container's environment and argument expansion, by Kubernetes' rules. Pure."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from armillary.base.errors import InputError
from armillary.kube.quantities import parse_quantity
from armillary.local.kubelet.pod.spec import ContainerSpec, Json, PodSpec

_REFERENCE = re.compile(r"\$(\$|\(([^()\s]+)\))")
_SUBSCRIPT = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")
_ENV_NAME = re.compile(r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")


class ConfigError(InputError):
    """The pod names an object or a key that is not there; Kubernetes waits until it is."""


class NotYetError(ConfigError):
    """What the container needs is on its way: nobody has to act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """What `fieldRef` may ask about the running pod."""

    pod_ip: str
    host_ip: str
    node_name: str
    allocatable: Mapping[str, float] = field(default_factory=dict)  # cpu and memory of the node


# Returns the decoded keys of a Secret or ConfigMap of the pod's namespace, None without one.
ReadKeys = Callable[[str], Mapping[str, bytes] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySources:
    secret: ReadKeys
    config_map: ReadKeys


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)`; `$$(NAME)` stays as `$(NAME)`, and so does an unknown name."""

    def replacement(match: re.Match[str]) -> str:
        if match.group(1) == "$":
            return "$"
        return values.get(match.group(2), match.group(0))

    return _REFERENCE.sub(replacement, text)


def build_environment(
    pod: PodSpec,
    container: ContainerSpec,
    facts: PodFacts,
    sources: KeySources,
    base: Mapping[str, str],
) -> dict[str, str]:
    """Return the variables of one container; `base` is what the image would set.

    Raises:
        ConfigError: a Secret, ConfigMap or key that is not optional is missing.
    """
    env = dict(base)
    for source in container.env_from:
        env |= _read_source(source, sources)
    for variable in container.env:
        name = variable["name"]
        if variable.get("valueFrom"):
            value = _read_value(variable["valueFrom"], pod, container, facts, sources)
            if value is not None:
                env[name] = value
        else:
            env[name] = expand(variable.get("value") or "", env)
    return env


def _read_source(source: Json, sources: KeySources) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    env: dict[str, str] = {}
    for key_field, read, noun in (
        ("configMapRef", sources.config_map, "configmap"),
        ("secretRef", sources.secret, "secret"),
    ):
        reference = source.get(key_field)
        if not reference:
            continue
        keys = read(reference["name"])
        if keys is None:
            if reference.get("optional"):
                continue
            raise ConfigError(f'{noun} "{reference["name"]}" not found')
        for key, data in keys.items():
            if _ENV_NAME.match(prefix + key):
                env[prefix + key] = data.decode("utf-8", "replace")
    return env


def _read_value(
    source: Json,
    pod: PodSpec,
    container: ContainerSpec,
    facts: PodFacts,
    sources: KeySources,
) -> str | None:
    if "fieldRef" in source:
        return read_field(source["fieldRef"]["fieldPath"], pod, facts)
    if "resourceFieldRef" in source:
        return read_resource(source["resourceFieldRef"], container, facts)
    for key_field, read, noun in (
        ("secretKeyRef", sources.secret, "secret"),
        ("configMapKeyRef", sources.config_map, "configmap"),
    ):
        if key_field in source:
            return _read_key(source[key_field], read, noun)
    raise ConfigError(f"unsupported valueFrom {sorted(source)}")


def _read_key(reference: Json, read: ReadKeys, noun: str) -> str | None:
    keys = read(reference["name"])
    optional = bool(reference.get("optional"))
    if keys is None:
        if optional:
            return None
        raise ConfigError(f'{noun} "{reference["name"]}" not found')
    if reference["key"] not in keys:
        if optional:
            return None
        raise ConfigError(f"couldn't find key {reference['key']} in {noun} {reference['name']}")
    return keys[reference["key"]].decode("utf-8", "replace")


def read_field(path: str, pod: PodSpec, facts: PodFacts) -> str:
    """Return the value of a downward API field.

    Raises:
        ConfigError: a field that the downward API does not offer.
    """
    simple = {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "metadata.uid": pod.uid,
        "spec.nodeName": facts.node_name,
        "spec.serviceAccountName": pod.service_account,
        "status.podIP": facts.pod_ip,
        "status.podIPs": facts.pod_ip,
        "status.hostIP": facts.host_ip,
    }
    if path in simple:
        return simple[path]
    match = _SUBSCRIPT.match(path)
    if match:
        fields = pod.labels if match.group(1) == "labels" else pod.annotations
        return fields.get(match.group(2), "")
    if path in ("metadata.labels", "metadata.annotations"):
        fields = pod.labels if path.endswith("labels") else pod.annotations
        return "\n".join(f"{key}={_quoted(value)}" for key, value in sorted(fields.items()))
    raise ConfigError(f"unsupported fieldPath: {path}")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def read_resource(reference: Json, container: ContainerSpec, facts: PodFacts) -> str:
    """Return a `resourceFieldRef`, rounded up; what has no limit is limited by the node."""
    resource = reference["resource"]
    amount = container.amounts.get(resource)
    if amount is None and resource.startswith("limits."):
        amount = facts.allocatable.get(resource.removeprefix("limits."))
    divisor = parse_quantity(reference.get("divisor") or "1") or 1.0
    return str(math.ceil(round((amount or 0.0) / divisor, 6)))


def resolve_argv(container: ContainerSpec, env: Mapping[str, str]) -> list[str]:
    """Return the words to run. There are no images, so no entry point stands before the arguments.

    Raises:
        ConfigError: nothing to run.
    """
    words = [expand(word, env) for word in (*container.command, *container.args)]
    if not words:
        raise ConfigError(
            f"container {container.name} names no command, and image {container.image!r} "
            "has no entry point here"
        )
    return words
