"""The operator asks the API for what deploy/rbac.yaml grants, and the file grants nothing else.

A run from nothing through edits to a turn-down is recorded call by call.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml

from armillary.kube import kinds
from armillary.kube.client import KubeClient
from armillary.operator import main as operator_main
from armillary.settings.operator import OperatorSettings
from tests.integration.operator.running import NAMESPACE, Running, example, running_operator

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

RBAC = Path(__file__).parents[3] / "deploy" / "rbac.yaml"


class Permission(NamedTuple):
    group: str
    resource: str  # with a subresource after a slash
    verb: str


# Granted, and not asked for in this run: why it is needed nevertheless.
RARE = {
    "delete of claims and services": {
        Permission("", resource, "delete") for resource in ("persistentvolumeclaims", "services")
    },
    "leases, with leader election only": {
        Permission("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update")
    },
    "a VitessCluster instead of a PlanetScaleCluster": {
        Permission("planetscale.com", "vitessclusters/status", "patch"),
    },
    "an object that exists and is not in the cache yet": {
        Permission("", resource, "get") for resource in ("pods", "persistentvolumeclaims")
    },
    "a tablet that is replaced": {Permission("", "pods", "delete")},
    "a claim that grows": {Permission("", "persistentvolumeclaims", "patch")},
    "an event that happens again": {Permission("", "events", "patch")},
    "a lockserver that got other addresses": {Permission("", "secrets", "patch")},
    "certain turn-downs": {
        Permission("planetscale.com", resource, "delete")
        for resource in ("etcdlockservers", "vitessbackupstorages", "vitesscells", "vitessshards")
    }
    | {Permission("apps", "deployments", "delete")},
    "annotations of a person, taken away again": {
        Permission("planetscale.com", "vitessshards", "patch")
    },
    "backups in storage": {
        Permission("planetscale.com", "vitessbackups", verb)
        for verb in ("get", "create", "patch", "delete")
    },
}


def granted() -> set[Permission]:
    documents = yaml.safe_load_all(RBAC.read_text())
    (role,) = (document for document in documents if document["kind"] == "ClusterRole")
    return {
        Permission(group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def permissions_of(
    method: str, path: str, params: Mapping[str, str], *, is_apply: bool
) -> set[Permission]:
    """Return what Kubernetes asks for, for one request."""
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    resource = "/".join((rest[0], *rest[2:3]))
    if method == "GET":
        verb = "get" if len(rest) > 1 else "watch" if params.get("watch") else "list"
        return {Permission(group, resource, verb)}
    found = {Permission(group, resource, _VERBS[method])}
    # Applying what is not there creates it.
    return found | {Permission(group, resource, "create")} if is_apply else found


class RecordingClient(KubeClient):
    asked: set[Permission]

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        is_apply = options.get("content_type", "").startswith("application/apply-patch")
        self.asked |= permissions_of(method, path, options.get("params") or {}, is_apply=is_apply)
        async with super()._response(method, path, **options) as response:
            yield response


async def edit(running: Running, spec: Mapping[str, Any]) -> None:
    await running.client.merge_patch(
        kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, {"spec": spec}
    )


async def live(running: Running, backups: Path) -> None:
    """A cluster's life: made, edited, a pod deleted, a keyspace removed."""
    cluster = await running.client.create(example(backups))

    async def tablets() -> set[str]:
        return {name for name in await running.names(kinds.POD) if "vttablet" in name}

    before = await running.eventually(tablets, lambda found: len(found) == 8)
    await edit(running, {"extraVitessFlags": {"health_check_interval": "6s"}})
    name = sorted(before)[0]
    await running.client.delete(kinds.POD, name, NAMESPACE, grace_s=0)
    await running.eventually(tablets, lambda found: len(found) == 8)
    keyspaces = cluster["spec"]["keyspaces"]
    keyspaces[1]["turndownPolicy"] = "Immediate"
    await edit(running, {"keyspaces": keyspaces})

    async def policy() -> object:
        found = await running.get(kinds.VITESS_KEYSPACE, "example-restore-ff4c7f0f")
        return found["spec"].get("turndownPolicy")

    await running.eventually(policy, lambda found: found == "Immediate")
    await edit(running, {"keyspaces": keyspaces[:1]})

    async def count() -> int:
        return len(await running.names(kinds.VITESS_KEYSPACE))

    await running.eventually(count, lambda found: found == 1)

    async def events() -> int:
        return len((await running.client.list(kinds.EVENT, NAMESPACE)).items)

    await running.eventually(events, lambda count: count > 20)


async def test_what_is_granted_is_what_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RecordingClient.asked = set()

    def open_client(settings: OperatorSettings) -> KubeClient:
        assert settings.kubeconfig is not None
        return RecordingClient.from_kubeconfig(settings.kubeconfig)

    monkeypatch.setattr(operator_main, "_open_client", open_client)
    async with running_operator(tmp_path / "k") as running:
        await live(running, tmp_path / "b")
    asked = RecordingClient.asked
    assert asked - granted() == set(), "asked for, and not granted"
    unused = {
        permission
        for permission in granted() - asked - set().union(*RARE.values())
        if not permission.resource.endswith("/finalizers")
    }
    assert unused == set(), "granted, and never asked for"


def test_nothing_is_called_rare_that_is_not_granted() -> None:
    assert set().union(*RARE.values()) <= granted()
