"""What Kubernetes refuses in a pod's volumes and in the keys that become files of them. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from armillary.local.apiserver.objects.causes import duplicate, forbidden, invalid, required
from armillary.local.apiserver.status import Cause

Value = Mapping[str, Any]

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
    "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def check_volumes(volumes: Sequence[Value], path: str) -> Iterator[Cause]:
    names: list[str] = []
    for index, volume in enumerate(volumes):
        where, name = f"{path}[{index}]", volume["name"]
        if not _DNS_LABEL.fullmatch(name):
            why = "must be a DNS label: lower case letters, digits and '-', at most 63"
            yield invalid(f"{where}.name", name, why)
        elif name in names:
            yield duplicate(f"{where}.name", name)
        names.append(name)
        sources = [key for key in volume if key != "name"]
        if not sources:
            yield required(where, "must specify a volume type")
        for source in sources[1:]:
            yield forbidden(f"{where}.{source}", "may not specify more than 1 volume type")
        for source in sources[:1]:
            yield from _check_source(source, volume[source], f"{where}.{source}")


def _check_source(kind: str, source: Value, path: str) -> Iterator[Cause]:
    name = {"secret": "secretName", "configMap": "name", "hostPath": "path"}.get(kind)
    if name is not None and not source.get(name):
        yield required(f"{path}.{name}")
    if kind == "persistentVolumeClaim" and not source.get("claimName"):
        yield required(f"{path}.claimName")
    if kind == "hostPath" and ".." in (source.get("path") or "").split("/"):
        yield invalid(f"{path}.path", source["path"], "must not contain '..'")
    if kind == "projected":
        for index, part in enumerate(source.get("sources") or ()):
            for inner, value in part.items():
                where = f"{path}.sources[{index}].{inner}"
                if inner in ("secret", "configMap") and not value.get("name"):
                    yield required(f"{where}.name")
                yield from _check_items(inner, value.get("items") or (), where)
    elif kind in ("secret", "configMap", "downwardAPI"):
        yield from _check_items(kind, source.get("items") or (), path)


def _check_items(kind: str, items: Iterable[Value], path: str) -> Iterator[Cause]:
    for index, item in enumerate(items):
        where = f"{path}.items[{index}]"
        yield from check_relative_path(item["path"], f"{where}.path")
        if kind == "downwardAPI" and not (item.get("fieldRef") or item.get("resourceFieldRef")):
            yield required(where, "one of fieldRef and resourceFieldRef is required")
        if not 0 <= item.get("mode", 0) <= 0o777:
            why = "must be a number between 0 and 0777 (octal), both inclusive"
            yield invalid(f"{where}.mode", item["mode"], why)


def check_relative_path(text: str, path: str) -> Iterator[Cause]:
    """A path that is to stay inside its volume."""
    if not text:
        yield required(path)
    elif text.startswith("/"):
        yield invalid(path, text, "must be a relative path")
    elif ".." in text.split("/") or text.startswith(".."):
        yield invalid(path, text, "must not contain '..'")


def check_keys(value: Value) -> Iterator[Cause]:
    """The keys of a secret or a config map: each may become a file."""
    for field in ("data", "binaryData"):
        for key in value.get(field) or ():
            if not _KEY.fullmatch(key) or key in (".", "..") or key.startswith(".."):
                yield invalid(f"{field}[{key}]", key, _KEY_TEXT)
