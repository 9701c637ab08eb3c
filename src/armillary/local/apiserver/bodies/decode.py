"""Request bodies: JSON, YAML or the protobuf that programs in Go send. I/O: reads package data."""

from typing import Any

import msgspec

from armillary.base.errors import InputError
from armillary.local.apiserver.bodies.protobuf import MEDIA_TYPE as PROTOBUF
from armillary.local.apiserver.bodies.protobuf import decode_protobuf
from armillary.local.apiserver.status import bad_request, unsupported_media_type
from armillary.local.apiserver.store.records import decode_json

_JSON_ENDINGS = ("json", "+json")
_ACCEPTED = ("application/json", "application/yaml", PROTOBUF)

_YAML_NODES_MAX = 500_000  # aliases make small documents big

BODY_BYTES_MAX = 3 * 2**20  # as the real server: etcd takes no larger values either


def decode_body(body: bytes, content_type: str) -> Any:
    """Return what a body holds; None when it is empty.

    Raises:
        StatusError: malformed, or a media type that we do not read.
    """
    if not body:
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        if media_type == PROTOBUF:
            return decode_protobuf(body)
        if media_type == "" or media_type.endswith(_JSON_ENDINGS):
            return decode_json(body)
        if media_type.endswith("yaml"):
            return _decode_yaml(body)
    except InputError as error:
        raise bad_request(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    except RecursionError as error:
        raise bad_request("the body is nested too deeply") from error
    raise unsupported_media_type(_ACCEPTED)


def _decode_yaml(body: bytes) -> Any:
    """Read YAML; most of it is JSON, which needs no YAML parser."""
    try:
        return decode_json(body)
    except msgspec.DecodeError:
        pass
    import yaml  # noqa: PLC0415 (clients that send YAML are rare, and the parser is not small)

    try:
        value = yaml.safe_load(body)
    except (yaml.YAMLError, ValueError) as error:
        raise bad_request(f"error converting YAML to JSON: {error}") from error
    if _expanded_count(value, {}) > _YAML_NODES_MAX:
        raise bad_request("error converting YAML to JSON: document contains excessive aliasing")
    return value


def _expanded_count(value: Any, counts: dict[int, int]) -> int:
    """Count the values of a document with each alias as what it stands for; walks each once."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) in counts:
        return counts[id(value)]
    counts[id(value)] = _YAML_NODES_MAX + 1  # what contains itself has no end
    children = value.values() if isinstance(value, dict) else value
    counts[id(value)] = 1 + sum(_expanded_count(child, counts) for child in children)
    return counts[id(value)]
