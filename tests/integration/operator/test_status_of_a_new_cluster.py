"""`armillary status` of a cluster that somebody applied with kubectl, so nobody handed out keys."""

import json
import shutil
from pathlib import Path

import pytest

from armillary.cli.status.observe import read_status
from armillary.local.supervise.lock import hold_lock
from armillary.model.names import join_name
from armillary.settings.local import LocalPaths
from tests.integration.operator.running import NAMESPACE, example, running_api

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

STATE = {
    "network": "127.13.0.0/16",
    "apiserver_port": 1,
    "kubelet_port": 2,
    "node_name": "node",
    "namespace": NAMESPACE,
    "version": 1,
}


async def test_it_asks_the_tablets_with_the_keys_that_the_cluster_has_now(tmp_path: Path) -> None:
    paths = LocalPaths(tmp_path / "home")
    paths.run.mkdir(parents=True)
    paths.state.write_text(json.dumps(STATE))
    async with running_api(tmp_path / "api") as running:
        shutil.copy(running.kubeconfig, paths.kubeconfig)
        await running.client.create(example(tmp_path))
        with hold_lock(paths.supervisor_lock):
            for password in ("first", "of the cluster made anew"):
                keys = json.dumps({"Username": "armillary", "Password": password})
                secret = {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": join_name("example", "auth"), "namespace": NAMESPACE},
                    "stringData": {"grpc-client.json": keys},
                }
                await running.client.apply(secret, "test")
                status = await read_status(paths.dir, timeout_s=60)
                assert (status.running, status.problem) == (True, "")
                assert paths.grpc_client.read_text() == keys
