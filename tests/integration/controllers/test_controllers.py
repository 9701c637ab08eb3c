"""The controllers against a real API server, real pods and the real kubectl."""

import time
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.integration.kubelet.rig import Rig, pod

pytestmark = pytest.mark.integration

SERVES = "exec python3 -m http.server 15000 --bind $(POD_IP)"
PROBE = {"httpGet": {"port": 15000}, "periodSeconds": 1}


def deployment(
    name: str, script: str = SERVES, *, replicas: int = 2, **spec: Any
) -> dict[str, Any]:
    template = pod(
        name, script, readinessProbe=PROBE, ports=[{"name": "web", "containerPort": 15000}]
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": template["spec"]},
            **spec,
        },
    }


def running(rig: Rig, label: str) -> list[dict[str, Any]]:
    return [
        item
        for item in rig.items("pods", "-l", label)
        if not item["metadata"].get("deletionTimestamp")
    ]


def test_a_rollout_replaces_pods_and_can_be_undone(rig: Rig) -> None:
    rig.apply(deployment("web"))
    rig.kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    first = {item["metadata"]["name"] for item in running(rig, "app=web")}
    assert len(first) == 2
    rig.apply(deployment("web", "true; " + SERVES))
    rig.kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    second = {item["metadata"]["name"] for item in running(rig, "app=web")}
    assert len(second) == 2 and not first & second
    history = rig.kubectl("rollout", "history", "deployment/web").stdout
    assert "1" in history and "2" in history
    rig.kubectl("rollout", "undo", "deployment/web")
    rig.kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    sets = {item["metadata"]["name"]: item for item in rig.items("replicasets")}
    assert len(sets) == 2
    third = running(rig, "app=web")
    owner = third[0]["metadata"]["ownerReferences"][0]["name"]
    assert sets[owner]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert all(name.startswith("web-") for name in second)


def test_a_rollout_never_has_too_few_or_too_many_pods(rig: Rig) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    rig.apply(deployment("calm", replicas=3, strategy=strategy))
    rig.kubectl("rollout", "status", "deployment/calm", "--timeout=30s")
    rig.apply(deployment("calm", "true; " + SERVES, replicas=3, strategy=strategy))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = rig.get("deployment", "calm")["status"]
        pods = running(rig, "app=calm")
        ready = sum(
            c["type"] == "Ready" and c["status"] == "True"
            for item in pods
            for c in item.get("status", {}).get("conditions") or ()
        )
        assert ready >= 3 and len(pods) <= 4
        if status.get("updatedReplicas") == 3 and status["replicas"] == 3:
            break
    rig.kubectl("rollout", "status", "deployment/calm", "--timeout=30s")


def test_recreate_never_runs_old_and_new_together(rig: Rig) -> None:
    script = "trap 'sleep 0.5; exit 0' TERM; python3 -m http.server 15000 --bind $(POD_IP) & "
    script += "while true; do sleep 0.1; done"
    rig.apply(deployment("one", script, replicas=1, strategy={"type": "Recreate"}))
    rig.kubectl("rollout", "status", "deployment/one", "--timeout=30s")
    rig.apply(deployment("one", "true; " + script, replicas=1, strategy={"type": "Recreate"}))
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        alive = [
            item
            for item in rig.items("pods", "-l", "app=one")
            if any("running" in s["state"] for s in item["status"].get("containerStatuses") or ())
        ]
        assert len(alive) <= 1
        if rig.kubectl("rollout", "status", "deployment/one", "--watch=false").stdout.startswith(
            "deployment"
        ):
            break


def test_a_deleted_pod_is_replaced_and_scaling_follows(rig: Rig) -> None:
    rig.apply(deployment("many", replicas=3))
    rig.kubectl("rollout", "status", "deployment/many", "--timeout=30s")
    victim = running(rig, "app=many")[0]["metadata"]["name"]
    rig.kubectl("delete", "pod", victim)
    rig.kubectl("rollout", "status", "deployment/many", "--timeout=30s")
    rig.kubectl("scale", "deployment/many", "--replicas=1")
    rig.wait_for(lambda: len(rig.items("pods", "-l", "app=many")) == 1)
    assert rig.get("deployment", "many")["status"]["availableReplicas"] == 1


def test_foreground_deletion_waits_for_the_pods(rig: Rig) -> None:
    rig.apply(deployment("tree"))
    rig.kubectl("rollout", "status", "deployment/tree", "--timeout=30s")
    rig.kubectl("delete", "deployment", "tree", "--cascade=foreground", "--timeout=30s")
    assert not rig.items("replicasets") and not rig.items("pods")


def test_orphaned_pods_stay(rig: Rig) -> None:
    rig.apply(deployment("left", replicas=1))
    rig.kubectl("rollout", "status", "deployment/left", "--timeout=30s")
    name = rig.items("replicasets")[0]["metadata"]["name"]
    rig.kubectl("delete", "deployment", "left", "--cascade=orphan")
    replica_set = rig.get("replicaset", name)
    assert not replica_set["metadata"].get("ownerReferences")
    assert len(running(rig, "app=left")) == 1


def test_an_object_goes_when_its_last_owner_goes(rig: Rig) -> None:
    def config(name: str, *owners: dict[str, Any]) -> dict[str, Any]:
        references = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": o["metadata"]["name"],
                "uid": o["metadata"]["uid"],
            }
            for o in owners
        ]
        metadata = {"name": name, "namespace": "default", "ownerReferences": references}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    rig.apply(config("one"), config("two"))
    one, two = rig.get("configmap", "one"), rig.get("configmap", "two")
    rig.apply(config("child", one, two))
    rig.apply(config("grandchild", rig.get("configmap", "child")))
    rig.kubectl("delete", "configmap", "one")

    def lost_one_owner() -> bool:
        owners = rig.get("configmap", "child")["metadata"].get("ownerReferences") or []
        return [owner["name"] for owner in owners] == ["two"]

    rig.wait_for(lost_one_owner)
    rig.kubectl("delete", "configmap", "two")
    rig.wait_for(lambda: not rig.get("configmap", "grandchild"))
    assert not rig.get("configmap", "child")


def test_a_namespace_goes_with_everything_in_it(rig: Rig) -> None:
    rig.kubectl("create", "namespace", "brief")
    inside = pod("inside", "sleep 60")
    inside["metadata"]["namespace"] = "brief"
    rig.apply(inside)
    rig.kubectl("-n", "brief", "wait", "--for=condition=Ready", "pod/inside", "--timeout=20s")
    rig.kubectl("-n", "brief", "create", "configmap", "c", "--from-literal=a=b")
    rig.kubectl("delete", "namespace", "brief", "--timeout=30s")
    assert not rig.get("namespace", "brief")
    rig.wait_for(lambda: not list(rig.paths.pods.iterdir()))


def test_a_job_runs_to_its_end_and_a_bad_one_gives_up(rig: Rig) -> None:
    def job(name: str, script: str, **spec: Any) -> dict[str, Any]:
        template = pod(name, script, spec={"restartPolicy": "Never"})["spec"]
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"template": {"spec": template}, **spec},
        }

    rig.apply(
        job("good", "echo done", completions=3, parallelism=2),
        job("bad", "exit 1", backoffLimit=1),
    )
    rig.kubectl("wait", "--for=condition=Complete", "job/good", "--timeout=30s")
    rig.kubectl("wait", "--for=condition=Failed", "job/bad", "--timeout=30s")
    good, bad = rig.get("job", "good")["status"], rig.get("job", "bad")["status"]
    assert good["succeeded"] == 3 and good["completionTime"]
    assert bad["failed"] == 2
    assert bad["conditions"][0]["reason"] == "BackoffLimitExceeded"
    assert rig.kubectl("logs", "job/good").stdout == "done\n"


def test_a_service_leads_to_ready_pods_by_name_and_by_address(rig: Rig) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "front", "namespace": "default"},
        "spec": {"selector": {"app": "behind"}, "ports": [{"port": 8080, "targetPort": "web"}]},
    }
    rig.apply(service, deployment("behind"), pod("asks", "sleep 60"))
    rig.kubectl("rollout", "status", "deployment/behind", "--timeout=30s")
    rig.wait_ready("asks")
    addresses = {item["status"]["podIP"] for item in running(rig, "app=behind")}
    endpoints = rig.get("endpoints", "front")["subsets"][0]
    assert {entry["ip"] for entry in endpoints["addresses"]} == addresses
    assert endpoints["ports"][0]["port"] == 15000

    def resolves() -> bool:
        done = rig.kubectl("exec", "asks", "--", "getent", "ahostsv4", "front.default.svc")
        return {line.split()[0] for line in done.stdout.splitlines()} == addresses

    if rig.has_sandbox:  # other programs' names are a matter of their /etc/hosts
        rig.wait_for(resolves)
    cluster_ip = rig.get("service", "front")["spec"]["clusterIP"]

    def answers() -> bool:
        connection = HTTPConnection(cluster_ip, 8080, timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    rig.wait_for(answers)
    rig.kubectl("delete", "service", "front")
    rig.wait_for(lambda: not rig.get("endpoints", "front"))
    rig.wait_for(lambda: not answers())


def test_a_load_balancer_gets_an_address_for_as_long_as_it_is_one(rig: Rig) -> None:
    rig.apply(pod("behind", "sleep 60"))
    words = ("--name=outer", "--port=80", "--type=LoadBalancer", "--selector=a=b")
    rig.kubectl("expose", "pod/behind", *words)
    address = rig.get("service", "outer")["spec"]["clusterIP"]

    def external() -> str:
        return rig.kubectl("get", "service", "outer", "--no-headers").stdout.split()[3]

    rig.wait_for(lambda: external() == address)
    change = ("patch", "service", "outer", "-p")
    rig.kubectl(*change, '{"spec": {"type": "ClusterIP"}}')
    rig.wait_for(lambda: external() == "<none>")
    assert rig.get("service", "outer")["status"]["loadBalancer"] == {}
    rig.kubectl(*change, '{"spec": {"type": "LoadBalancer"}}')
    rig.wait_for(lambda: external() == address)


def test_a_budget_counts_its_healthy_pods(rig: Rig) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "most", "namespace": "default"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "kept"}}},
    }
    rig.apply(budget, deployment("kept", replicas=3))
    rig.kubectl("rollout", "status", "deployment/kept", "--timeout=30s")

    def counted() -> bool:
        status = rig.get("pdb", "most").get("status", {})
        return (status.get("currentHealthy"), status.get("disruptionsAllowed")) == (3, 1)

    rig.wait_for(counted)
