"""Variables, references and arguments."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from armillary.base.errors import InputError
from armillary.kube.quantities import parse_quantity
from armillary.local.kubelet.containers.environment import (
    ConfigError,
    KeySources,
    PodFacts,
    build_environment,
    expand,
    read_field,
    read_resource,
    resolve_argv,
)
from armillary.local.kubelet.pod.spec import PodSpec, parse_pod

FACTS = PodFacts(pod_ip="127.1.0.5", host_ip="127.0.0.1", node_name="here")
KEYS: Mapping[str, Mapping[str, bytes]] = {"s": {"k": b"secret", "a.b": b"dotted", "bad key": b""}}
SOURCES = KeySources(secret=KEYS.get, config_map={"c": {"n": b"5"}}.get)


def pod_with(**container: Any) -> PodSpec:
    metadata = {
        "uid": "u",
        "name": "p",
        "namespace": "n",
        "labels": {"app": 'a "b"', "z": "1"},
        "annotations": {"example.com/x": "text\nmore"},
    }
    return parse_pod(
        {"metadata": metadata, "spec": {"containers": [{"name": "main", **container}]}}
    )


def environment(env: list[dict[str, Any]], env_from: tuple[Any, ...] = ()) -> dict[str, str]:
    pod = pod_with(env=env, envFrom=list(env_from))
    return build_environment(pod, pod.containers[0], FACTS, SOURCES, {"BASE": "1"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)/x", "1/x"),
        ("$(A)$(B)", "12"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$$", "$"),
    ],
)
def test_a_variable_may_name_others(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


def test_a_variable_sees_those_before_it() -> None:
    env = environment(
        [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "URL", "value": "http://$(POD_IP):$(LATER)/$(BASE)"},
            {"name": "LATER", "value": "80"},
        ]
    )
    assert env["URL"] == "http://127.1.0.5:$(LATER)/1"


def test_keys_of_secrets_and_config_maps() -> None:
    env = environment(
        [
            {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "n"}}},
            {
                "name": "NO",
                "valueFrom": {"secretKeyRef": {"name": "no", "key": "k", "optional": True}},
            },
        ],
        ({"secretRef": {"name": "s"}, "prefix": "P_"},),
    )
    assert env["S"] == "secret" and env["C"] == "5" and "NO" not in env
    assert env["P_k"] == "secret" and env["P_a.b"] == "dotted" and "P_bad key" not in env


def test_the_containers_own_variables_win_over_env_from() -> None:
    assert (
        environment([{"name": "k", "value": "own"}], ({"secretRef": {"name": "s"}},))["k"] == "own"
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"secretKeyRef": {"name": "no", "key": "k"}}, 'secret "no" not found'),
        ({"secretKeyRef": {"name": "s", "key": "no"}}, "couldn't find key no in secret s"),
        ({"configMapKeyRef": {"name": "no", "key": "k"}}, 'configmap "no" not found'),
        ({"fieldRef": {"fieldPath": "spec.nope"}}, "unsupported fieldPath: spec.nope"),
    ],
)
def test_what_is_missing_is_named(source: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        environment([{"name": "X", "valueFrom": source}])


def test_fields_of_the_downward_api() -> None:
    pod = pod_with()
    assert read_field("metadata.name", pod, FACTS) == "p"
    assert read_field("spec.nodeName", pod, FACTS) == "here"
    assert read_field("metadata.labels['z']", pod, FACTS) == "1"
    assert read_field("metadata.annotations['example.com/x']", pod, FACTS) == "text\nmore"
    assert read_field("metadata.annotations['none']", pod, FACTS) == ""
    assert read_field("metadata.labels", pod, FACTS) == 'app="a \\"b\\""\nz="1"'


def test_arguments_follow_the_command_and_are_expanded() -> None:
    container = pod_with(command=["run", "$(A)"], args=["--x=$(A)"]).containers[0]
    assert resolve_argv(container, {"A": "1"}) == ["run", "1", "--x=1"]


def test_a_container_without_a_command_cannot_run_without_images() -> None:
    with pytest.raises(ConfigError, match="names no command"):
        resolve_argv(pod_with(image="x").containers[0], {})


def test_arguments_alone_are_the_command_as_with_an_image_that_has_no_entry_point() -> None:
    """`kubectl run NAME --image=X -- WORDS` sends them so."""
    container = pod_with(image="x", args=["sh", "-c", "echo $(A)"]).containers[0]
    assert resolve_argv(container, {"A": "1"}) == ["sh", "-c", "echo 1"]


@pytest.mark.parametrize(
    ("resource", "divisor", "text"),
    [
        ("limits.memory", None, str(64 * 2**20)),
        ("limits.memory", "1Mi", "64"),
        ("requests.cpu", "1m", "250"),
        ("requests.cpu", None, "1"),
        ("limits.cpu", None, "8"),
        ("requests.memory", None, "0"),
    ],
)
def test_resources_of_a_container(resource: str, divisor: str | None, text: str) -> None:
    """Rounded up; without a limit of its own a container may use the whole node."""
    amounts = {"limits": {"memory": "64Mi"}, "requests": {"cpu": "250m"}}
    container = pod_with(resources=amounts).containers[0]
    facts = replace(FACTS, allocatable={"cpu": 8.0, "memory": 2.0**30})
    reference = {"resource": resource, "divisor": divisor}
    assert read_resource(reference, container, facts) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("64Mi", 64 * 2**20),
        ("500m", 0.5),
        ("1e3", 1000),
        ("2", 2),
        ("1.5Gi", 1.5 * 2**30),
        ("3k", 3000),
    ],
)
def test_a_quantity_is_read_as_kubernetes_writes_it(text: str, number: float) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "x", "5Zi", "Mi", "1 2"])
def test_what_is_not_a_quantity(text: str) -> None:
    with pytest.raises(InputError):
        parse_quantity(text)
