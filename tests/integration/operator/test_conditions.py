"""What a cluster's conditions tell a person, and that nothing changes while the spec is wrong."""

from pathlib import Path
from typing import Any

import pytest

from armillary.base.errors import InputError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of, condition_of, uid_of
from armillary.operator.render.labels import ROLLOUT_RELEASED, ROLLOUT_SCHEDULED
from tests.integration.operator.running import NAMESPACE, Running, example, running_operator

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


async def condition(running: Running, kind: str, status: str) -> KubeObject:
    async def look() -> KubeObject:
        obj = await running.get(kinds.PLANETSCALE_CLUSTER, "example")
        return dict(condition_of(obj, kind) or {})

    return await running.eventually(look, lambda found: found.get("status") == status)


def move_first_pool(cluster: KubeObject, cell: str) -> KubeObject:
    keyspaces = cluster["spec"]["keyspaces"]
    template = keyspaces[0]["partitionings"][0]["equal"]["shardTemplate"]
    template["tabletPools"][0]["cell"] = cell
    return {"spec": {"keyspaces": keyspaces}}


async def test_a_mistake_is_told_and_changes_nothing_until_it_is_mended(tmp_path: Path) -> None:
    async with running_operator(tmp_path / "k") as running:
        cluster = await running.client.create(example(tmp_path / "b"))
        await condition(running, "SpecValid", "True")

        async def shard_pods() -> set[str]:
            return {name for name in await running.names(kinds.POD) if "vttablet" in name}

        before = await running.eventually(shard_pods, lambda found: len(found) == 8)
        patch = move_first_pool(cluster, "mars")
        await running.client.merge_patch(kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, patch)
        told = await condition(running, "SpecValid", "False")
        assert told["reason"] == "InvalidSpec"
        assert "tabletPools[0].cell: 'mars' is not in spec.cells" in told["message"]
        assert (await condition(running, "Ready", "False"))["reason"] == "InvalidSpec"
        assert await shard_pods() == before
        patch = move_first_pool(cluster, "uscentral1a")
        await running.client.merge_patch(kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, patch)
        await condition(running, "SpecValid", "True")


async def test_a_missing_secret_is_named_until_it_appears(tmp_path: Path) -> None:
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(tmp_path / "b"))
        told = await condition(running, "SecretsFound", "False")
        assert "there is no Secret example-cluster-config" in told["message"]
        assert "spec.cells[uscentral1a].gateway.authentication.static.secret" in told["message"]
        secret: KubeObject = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "example-cluster-config", "namespace": NAMESPACE},
            "stringData": {"users.json": "{}"},
        }
        await running.client.create(secret)
        await condition(running, "SecretsFound", "True")


async def test_a_lockserver_that_does_not_answer_is_told(tmp_path: Path) -> None:
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(tmp_path / "b"))
        told = await condition(running, "TopologyReachable", "False")
        assert "example-etcd-faf13de3-client" in told["message"]


async def test_a_cell_that_leaves_while_tablets_are_in_it_stays_and_says_why(
    tmp_path: Path,
) -> None:
    async with running_operator(tmp_path / "k") as running:
        cluster = await running.client.create(example(tmp_path / "b"))
        await condition(running, "SpecValid", "True")

        async def cells() -> int:
            return len(await running.names(kinds.VITESS_CELL))

        await running.eventually(cells, lambda count: count == 3)
        kept = [cell for cell in cluster["spec"]["cells"] if cell["name"] != "uscentral1f"]
        await running.client.merge_patch(
            kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, {"spec": {"cells": kept}}
        )
        told = await condition(running, "TurndownBlocked", "True")
        assert "cell uscentral1f" in told["message"]
        assert "left spec.cells" in (await condition(running, "Advice", "True"))["message"]
        shard = await running.get(kinds.VITESS_SHARD, "example-main-x-80-84bc4397")
        assert set(shard["spec"]["zoneMap"]) == {"uscentral1a", "uscentral1c", "uscentral1f"}
        cell = await running.get(kinds.VITESS_CELL, "example-uscentral1a-918f14b6")
        assert cell["spec"]["allCells"] == ["uscentral1a", "uscentral1c", "uscentral1f"]


async def test_shards_that_leave_while_they_may_serve_stay_and_the_cluster_says_so(
    tmp_path: Path,
) -> None:
    async with running_operator(tmp_path / "k") as running:
        cluster = await running.client.create(example(tmp_path / "b"))

        async def shards() -> set[str]:
            return await running.names(kinds.VITESS_SHARD)

        await running.eventually(shards, lambda found: len(found) == 4)
        keyspaces = cluster["spec"]["keyspaces"]
        keyspaces[0]["partitionings"][0]["equal"]["parts"] = 1
        await running.client.merge_patch(
            kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, {"spec": {"keyspaces": keyspaces}}
        )
        told = await condition(running, "TurndownBlocked", "True")
        assert "shard main/-80: The shard left the spec" in told["message"]
        assert len(await shards()) == 5


async def test_what_the_api_refuses_is_told_as_an_event_of_what_wants_it(tmp_path: Path) -> None:
    async with running_operator(tmp_path / "k") as running:
        cluster = example(tmp_path / "b")
        template = cluster["spec"]["keyspaces"][0]["partitionings"][0]["equal"]["shardTemplate"]
        template["tabletPools"][0]["extraLabels"] = {"team": "no label value!"}
        await running.client.create(cluster)

        async def told() -> set[tuple[str, str]]:
            events = (await running.client.list(kinds.EVENT, NAMESPACE)).items
            return {
                (event["involvedObject"]["name"], event["message"])
                for event in events
                if event["reason"] == "ReconcileFailed"
            }

        found = await running.eventually(told, bool)
        (name, message) = next(iter(found))
        assert name.startswith("example-main-") and "no label value!" in message


@pytest.mark.parametrize("amount", ["lots", "64 Mi", -1])
async def test_an_amount_that_is_none_is_refused_by_its_field(tmp_path: Path, amount: Any) -> None:
    async with running_operator(tmp_path / "k") as running:
        cluster = example(tmp_path / "b")
        template = cluster["spec"]["keyspaces"][0]["partitionings"][0]["equal"]["shardTemplate"]
        template["tabletPools"][0]["vttablet"] = {"resources": {"limits": {"memory": amount}}}
        cluster["spec"]["imagePullPolicies"] = {"vtgate": "Sometimes"}
        with pytest.raises(InputError) as refusal:
            await running.client.create(cluster)
        assert "tabletPools[0].vttablet.resources.limits.memory" in str(refusal.value)
        assert "spec.imagePullPolicies.vtgate" in str(refusal.value)


async def test_a_pod_that_the_api_refuses_takes_no_running_ones_place(tmp_path: Path) -> None:
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(tmp_path / "b"))
        member = "example-etcd-faf13de3-1"

        async def pods() -> set[str]:
            return await running.names(kinds.POD)

        await running.eventually(pods, lambda found: member in found)
        before = uid_of(await running.get(kinds.POD, member))
        etcd = {"etcd": {"extraLabels": {"team": "no label value!"}}}
        patch = {"spec": {"globalLockserver": etcd}}
        await running.client.merge_patch(kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, patch)

        async def marks() -> set[str]:
            return set(annotations_of(await running.get(kinds.POD, member)))

        await running.eventually(marks, lambda found: ROLLOUT_SCHEDULED in found)
        released = {"metadata": {"annotations": {ROLLOUT_RELEASED: ""}}}
        await running.client.merge_patch(kinds.POD, member, NAMESPACE, released)

        async def told() -> list[str]:
            events = (await running.client.list(kinds.EVENT, NAMESPACE)).items
            return [e["message"] for e in events if e["reason"] == "ReconcileFailed"]

        messages = await running.eventually(told, bool)
        assert "no label value!" in messages[0]
        found = await running.get(kinds.POD, member)
        assert uid_of(found) == before and "deletionTimestamp" not in found["metadata"]
