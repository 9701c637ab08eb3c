"""The protobuf bodies of kubectl and other programs in Go."""

import contextlib

import pytest

from armillary.base.errors import InputError
from armillary.local.apiserver.bodies.protobuf import decode_protobuf
from armillary.local.apiserver.kinds.builtin import build_builtin_resources


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


MANAGED = field(1, "kubectl") + field(7, field(1, '{"f:spec":{}}'))
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


def test_a_lease_has_times_to_the_microsecond() -> None:
    moment = field(1, 1_796_088_643) + field(2, 720_389_000)
    spec = field(1, "me") + field(2, 15) + field(3, moment) + field(4, b"") + field(5, 0)
    meta = META + field(8, field(1, 1_796_088_643) + field(2, 0)) + field(17, MANAGED)
    value = decode_protobuf(envelope("Lease", field(1, meta) + field(2, spec), "v1"))
    assert value["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-12-01T01:30:43.720389Z",
        "leaseTransitions": 0,
    }
    assert value["metadata"]["creationTimestamp"] == "2026-12-01T01:30:43Z"
    (managed,) = value["metadata"]["managedFields"]
    assert managed["fieldsV1"] == {"f:spec": {}}


def test_what_go_embeds_stands_beside_its_own_fields() -> None:
    source = field(19, field(1, field(1, "settings")) + field(3, 0o644))
    volume = field(1, "v") + field(2, source)
    limits = field(1, "memory") + field(2, field(1, "64Mi"))
    container = field(1, "c") + field(8, field(1, limits))
    spec = field(1, volume) + field(2, container) + field(25, (1 << 64) - 5)
    status = field(1, "Running")
    value = decode_protobuf(envelope("Pod", field(1, META) + field(2, spec) + field(3, status)))
    assert value["spec"] == {
        "volumes": [{"name": "v", "configMap": {"name": "settings", "defaultMode": 420}}],
        "containers": [{"name": "c", "resources": {"limits": {"memory": "64Mi"}}}],
        "priority": -5,
    }
    assert value["status"] == {"phase": "Running"}


def test_every_kind_that_clients_write_has_a_table() -> None:
    for resource in build_builtin_resources(lambda *_: None):
        if resource.kind != "CustomResourceDefinition":
            assert decode_protobuf(envelope(resource.kind, b""))["kind"] == resource.kind


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
