"""Read the protobuf bodies that kubectl and other programs in Go send. I/O: reads package data.

They do not fall back to JSON. The answer may be JSON. Only the kinds and fields in the tables are
read; a body with more is refused, never read in part.

Source: k8s.io/apimachinery runtime.Unknown; k8s.io/api/core/v1/generated.proto.
"""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from armillary.base.errors import InputError
from armillary.local.apiserver.bodies.protobuf_tables import Table, read_tables
from armillary.local.apiserver.store.records import decode_json

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\0"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TYPE_META: Table = {1: ("apiVersion", "s"), 2: ("kind", "s")}
_INT_OR_TEXT: Table = {1: ("is_text", "i"), 2: ("n", "i"), 3: ("text", "s")}
_TIME: Table = {1: ("seconds", "i"), 2: ("nanos", "i")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode_protobuf(body: bytes) -> dict[str, Any]:
    """Return the object in a protobuf body, as its JSON form.

    Raises:
        InputError: not Kubernetes' envelope, damaged, or a kind that has no table here.
    """
    if not body.startswith(_MAGIC):
        raise InputError("the body is not a Kubernetes protobuf: it lacks the magic prefix")
    fields = dict(_fields(body[len(_MAGIC) :]))
    if fields.get(3):
        raise InputError(
            "a protobuf body that is encoded once more is not read here: send it plain"
        )
    meta = _decode(_bytes(fields.get(1, b"")), _TYPE_META)
    kind = meta.get("kind", "")
    table = read_tables().of_kind(kind)
    if table is None:
        raise InputError(f"no protobuf form of {kind or 'this kind'} is known here: send JSON")
    value = _decode(_bytes(fields.get(2, b"")), table)
    return {"apiVersion": meta.get("apiVersion") or "v1", "kind": kind, **value}


def _decode(data: bytes, table: Table) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for number, raw in _fields(data):
        if number not in table:
            if raw:
                raise InputError(f"protobuf field {number} is not known here: send JSON")
            continue  # Go writes its zero values too
        name, form = table[number]
        if not name:
            result.update(_value(raw, form))
        elif form.startswith("[]"):
            result.setdefault(name, []).append(_value(raw, form[2:]))
        elif form.startswith("{}"):
            entry = _decode(_bytes(raw), {1: ("key", "s"), 2: ("value", form[2:])})
            zero = "" if form in ("{}s", "{}B") else None
            result.setdefault(name, {})[entry.get("key", "")] = entry.get("value", zero)
        elif (value := _value(raw, form)) is not None:
            result[name] = value
    return result


def _value(raw: int | bytes, form: str) -> Any:
    """Return one value in its JSON form; None for what counts as absent."""
    if form.startswith("@"):
        return _decode(_bytes(raw), read_tables().of_message(form[1:]))
    if form.endswith("0"):
        return _value(raw, form[0]) or None
    return _READERS[form](raw)


def _integer(raw: int | bytes) -> int:
    if not isinstance(raw, int):
        raise InputError("damaged protobuf: bytes where a number belongs")
    return raw - (1 << 64) if raw >= 1 << 63 else raw


def _text_of(raw: int | bytes) -> str:
    try:
        return _bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"damaged protobuf: {error}") from error


def _quantity(raw: int | bytes) -> str:
    return str(_decode(_bytes(raw), {1: ("text", "s")}).get("text", "0"))


def _int_or_text(raw: int | bytes) -> int | str:
    parts = _decode(_bytes(raw), _INT_OR_TEXT)
    value: int | str = parts.get("text", "") if parts.get("is_text") else parts.get("n", 0)
    return value


def _json(raw: int | bytes) -> Any:
    return decode_json(_bytes(dict(_fields(_bytes(raw))).get(1, b"")) or b"{}")


def _time(raw: int | bytes, unit: str = "seconds") -> str | None:
    parts = _decode(_bytes(raw), _TIME)
    seconds, nanos = parts.get("seconds", 0), parts.get("nanos", 0)
    if not seconds and not nanos:
        return None
    try:
        moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError as error:
        raise InputError(f"damaged protobuf: no time has {seconds} seconds") from error
    return moment.isoformat(timespec=unit).replace("+00:00", "Z")


_READERS: dict[str, Callable[[int | bytes], Any]] = {
    "s": _text_of,
    "b": lambda raw: bool(_integer(raw)),
    "i": _integer,
    "B": lambda raw: base64.b64encode(_bytes(raw)).decode(),
    "Q": _quantity,
    "I": _int_or_text,
    "F": _json,
    "T": _time,
    "M": lambda raw: _time(raw, "microseconds"),
}


def _bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise InputError("damaged protobuf: a number where bytes belong")
    return raw


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
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
