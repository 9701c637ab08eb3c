"""Under the strategy External a change goes down from level to level, released at each."""

from pathlib import Path
from typing import Any

import pytest

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.kube.objects import annotations_of, condition_of, uid_of
from armillary.operator.render import labels as keys
from tests.integration.operator.running import NAMESPACE, Running, example, running_operator

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

CELL = (kinds.VITESS_CELL, "example-uscentral1a-918f14b6")
KEYSPACE = (kinds.VITESS_KEYSPACE, "example-main-4b9f528e")
OTHER_KEYSPACE = (kinds.VITESS_KEYSPACE, "example-restore-ff4c7f0f")
SHARD = (kinds.VITESS_SHARD, "example-main-x-80-84bc4397")
OTHER_SHARD = (kinds.VITESS_SHARD, "example-main-80-x-65d60c75")
POD = (kinds.POD, "example-vttablet-uscentral1a-3876690474-0ed30664")
VTCTLD = (kinds.DEPLOYMENT, "example-uscentral1a-vtctld-6a268099")
VTGATE = (kinds.DEPLOYMENT, "example-uscentral1a-vtgate-bbffae2f")

Ref = tuple[ResourceKind, str]


class Edits:
    """A person at work with kubectl."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def cluster(self, **spec: Any) -> None:
        client = self._running.client
        patch = {"spec": spec}
        await client.merge_patch(kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, patch)

    async def release(self, ref: Ref) -> None:
        marks = {"metadata": {"annotations": {keys.ROLLOUT_RELEASED: ""}}}
        await self._running.client.merge_patch(*ref, NAMESPACE, marks)

    async def wait_scheduled(self, ref: Ref, text: str) -> None:
        async def scheduled() -> str:
            obj = await self._running.get(*ref)
            return annotations_of(obj).get(keys.ROLLOUT_SCHEDULED, "")

        await self._running.eventually(scheduled, lambda found: text in found)

    async def wait_unmarked(self, ref: Ref) -> None:
        async def marks() -> set[str]:
            annotations = annotations_of(await self._running.get(*ref))
            return {keys.ROLLOUT_SCHEDULED, keys.ROLLOUT_RELEASED} & set(annotations)

        await self._running.eventually(marks, lambda found: not found)

    async def condition(self, status: str, part: str) -> None:
        async def look() -> KubeObject:
            obj = await self._running.get(kinds.PLANETSCALE_CLUSTER, "example")
            return dict(condition_of(obj, "ChangesWaiting") or {})

        await self._running.eventually(
            look, lambda found: found.get("status") == status and part in found["message"]
        )

    async def spec(self, ref: Ref) -> KubeObject:
        return (await self._running.get(*ref))["spec"]  # type: ignore[no-any-return]


async def bring_up(running: Running, backups: Path) -> KubeObject:
    cluster = example(backups)
    cluster["spec"]["updateStrategy"] = {"type": "External"}
    cluster = await running.client.create(cluster)
    for kind, name in (POD, VTCTLD, VTGATE):

        async def names(kind: ResourceKind = kind) -> set[str]:
            return await running.names(kind)

        await running.eventually(names, lambda found, name=name: name in found)  # type: ignore[misc]
    return cluster


async def test_a_change_waits_at_every_level_and_goes_no_farther_than_released(
    tmp_path: Path,
) -> None:
    async with running_operator(tmp_path / "k") as running:
        await bring_up(running, tmp_path / "b")
        edits = Edits(running)
        await edits.condition("False", "")
        await edits.cluster(extraVitessFlags={"health_check_interval": "6s"})
        for ref in (CELL, KEYSPACE, OTHER_KEYSPACE, VTCTLD):
            await edits.wait_scheduled(ref, "health_check_interval")
        await edits.condition("True", "VitessKeyspace example-main-4b9f528e")
        for ref in (SHARD, POD):
            assert keys.ROLLOUT_SCHEDULED not in annotations_of(await running.get(*ref))

        await edits.release(KEYSPACE)
        await edits.wait_unmarked(KEYSPACE)
        for ref in (SHARD, OTHER_SHARD):
            await edits.wait_scheduled(ref, "health_check_interval: 6s")
        await edits.condition("True", "the VitessShard of main/-80")
        await edits.release(SHARD)
        await edits.wait_unmarked(SHARD)
        await edits.wait_scheduled(POD, "health_check_interval=6s")
        await edits.condition("True", "3 tablets of main/-80")

        before = uid_of(await running.get(*POD))
        await edits.release(POD)

        async def deleted_or_new() -> bool:
            found = await running.client.get(*POD, NAMESPACE)
            return (
                found is None or uid_of(found) != before or "deletionTimestamp" in found["metadata"]
            )

        await running.eventually(deleted_or_new, bool)
        # What nobody released is as it was.
        assert "extraVitessFlags" not in await edits.spec(OTHER_SHARD)
        assert "extraVitessFlags" not in await edits.spec(OTHER_KEYSPACE)
        for ref in (VTGATE, VTCTLD):
            args = (await edits.spec(ref))["template"]["spec"]["containers"][0]["args"]
            assert "--health_check_interval=6s" not in args

        await edits.release(CELL)
        await edits.wait_unmarked(CELL)

        async def arguments() -> list[str]:
            found = await edits.spec(VTGATE)
            return list(found["template"]["spec"]["containers"][0]["args"])

        await running.eventually(arguments, lambda args: "--health_check_interval=6s" in args)
        # Taken back, nothing waits where nothing was released.
        await edits.cluster(extraVitessFlags=None)
        for ref in (OTHER_KEYSPACE, VTCTLD):
            await edits.wait_unmarked(ref)
        await edits.wait_scheduled(KEYSPACE, "extraVitessFlags: null")


async def test_what_restarts_nothing_does_not_wait_for_what_does(tmp_path: Path) -> None:
    async with running_operator(tmp_path / "k") as running:
        cluster = await bring_up(running, tmp_path / "b")
        edits = Edits(running)
        spec = cluster["spec"]
        spec["cells"][0]["gateway"]["replicas"] = 5
        spec["cells"][0]["gateway"]["extraFlags"] = {"transaction_mode": "SINGLE"}
        spec["keyspaces"][0]["turndownPolicy"] = "Immediate"
        spec["keyspaces"][0]["databaseName"] = "other"
        # A keyspace that is new is there at once, with all that it wants.
        spec["keyspaces"].append({**spec["keyspaces"][1], "name": "third"})
        await edits.cluster(cells=spec["cells"], keyspaces=spec["keyspaces"])
        await edits.wait_scheduled(CELL, "transaction_mode")
        await edits.wait_scheduled(KEYSPACE, "databaseName: other")

        async def replicas() -> int:
            return int((await edits.spec(VTGATE))["replicas"])

        await running.eventually(replicas, lambda count: count == 5)
        assert (await edits.spec(KEYSPACE))["turndownPolicy"] == "Immediate"
        assert "databaseName" not in await edits.spec(KEYSPACE)

        async def shards() -> int:
            return len(await running.names(kinds.VITESS_SHARD))

        await running.eventually(shards, lambda count: count == 6)
        # Immediate applies all that waited, and leaves no mark.
        await edits.cluster(updateStrategy={"type": "Immediate"})
        for ref in (CELL, KEYSPACE, SHARD):
            await edits.wait_unmarked(ref)

        async def database() -> object:
            return (await edits.spec(SHARD)).get("databaseName")

        await running.eventually(database, lambda name: name == "other")
        await edits.condition("True", "tablets of main/-80")  # they go one by one


async def test_members_of_a_lockserver_go_one_at_a_time_though_all_are_released(
    tmp_path: Path,
) -> None:
    members = [(kinds.POD, f"example-etcd-faf13de3-{index}") for index in (1, 2, 3)]
    async with running_operator(tmp_path / "k") as running:
        await bring_up(running, tmp_path / "b")
        edits = Edits(running)

        async def set_ready(ref: Ref) -> None:
            condition = {"type": "Ready", "status": "True"}
            status = {"phase": "Running", "conditions": [condition]}
            await running.client.patch_status(*ref, NAMESPACE, status)

        async def uids() -> dict[str, str]:
            pods = [await running.client.get(*ref, NAMESPACE) for ref in members]
            return {pod["metadata"]["name"]: uid_of(pod) for pod in pods if pod is not None}

        before = await running.eventually(uids, lambda found: len(found) == 3)
        for ref in members:
            await set_ready(ref)
        await edits.cluster(globalLockserver={"etcd": {"extraFlags": {"heartbeat-interval": "99"}}})
        for ref in members:
            await edits.wait_scheduled(ref, "heartbeat-interval")
        await edits.condition("True", "Pod example-etcd-faf13de3-1")
        for ref in members:
            await edits.release(ref)
        replaced: set[str] = set()
        for count in (1, 2, 3):

            def new(found: dict[str, str]) -> set[str]:
                return {name for name, uid in found.items() if uid != before[name]}

            found = await running.eventually(
                uids,
                lambda found, count=count: len(found) == 3 and len(new(found)) >= count,  # type: ignore[misc]
            )
            (name,) = new(found) - replaced
            replaced.add(name)
            await set_ready((kinds.POD, name))
