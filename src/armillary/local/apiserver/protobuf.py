"""Read the few protobuf bodies that kubectl sends: `kubectl create configmap` and friends. Pure.

kubectl's generators send protobuf and do not fall back to JSON. The answer may be JSON. Only the
kinds and fields in the tables below are read.

Source: k8s.io/apimachinery runtime.Unknown; k8s.io/api/core/v1/generated.proto.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from armillary.base.errors import InputError

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\0"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# field number -> (JSON name, form). Forms: s string, b bool, i integer, B bytes as base64,
# a `[]` before a form a list, `{}` before it a map from strings; a dict is a nested message.
_Table = Mapping[int, tuple[str, Any]]

_OWNER: _Table = {
    1: ("kind", "s"),
    3: ("name", "s"),
    4: ("uid", "s"),
    5: ("apiVersion", "s"),
    6: ("controller", "b"),
    7: ("blockOwnerDeletion", "b"),
}
_META: _Table = {
    1: ("name", "s"),
    2: ("generateName", "s"),
    3: ("namespace", "s"),
    5: ("uid", "s"),
    6: ("resourceVersion", "s"),
    11: ("labels", "{}s"),
    12: ("annotations", "{}s"),
    13: ("ownerReferences", ("[]", _OWNER)),
    14: ("finalizers", "[]s"),
}
_REFERENCE: _Table = {1: ("kind", "s"), 2: ("namespace", "s"), 3: ("name", "s"), 4: ("uid", "s")}
_RESOURCE_ATTRIBUTES: _Table = {
    1: ("namespace", "s"),
    2: ("verb", "s"),
    3: ("group", "s"),
    4: ("version", "s"),
    5: ("resource", "s"),
    6: ("subresource", "s"),
    7: ("name", "s"),
}
_NON_RESOURCE: _Table = {1: ("path", "s"), 2: ("verb", "s")}
_KINDS: Mapping[str, _Table] = {
    "ConfigMap": {
        1: ("metadata", _META),
        2: ("data", "{}s"),
        3: ("binaryData", "{}B"),
        4: ("immutable", "b"),
    },
    "Secret": {
        1: ("metadata", _META),
        2: ("data", "{}B"),
        3: ("type", "s"),
        4: ("stringData", "{}s"),
        5: ("immutable", "b"),
    },
    "Namespace": {1: ("metadata", _META), 2: ("spec", {1: ("finalizers", "[]s")})},
    "ServiceAccount": {
        1: ("metadata", _META),
        2: ("secrets", ("[]", _REFERENCE)),
        3: ("imagePullSecrets", ("[]", {1: ("name", "s")})),
        4: ("automountServiceAccountToken", "b"),
    },
    "SelfSubjectAccessReview": {
        1: ("metadata", _META),
        2: (
            "spec",
            {
                1: ("resourceAttributes", _RESOURCE_ATTRIBUTES),
                2: ("nonResourceAttributes", _NON_RESOURCE),
            },
        ),
    },
    "SelfSubjectRulesReview": {1: ("metadata", _META), 2: ("spec", {1: ("namespace", "s")})},
    "SelfSubjectReview": {1: ("metadata", _META)},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", "i"),
        2: ("preconditions", {1: ("uid", "s"), 2: ("resourceVersion", "s")}),
        3: ("orphanDependents", "b"),
        4: ("propagationPolicy", "s"),
        5: ("dryRun", "[]s"),
    },
}


def decode_protobuf(body: bytes) -> dict[str, Any]:
    """Return the object in a protobuf body, as its JSON form.

    Raises:
        InputError: not Kubernetes' envelope, damaged, or a kind that has no table here.
    """
    if not body.startswith(_MAGIC):
        raise InputError("the body is not a Kubernetes protobuf: it lacks the magic prefix")
    envelope = _decode(body[len(_MAGIC) :], {1: ("type", _TYPE_META), 2: ("raw", "raw")})
    kind = envelope.get("type", {}).get("kind", "")
    if kind not in _KINDS:
        raise InputError(f"no protobuf form of {kind or 'this kind'} is known here: send JSON")
    value = _decode(envelope.get("raw", b""), _KINDS[kind])
    return {"apiVersion": envelope["type"].get("apiVersion", "v1"), "kind": kind, **value}


_TYPE_META: _Table = {1: ("apiVersion", "s"), 2: ("kind", "s")}


def _decode(data: bytes, table: _Table) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for number, raw in _fields(data):
        if number not in table:
            continue
        name, form = table[number]
        if isinstance(form, tuple):
            result.setdefault(name, []).append(_value(raw, form[1]))
        elif isinstance(form, str) and form.startswith("[]"):
            result.setdefault(name, []).append(_value(raw, form[2:]))
        elif isinstance(form, str) and form.startswith("{}"):
            entry = _decode(_bytes(raw), {1: ("key", "s"), 2: ("value", form[2:])})
            empty = "" if form[2:] in ("s", "B") else None
            result.setdefault(name, {})[entry.get("key", "")] = entry.get("value", empty)
        elif (value := _value(raw, form)) != "":
            result[name] = value
    return result


def _value(raw: "int | bytes", form: Any) -> Any:
    if isinstance(form, Mapping):
        return _decode(_bytes(raw), form)
    match form:
        case "s":
            return _text(_bytes(raw))
        case "B":
            return base64.b64encode(_bytes(raw)).decode()
        case "b":
            return bool(raw)
        case _:
            return raw


def _bytes(raw: "int | bytes") -> bytes:
    if isinstance(raw, int):
        raise InputError("damaged protobuf: a number where bytes belong")
    return raw


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"damaged protobuf: {error}") from error


def _fields(data: bytes) -> Iterator[tuple[int, "int | bytes"]]:
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            length, position = _varint(data, position)
        elif wire_type in (_FIXED32, _FIXED64):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise InputError(f"damaged protobuf: wire type {wire_type}")
        if position + length > len(data):
            raise InputError("damaged protobuf: it ends inside a field")
        yield number, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise InputError("damaged protobuf: it ends inside a number")
