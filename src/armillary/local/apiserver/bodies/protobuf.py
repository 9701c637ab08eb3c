"""Read the few protobuf bodies that kubectl sends: `kubectl create configmap` and friends. Pure.

kubectl's generators send protobuf and do not fall back to JSON. The answer may be JSON. Only the
kinds and fields in the tables are read; a body with more is refused, never read in part.

Source: k8s.io/apimachinery runtime.Unknown; k8s.io/api/core/v1/generated.proto.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from armillary.base.errors import InputError
from armillary.local.apiserver.bodies.protobuf_kinds import KINDS, TYPE_META, Table

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\0"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def decode_protobuf(body: bytes) -> dict[str, Any]:
    """Return the object in a protobuf body, as its JSON form.

    Raises:
        InputError: not Kubernetes' envelope, damaged, or a kind that has no table here.
    """
    if not body.startswith(_MAGIC):
        raise InputError("the body is not a Kubernetes protobuf: it lacks the magic prefix")
    envelope = _decode(body[len(_MAGIC) :], {1: ("type", TYPE_META), 2: ("raw", "raw")})
    kind = envelope.get("type", {}).get("kind", "")
    if kind not in KINDS:
        raise InputError(f"no protobuf form of {kind or 'this kind'} is known here: send JSON")
    value = _decode(envelope.get("raw", b""), KINDS[kind])
    return {"apiVersion": envelope["type"].get("apiVersion", "v1"), "kind": kind, **value}


def _decode(data: bytes, table: Table) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for number, raw in _fields(data):
        if number not in table:
            if raw:
                raise InputError(f"protobuf field {number} is not known here: send JSON")
            continue  # Go writes its zero values too
        name, form = table[number]
        if isinstance(form, tuple):
            result.setdefault(name, []).append(_value(raw, form[1]))
        elif isinstance(form, str) and form.startswith("[]"):
            result.setdefault(name, []).append(_value(raw, form[2:]) or "")
        elif isinstance(form, str) and form.startswith("{}"):
            entry = _decode(_bytes(raw), {1: ("key", "s"), 2: ("value", form[2:])})
            result.setdefault(name, {})[entry.get("key", "")] = entry.get("value", "")
        elif (value := _value(raw, form)) is not None:
            result[name] = value
    return result


def _value(raw: "int | bytes", form: Any) -> Any:
    """Return one value in its JSON form; None for what counts as absent."""
    if isinstance(form, Mapping):
        return _decode(_bytes(raw), form)
    match form:
        case "s":
            return _text(_bytes(raw)) or None
        case "B":
            return base64.b64encode(_bytes(raw)).decode()
        case "b":
            return bool(raw)
        case "z":
            return raw or None
        case "I":
            parts = _decode(_bytes(raw), {1: ("is_text", "z"), 2: ("n", "z"), 3: ("text", "s")})
            return parts.get("text", "") if parts.get("is_text") else parts.get("n", 0)
        case "-":
            return None
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
