"""The passwords that a cluster's processes run with outlive a Secret that somebody deletes."""

import json
from base64 import b64decode
from pathlib import Path

import pytest

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import condition_of
from tests.integration.operator.running import (
    NAMESPACE,
    Running,
    example,
    operating,
    running_api,
    running_operator,
)

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

SECRETS = ("example-auth-bac9b849", "example-auth-authority-2a040de4")
OF_ALL, AUTHORITY = SECRETS
OF_VTGATE = "example-auth-vtgate-4907614d"
OF_ETCD = "example-etcd-faf13de3-tls"
MEMBER = "example-etcd-faf13de3-1"
TABLET = "example-vttablet-uscentral1a-0274179421-446d19ea"


async def data_of(running: Running, name: str) -> KubeObject:
    found = await running.client.get(kinds.SECRET, name, NAMESPACE)
    return dict(found["data"]) if found is not None else {}


async def secrets_found(running: Running, status: str) -> str:
    async def look() -> KubeObject:
        obj = await running.get(kinds.PLANETSCALE_CLUSTER, "example")
        return dict(condition_of(obj, "SecretsFound") or {})

    found = await running.eventually(look, lambda found: found.get("status") == status)
    return str(found["message"])


async def wake(running: Running, mark: str) -> None:
    patch = {"metadata": {"annotations": {"mark": mark}}}
    await running.client.merge_patch(kinds.PLANETSCALE_CLUSTER, "example", NAMESPACE, patch)


async def set_phase(running: Running, phase: str) -> None:
    patch = {"phase": phase}
    await running.client.patch_status(kinds.POD, TABLET, NAMESPACE, patch)


def password(data: KubeObject, user: str) -> str:
    found = json.loads(b64decode(data["db-credentials.json"]))[user]
    return str(found[0] if isinstance(found, list) else found)


async def test_a_deleted_secret_is_put_back_as_it_was(tmp_path: Path) -> None:
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(tmp_path / "b"))
        await secrets_found(running, "False")  # the users' Secret: a whole pass is over
        for name in (*SECRETS, OF_VTGATE):
            before = await data_of(running, name)
            await running.client.delete(kinds.SECRET, name, NAMESPACE)
            await wake(running, name)

            async def data(name: str = name) -> KubeObject:
                return await data_of(running, name)

            found = await running.eventually(data, bool)
            assert found == before


async def test_no_new_passwords_are_made_while_a_process_runs_with_the_old_ones(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path / "k") as running:
        async with operating(running):
            await running.client.create(example(tmp_path / "b"))

            async def pods() -> set[str]:
                return await running.names(kinds.POD)

            await running.eventually(pods, lambda found: TABLET in found)
            await secrets_found(running, "False")
        before = await data_of(running, OF_ALL)
        for name in SECRETS:
            await running.client.delete(kinds.SECRET, name, NAMESPACE)
        await set_phase(running, "Running")
        async with operating(running):

            async def told() -> str:
                return await secrets_found(running, "False")

            await running.eventually(told, lambda text: "have new passwords made" in text)
            assert await data_of(running, OF_ALL) == {}
            await set_phase(running, "Pending")
            await wake(running, "pods are gone")

            async def data() -> KubeObject:
                return await data_of(running, OF_ALL)

            after = await running.eventually(data, bool)
            assert password(after, "vt_app") != password(before, "vt_app")

            async def of_vtgate() -> str:
                return password(await data_of(running, OF_VTGATE), "vt_app")

            wanted = password(after, "vt_app")
            await running.eventually(of_vtgate, lambda found: found == wanted)
            authority = (await data_of(running, AUTHORITY))["ca.crt"]
            assert after["etcd-ca.crt"] == authority
            patch = {"metadata": {"labels": {"wakes": "its-lockserver"}}}
            await running.client.merge_patch(kinds.POD, MEMBER, NAMESPACE, patch)

            async def of_etcd() -> object:
                return (await data_of(running, OF_ETCD))["ca.crt"]

            await running.eventually(of_etcd, lambda found: found == authority)
