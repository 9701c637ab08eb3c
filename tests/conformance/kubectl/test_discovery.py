"""version, api-resources, api-versions, explain, auth can-i."""

import json

from tests.conformance.kubectl.box import Box

KINDS = (
    "ConfigMap",
    "Endpoints",
    "Event",
    "Namespace",
    "Node",
    "PersistentVolumeClaim",
    "Pod",
    "Secret",
    "ServiceAccount",
    "Service",
    "CustomResourceDefinition",
    "Deployment",
    "ReplicaSet",
    "Job",
    "Lease",
    "PodDisruptionBudget",
    "PriorityClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
)


def test_the_server_tells_its_version(box: Box) -> None:
    assert "Server Version: v1." in box.out("version")


def test_api_resources_lists_the_kinds(box: Box) -> None:
    kinds = {line.split()[-1] for line in box.out("api-resources").splitlines()}
    assert kinds.issuperset(KINDS)
    assert "deployments.apps" in box.out("api-resources", "-o", "name").split()


def test_api_resources_knows_verbs_and_short_names(box: Box) -> None:
    wide = box.out("api-resources", "-o", "wide", "--api-group=apps")
    line = next(line for line in wide.splitlines() if line.startswith("deployments "))
    assert " deploy " in line
    for verb in ("create", "delete", "get", "list", "patch", "update", "watch"):
        assert verb in line


def test_api_versions(box: Box) -> None:
    assert {"v1", "apps/v1", "batch/v1"}.issubset(box.out("api-versions").split())


def test_explain_a_built_in_field(box: Box) -> None:
    text = box.out("explain", "pod.spec.containers.image")
    assert "FIELD: image <string>" in text
    assert "-required-" in box.out("explain", "pod.spec.containers")


def test_explain_describes_what_is_read_most(box: Box) -> None:
    for field in (
        *("pod", "pod.spec", "pod.spec.containers", "pod.spec.containers.livenessProbe"),
        *("pod.spec.containers.env.valueFrom", "pod.spec.containers.resources", "pod.spec.volumes"),
        *("pod.metadata.labels", "pod.status.phase", "deployment.spec.strategy", "secret.data"),
        *("service.spec.type", "service.spec.ports.targetPort", "job.spec.backoffLimit"),
    ):
        text = box.out("explain", field)
        description = text.partition("DESCRIPTION:")[2].partition("FIELDS:")[0].strip()
        assert description not in ("", "<empty>"), text


def test_explain_recursively(box: Box) -> None:
    assert "matchLabels" in box.out("explain", "deployment.spec", "--recursive")


def test_the_group_of_evictions_is_told(box: Box) -> None:
    """Where it is not, `kubectl drain` deletes pods past every disruption budget."""
    listed = json.loads(box.out("get", "--raw", "/api/v1"))["resources"]
    (found,) = (each for each in listed if each["name"] == "pods/eviction")
    assert (found["group"], found["version"], found["kind"]) == ("policy", "v1", "Eviction")


def test_may_i(box: Box) -> None:
    assert box.out("auth", "can-i", "create", "pods") == "yes\n"


def test_health(box: Box) -> None:
    for path in ("/readyz", "/livez", "/healthz"):
        assert box.out("get", "--raw", path) == "ok"
