"""The protobuf bodies of kubectl's generators."""

import contextlib

import pytest

from armillary.base.errors import InputError
from armillary.local.apiserver.bodies.protobuf import decode_protobuf


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: "int | bytes | str") -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def envelope(kind: str, raw: bytes, api_version: str = "v1") -> bytes:
    type_meta = field(1, api_version) + field(2, kind)
    return b"k8s\0" + field(1, type_meta) + field(2, raw) + field(3, "") + field(4, "")


META = field(1, "x") + field(2, "") + field(3, "ns") + field(7, 0) + field(8, b"")


def test_a_config_map() -> None:
    pair = field(1, "key") + field(2, "value")
    empty = field(1, "empty") + field(2, "")
    binary = field(1, "bin") + field(2, b"\0\xff")
    raw = field(1, META) + field(2, pair) + field(2, empty) + field(3, binary)
    assert decode_protobuf(envelope("ConfigMap", raw)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": "ns"},
        "data": {"key": "value", "empty": ""},
        "binaryData": {"bin": "AP8="},
    }


def test_a_service_with_numbers_and_names_of_ports() -> None:
    by_number = field(1, "a") + field(3, 300) + field(4, field(1, 0) + field(2, 8080))
    by_name = field(3, 80) + field(4, field(1, 1) + field(3, "http")) + field(5, 0)
    spec = field(1, by_number) + field(1, by_name) + field(4, "ClusterIP")
    value = decode_protobuf(envelope("Service", field(1, META) + field(2, spec)))
    assert value["spec"] == {
        "ports": [
            {"name": "a", "port": 300, "targetPort": 8080},
            {"port": 80, "targetPort": "http"},
        ],
        "type": "ClusterIP",
    }


def test_zero_replicas_are_not_nothing() -> None:
    raw = field(1, META) + field(2, field(1, 0))
    assert decode_protobuf(envelope("Deployment", raw, "apps/v1"))["spec"] == {"replicas": 0}


def test_a_field_that_we_do_not_know_is_refused_not_lost() -> None:
    with pytest.raises(InputError, match="protobuf field 99"):
        decode_protobuf(envelope("ConfigMap", field(1, META) + field(99, "data")))
    assert decode_protobuf(envelope("ConfigMap", field(1, META) + field(99, "")))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        envelope("Ingress", b""),
        envelope("ConfigMap", field(1, META)[:-1]),
        envelope("ConfigMap", b"\xff"),
        envelope("ConfigMap", varint(1 << 3) + varint(5)),
        envelope("ConfigMap", field(1, field(1, b"\xff\xfe"))),
        b"k8s\0" + b"\x0f",
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(InputError):
        decode_protobuf(body)


def test_any_cut_of_a_body_is_read_or_refused() -> None:
    body = envelope("ConfigMap", field(1, META) + field(2, field(1, "k") + field(2, "v")))
    for length in range(len(body)):
        with contextlib.suppress(InputError):
            decode_protobuf(body[:length])
