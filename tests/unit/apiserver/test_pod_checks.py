"""What no pod may ask for: the kubelet has to live with whatever is stored."""

from typing import Any

import pytest

from armillary.local.apiserver.objects.pod_checks import check_pod_spec
from armillary.local.apiserver.objects.pods import default_pod_spec
from armillary.local.apiserver.objects.volume_checks import check_keys


def complaints(*, volumes: Any = None, spec: Any = None, **container: Any) -> list[str]:
    main = {"name": "main", "image": "x", "command": ["x"], **container}
    value = {"containers": [main], "volumes": volumes or [], **(spec or {})}
    default_pod_spec(value)
    return [f"{cause.field}: {cause.text}" for cause in check_pod_spec(value, "spec")]


VOLUME = {"name": "v", "emptyDir": {}}


@pytest.mark.parametrize(
    ("container", "complaint"),
    [
        (
            {"resources": {"limits": {"memory": "banana"}}},
            'spec.containers[0].resources.limits[memory]: Invalid value: "banana": quantities must',
        ),
        ({"resources": {"limits": {"cpu": "-1"}}}, "must be greater than or equal to 0"),
        (
            {"resources": {"limits": {"memory": "1Mi"}, "requests": {"memory": "1Gi"}}},
            "must be less than or equal to memory limit of 1Mi",
        ),
        ({"env": [{"name": "A=B"}]}, "spec.containers[0].env[0].name: Invalid value"),
        ({"env": [{"name": "A", "value": "a\0b"}]}, "env[0].value: Invalid value"),
        ({"env": [{"name": "A", "valueFrom": {}}]}, "must specify one of"),
        ({"envFrom": [{"configMapRef": {}}]}, "envFrom[0].configMapRef.name: Required value"),
        ({"ports": [{"containerPort": 70000}]}, "must be between 1 and 65535, inclusive"),
        (
            {"ports": [{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}]},
            'ports[1].name: Duplicate value: "a"',
        ),
        ({"readinessProbe": {}}, "readinessProbe: Required value: must specify a handler type"),
        ({"livenessProbe": {"exec": {}}}, "livenessProbe.exec.command: Required value"),
        (
            {"readinessProbe": {"periodSeconds": -1, "exec": {"command": ["x"]}}},
            "periodSeconds: Invalid value: -1: must be greater than or equal to 1",
        ),
        (
            {"livenessProbe": {"successThreshold": 3, "exec": {"command": ["x"]}}},
            "livenessProbe.successThreshold: Invalid value: 3: must be 1",
        ),
        ({"lifecycle": {"preStop": {"exec": {}}}}, "preStop.exec.command: Required value"),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "relative"}]},
            "must be an absolute path",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/x", "subPath": "../.."}]},
            "subPath: Invalid value: \"../..\": must not contain '..'",
        ),
        ({"volumeMounts": [{"name": "w", "mountPath": "/x"}]}, 'Not found: "w"'),
        ({"imagePullPolicy": "Maybe"}, "imagePullPolicy: Unsupported value"),
        ({"restartPolicy": "Always"}, "may not be set for non-init containers"),
    ],
)
def test_a_container_is_refused_by_its_field(container: dict[str, Any], complaint: str) -> None:
    assert complaint in "\n".join(complaints(volumes=[VOLUME], **container))


@pytest.mark.parametrize(
    ("volume", "complaint"),
    [
        ({"name": "../../x", "emptyDir": {}}, "spec.volumes[0].name: Invalid value"),
        ({"name": "v", "secret": {}}, "secret.secretName: Required value"),
        ({"name": "v", "configMap": {}}, "configMap.name: Required value"),
        (
            {"name": "v", "configMap": {"name": "c", "items": [{"key": "a", "path": "../x"}]}},
            "configMap.items[0].path: Invalid value",
        ),
        ({"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}, "more than 1 volume type"),
        ({"name": "v", "downwardAPI": {"items": [{"path": "x"}]}}, "one of fieldRef and"),
    ],
)
def test_a_volume_is_refused_by_its_field(volume: dict[str, Any], complaint: str) -> None:
    assert complaint in "\n".join(complaints(volumes=[volume]))


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"terminationGracePeriodSeconds": -5}, "spec.terminationGracePeriodSeconds: Invalid"),
        ({"activeDeadlineSeconds": 0}, "spec.activeDeadlineSeconds: Invalid value: 0"),
        ({"hostname": "Bad_Host"}, "spec.hostname: Invalid value"),
        ({"restartPolicy": "Sometimes"}, "spec.restartPolicy: Unsupported value"),
        ({"containers": []}, "spec.containers: Required value"),
    ],
)
def test_a_pod_is_refused_by_its_field(spec: dict[str, Any], complaint: str) -> None:
    assert complaint in "\n".join(complaints(spec=spec))


def test_what_a_pod_may_ask_for_is_taken() -> None:
    assert not complaints(
        volumes=[VOLUME, {"name": "s", "secret": {"secretName": "s", "items": []}}],
        env=[
            {"name": "_with.dots-1", "value": ""},
            {"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        resources={"limits": {"memory": "1.5Gi", "cpu": "500m"}, "requests": {"memory": "1e6"}},
        ports=[{"name": "web", "containerPort": 80}],
        readinessProbe={"httpGet": {"port": "web"}, "successThreshold": 2},
        lifecycle={"preStop": {"sleep": {"seconds": 1}}},
        volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "a/b"}],
    )


@pytest.mark.parametrize("key", ["a/b", "..", "../x", "", "x y"])
def test_a_key_that_is_no_file_name_is_refused(key: str) -> None:
    assert [cause.field for cause in check_keys({"data": {key: "x"}})] == [f"data[{key}]"]


@pytest.mark.parametrize("amount", ["64Mi", "100m", "1.5", ".5", 2, 0, "1e3", "10M", "+1"])
def test_amounts_as_kubernetes_writes_them_are_taken(amount: object) -> None:
    assert not complaints(resources={"limits": {"memory": amount}, "requests": {"cpu": amount}})


@pytest.mark.parametrize("amount", ["lots", "", "64 Mi", "64MB", "-1", -1, True, "1Gi\n"])
def test_amounts_that_are_none_are_refused(amount: object) -> None:
    told = complaints(resources={"limits": {"memory": amount}, "requests": {"cpu": amount}})
    assert [complaint.partition(": ")[0] for complaint in told] == [
        "spec.containers[0].resources.limits[memory]",
        "spec.containers[0].resources.requests[cpu]",
        # A limit without a request is a request.
        "spec.containers[0].resources.requests[memory]",
    ]
