"""What every object has: fields that the server sets, keeps and refuses; random names. No I/O."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.status import Cause

_NAME_BYTES_MAX = 253
_LABEL_BYTES_MAX = 63
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes': no vowels, so no words
_SUFFIX_LENGTH = 5
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_PATH_SEGMENT = re.compile(r"(?!\.\.?$)[^/%]+")
_QUALIFIED = re.compile(r"(?:[a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', "
    " or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_QUALIFIED_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)

# What only the server writes; it survives whatever an update says.
_KEPT = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
    "generateName",
)


def generate_name(prefix: str) -> str:
    """Return `prefix` with a random suffix, as generateName asks for."""
    room = _LABEL_BYTES_MAX - _SUFFIX_LENGTH
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(_SUFFIX_LENGTH))
    return prefix[:room] + suffix


def start_metadata(value: dict[str, Any], resource: Resource, *, uid: str, now: str) -> None:
    """Set what a new object gets from the server, in place."""
    metadata = value["metadata"]
    for name in ("resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"):
        metadata.pop(name, None)
    metadata["uid"] = uid
    metadata["creationTimestamp"] = now
    metadata.pop("generation", None)
    if resource.has_generation:
        metadata["generation"] = 1
    _drop_empty(metadata)


def carry_metadata(value: dict[str, Any], before: Mapping[str, Any]) -> None:
    """Restore in `value` what an update may not change, in place."""
    metadata, old = value["metadata"], before["metadata"]
    for name in _KEPT:
        if name in old:
            metadata[name] = old[name]
        else:
            metadata.pop(name, None)
    _drop_empty(metadata)


def _drop_empty(metadata: dict[str, Any]) -> None:
    for name in ("labels", "annotations"):
        if metadata.get(name, 0) in ({}, None):
            del metadata[name]
    for name in ("finalizers", "ownerReferences", "managedFields"):
        if metadata.get(name, 0) in ([], None):
            del metadata[name]


def count_generation(value: dict[str, Any], before: Mapping[str, Any], resource: Resource) -> None:
    """Raise metadata.generation when something besides metadata and status changed."""
    if not resource.has_generation:
        return
    outside = ("metadata", "status") if resource.has_status else ("metadata",)
    names = (value.keys() | before.keys()) - set(outside)
    if any(value.get(name) != before.get(name) for name in names):
        value["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1


def check_metadata(value: Mapping[str, Any], resource: Resource) -> list[Cause]:
    metadata = value["metadata"]
    causes = list(_check_name(metadata["name"], resource))
    for kind in ("labels", "annotations"):
        causes += check_pairs(metadata.get(kind) or {}, f"metadata.{kind}")
    for index, reference in enumerate(metadata.get("ownerReferences") or ()):
        causes += _check_owner(reference, f"metadata.ownerReferences[{index}]")
    return causes


def check_deletion(value: Mapping[str, Any], before: Mapping[str, Any]) -> list[Cause]:
    """An object that is being deleted takes no new finalizers."""
    if "deletionTimestamp" not in before["metadata"]:
        return []
    added = set(value["metadata"].get("finalizers") or ()) - set(
        before["metadata"].get("finalizers") or ()
    )
    if not added:
        return []
    listed = json.dumps(sorted(added), separators=(",", ":"))
    text = (
        "Forbidden: no new finalizers can be added if the object is being deleted, "
        f"found new finalizers []string{{{listed[1:-1]}}}"
    )
    return [Cause("metadata.finalizers", "FieldValueForbidden", text)]


def _check_name(name: str, resource: Resource) -> Iterator[Cause]:
    pattern, text, bytes_max = _SUBDOMAIN, _SUBDOMAIN_TEXT, _NAME_BYTES_MAX
    if resource.storage_name == "namespaces":
        pattern, text, bytes_max = _DNS_LABEL, _LABEL_TEXT, _LABEL_BYTES_MAX
    elif resource.storage_name == "services":
        pattern, text, bytes_max = _DNS_LABEL_1035, _LABEL_1035_TEXT, _LABEL_BYTES_MAX
    elif resource.group == "rbac.authorization.k8s.io":
        pattern, text = _PATH_SEGMENT, "may not contain '/' or '%'"
    if len(name) > bytes_max:
        why = f"must be no more than {bytes_max} characters"
    elif not pattern.fullmatch(name):
        why = text
    else:
        return
    yield Cause("metadata.name", "FieldValueInvalid", f"Invalid value: {json.dumps(name)}: {why}")


def check_pairs(pairs: Mapping[str, Any], path: str) -> Iterator[Cause]:
    for key, value in pairs.items():
        name = key.rpartition("/")[2]
        if not _QUALIFIED.fullmatch(key) or len(name) > _LABEL_BYTES_MAX:
            why = f"Invalid value: {json.dumps(key)}: {_QUALIFIED_TEXT}"
            yield Cause(path, "FieldValueInvalid", why)
        if path == "metadata.annotations" or not isinstance(value, str):
            continue
        if len(value) > _LABEL_BYTES_MAX:
            why = f"must be no more than {_LABEL_BYTES_MAX} bytes"
        elif not _LABEL_VALUE.fullmatch(value):
            why = _LABEL_VALUE_TEXT
        else:
            continue
        yield Cause(path, "FieldValueInvalid", f"Invalid value: {json.dumps(value)}: {why}")


def _check_owner(reference: Mapping[str, Any], path: str) -> Iterator[Cause]:
    for name in ("apiVersion", "kind", "name", "uid"):
        if not reference.get(name):
            text = f'Invalid value: "": {name} must not be empty'
            yield Cause(f"{path}.{name}", "FieldValueInvalid", text)
