"""One custom resource in, every object of the cluster out, by its exact name."""

import json
from base64 import b64decode
from pathlib import Path

import pytest

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import condition_of, controller_of, uid_of
from tests.integration.operator.running import NAMESPACE, Running, example, running_operator

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

SHARDS = {
    "example-main-x-80-84bc4397",
    "example-main-80-x-65d60c75",
    "example-restore-x-80-81134cd4",
    "example-restore-80-x-17ca1c61",
}
TABLETS = {
    "example-vttablet-uscentral1a-0274179421-446d19ea",
    "example-vttablet-uscentral1a-1579720563-f892b0e6",
    "example-vttablet-uscentral1a-3642477526-9ef49ae4",
    "example-vttablet-uscentral1a-3876690474-0ed30664",
    "example-vttablet-uscentral1c-2526979163-924ff12a",
    "example-vttablet-uscentral1c-3925422610-660980de",
    "example-vttablet-uscentral1f-0805900210-19f655b1",
    "example-vttablet-uscentral1f-2191363457-7dead7ff",
}
ETCD = {f"example-etcd-faf13de3-{index}" for index in (1, 2, 3)}
BACKUPS = {
    "example-main-80-x-vtbackup-init-f09214a2",
    "example-main-x-80-vtbackup-init-6f097fa4",
    "example-restore-80-x-vtbackup-init-f822c0a0",
    "example-restore-x-80-vtbackup-init-6931f3df",
}
DEPLOYMENTS = {
    "example-uscentral1a-vtctld-6a268099",
    "example-uscentral1a-vtgate-bbffae2f",
    "example-uscentral1c-vtgate-d6f4dd28",
    "example-uscentral1f-vtgate-2be40e57",
}
SERVICES = {
    "example-etcd-faf13de3-client",
    "example-etcd-faf13de3-peer",
    "example-uscentral1a-vtgate-bbffae2f",
    "example-uscentral1c-vtgate-d6f4dd28",
    "example-uscentral1f-vtgate-2be40e57",
    "example-vtctld-625ee430",
    "example-vtgate-ae7df4b6",
    "example-vttablet-08646a59",
}
WANTED = {
    kinds.VITESS_CELL: {
        "example-uscentral1a-918f14b6",
        "example-uscentral1c-f3090339",
        "example-uscentral1f-4239a91a",
    },
    kinds.VITESS_KEYSPACE: {"example-main-4b9f528e", "example-restore-ff4c7f0f"},
    kinds.VITESS_SHARD: SHARDS,
    kinds.VITESS_BACKUP_STORAGE: {"example-90089e05"},
    kinds.ETCD_LOCKSERVER: {"example-etcd-faf13de3"},
    kinds.POD: TABLETS | ETCD | BACKUPS,
    kinds.PERSISTENT_VOLUME_CLAIM: TABLETS | ETCD | BACKUPS,
    kinds.SERVICE: SERVICES,
    kinds.DEPLOYMENT: DEPLOYMENTS,
    kinds.POD_DISRUPTION_BUDGET: {"etcd-lockserver-example-etcd-faf13de3"},
}


async def bring_up(running: Running, backups: Path) -> KubeObject:
    cluster = await running.client.create(example(backups))
    for kind, names in WANTED.items():

        async def look(kind: kinds.ResourceKind = kind) -> set[str]:
            return await running.names(kind)

        await running.eventually(look, lambda found, names=names: found == names)  # type: ignore[misc]
    return cluster


async def test_every_object_exists_by_its_exact_name_and_belongs_to_its_parent(
    tmp_path: Path,
) -> None:
    async with running_operator(tmp_path / "k") as running:
        cluster = await bring_up(running, tmp_path / "b")
        keyspace = await running.get(kinds.VITESS_KEYSPACE, "example-main-4b9f528e")
        shard = await running.get(kinds.VITESS_SHARD, "example-main-x-80-84bc4397")
        pod = await running.get(kinds.POD, "example-vttablet-uscentral1a-3876690474-0ed30664")
        for child, parent in ((keyspace, cluster), (shard, keyspace), (pod, shard)):
            reference = controller_of(child)
            assert reference is not None and reference["uid"] == uid_of(parent)
            assert reference["blockOwnerDeletion"] is True

        async def conditions() -> KubeObject:
            return await running.get(kinds.PLANETSCALE_CLUSTER, "example")

        told = await running.eventually(
            conditions, lambda obj: condition_of(obj, "Ready") is not None
        )
        assert told["status"]["observedGeneration"] == 1
        assert told["status"]["keyspaces"]["main"]["desiredTablets"] == 6


async def test_passwords_are_made_once_and_are_in_no_argument(tmp_path: Path) -> None:
    async with running_operator(tmp_path / "k") as running:
        await bring_up(running, tmp_path / "b")
        secret = await running.get(kinds.SECRET, "example-auth-bac9b849")
        assert {"grpc-server.json", "grpc-client.json", "db-credentials.json"} <= set(
            secret["data"]
        )
        words = [
            word
            for pod in (await running.client.list(kinds.POD, NAMESPACE)).items
            for container in pod["spec"]["containers"]
            for word in [*container["command"], *container.get("args", ())]
        ]
        passwords = json.loads(b64decode(secret["data"]["db-credentials.json"])).values()
        assert words and not any(found[0] in word for found in passwords for word in words)
        # Any change of the cluster wakes the operator; the passwords stay.
        patch = {"spec": {"extraVitessFlags": {"health_check_interval": "6s"}}}
        await running.client.merge_patch(kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, patch)

        async def observed() -> int:
            obj = await running.get(kinds.PLANETSCALE_CLUSTER, "example")
            return int(obj["status"]["observedGeneration"])

        await running.eventually(observed, lambda generation: generation == 2)
        again = await running.get(kinds.SECRET, "example-auth-bac9b849")
        assert again["data"] == secret["data"]


async def test_a_deleted_tablet_pod_comes_back_under_its_name(tmp_path: Path) -> None:
    name = "example-vttablet-uscentral1a-0274179421-446d19ea"
    async with running_operator(tmp_path / "k") as running:
        await bring_up(running, tmp_path / "b")
        before = uid_of(await running.get(kinds.POD, name))
        await running.client.delete(kinds.POD, name, NAMESPACE, grace_s=0)

        async def uid() -> str:
            found = await running.client.get(kinds.POD, name, NAMESPACE)
            return uid_of(found) if found else ""

        await running.eventually(uid, lambda after: after not in ("", before))


async def test_somebody_elses_object_of_our_name_is_left_alone_and_told(tmp_path: Path) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "example-vtgate-ae7df4b6", "namespace": NAMESPACE},
        "spec": {"ports": [{"port": 1}], "selector": {"app": "theirs"}},
    }
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(theirs)
        await running.client.create(example(tmp_path / "b"))

        async def reasons() -> set[str]:
            events = (await running.client.list(kinds.EVENT, NAMESPACE)).items
            return {event["reason"] for event in events}

        await running.eventually(reasons, lambda found: "NameCollision" in found)
        service = await running.get(kinds.SERVICE, "example-vtgate-ae7df4b6")
        assert service["spec"]["selector"] == {"app": "theirs"}


async def test_a_keyspace_with_tablets_that_leaves_the_spec_stays_as_an_orphan(
    tmp_path: Path,
) -> None:
    async with running_operator(tmp_path / "k") as running:
        cluster = await bring_up(running, tmp_path / "b")
        keyspaces = cluster["spec"]["keyspaces"][:1]
        await running.client.merge_patch(
            kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, {"spec": {"keyspaces": keyspaces}}
        )

        async def orphans() -> dict[str, object]:
            obj = await running.get(kinds.PLANETSCALE_CLUSTER, "example")
            return dict((obj.get("status") or {}).get("orphanedKeyspaces") or {})

        found = await running.eventually(orphans, bool)
        assert set(found) == {"restore"}
        assert "example-restore-ff4c7f0f" in await running.names(kinds.VITESS_KEYSPACE)


async def test_a_pod_that_lost_a_label_gets_it_back_and_stays_the_same(tmp_path: Path) -> None:
    name = "example-vttablet-uscentral1a-0274179421-446d19ea"
    async with running_operator(tmp_path / "k") as running:
        await bring_up(running, tmp_path / "b")
        before = await running.get(kinds.POD, name)
        label = "planetscale.com/cluster"
        patch = {"metadata": {"labels": {label: None}}}
        await running.client.merge_patch(kinds.POD, name, NAMESPACE, patch)

        async def value() -> object:
            return (await running.get(kinds.POD, name))["metadata"]["labels"].get(label)

        await running.eventually(value, lambda found: found == "example")
        assert uid_of(await running.get(kinds.POD, name)) == uid_of(before)


async def test_what_a_user_puts_into_a_child_is_taken_out_again(tmp_path: Path) -> None:
    """They are views of the cluster's spec; what it does not say must not decide about data."""
    additions: list[tuple[kinds.ResourceKind, str, KubeObject]] = [
        (kinds.VITESS_KEYSPACE, "example-main-4b9f528e", {"databaseName": "other"}),
        (kinds.VITESS_CELL, "example-uscentral1a-918f14b6", {"zone": "elsewhere"}),
        (kinds.VITESS_SHARD, "example-main-x-80-84bc4397", {"extraVitessFlags": {"a": "b"}}),
        (kinds.ETCD_LOCKSERVER, "example-etcd-faf13de3", {"createPDB": False}),
    ]
    async with running_operator(tmp_path / "k") as running:
        await bring_up(running, tmp_path / "b")
        for kind, name, addition in additions:

            async def spec(kind: kinds.ResourceKind = kind, name: str = name) -> KubeObject:
                return dict((await running.get(kind, name))["spec"])

            before = await spec()
            await running.client.merge_patch(kind, name, NAMESPACE, {"spec": addition})
            await running.eventually(spec, lambda found, wanted=before: found == wanted)  # type: ignore[misc]
