"""What deploy/ ships is taken by the API server as it is, and the operator answers its probes."""

import subprocess
from pathlib import Path

import aiohttp
import anyio
import pytest
import yaml
from anyio import to_thread

from armillary.cli.prerequisites import find_kubectl
from armillary.kube.client import KubeClient
from armillary.operator.crd.definitions import DEFINITIONS, build_crd
from armillary.operator.main import run
from armillary.settings.flags import parse_flags
from armillary.settings.operator import OperatorSettings
from tests.fakes.apiserver import open_fake_cluster
from tests.integration.operator.running import wait_served

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

DEPLOY = Path(__file__).parents[3] / "deploy"
MANIFESTS = ("crds", "rbac.yaml", "operator.yaml", "examples/quickstart.yaml",
             "examples/procedure.yaml")  # fmt: skip


async def test_every_manifest_passes_a_server_side_dry_run(tmp_path: Path) -> None:
    kubectl = find_kubectl()
    assert kubectl is not None
    async with (
        open_fake_cluster(tmp_path) as cluster,
        KubeClient.from_kubeconfig(cluster.kubeconfig) as client,
    ):
        for definition in DEFINITIONS:
            await client.apply(build_crd(definition), "test")
        await wait_served(client)
        words = [str(kubectl.path), f"--kubeconfig={cluster.kubeconfig}"]
        apply = [*words, "apply", "--server-side", "--dry-run=server", "-f"]
        for manifest in MANIFESTS:
            done = await to_thread.run_sync(
                lambda manifest=manifest: subprocess.run(  # type: ignore[misc]
                    [*apply, str(DEPLOY / manifest)], capture_output=True, text=True, check=False
                )
            )
            assert done.returncode == 0, f"{manifest}: {done.stderr}"


async def test_the_operator_starts_with_the_manifests_flags_and_answers_its_probes(
    tmp_path: Path,
) -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "operator.yaml").read_text()))
    (deployment,) = (one for one in documents if one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    words = [word for word in container["args"] if not word.startswith("--port=")]
    async with (
        open_fake_cluster(tmp_path) as cluster,
        KubeClient.from_kubeconfig(cluster.kubeconfig) as client,
        anyio.create_task_group() as group,
    ):
        for definition in DEFINITIONS:
            await client.apply(build_crd(definition), "test")
        await wait_served(client)
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        await listener.aclose()
        words += [f"--port={port}", f"--kubeconfig={cluster.kubeconfig}"]
        await group.start(run, parse_flags(OperatorSettings, words, program="operator"))
        async with aiohttp.ClientSession() as session:
            for probe in ("readinessProbe", "livenessProbe"):
                path = container[probe]["httpGet"]["path"]
                async with session.get(f"http://127.0.0.1:{port}{path}") as response:
                    assert response.status == 200
        group.cancel_scope.cancel()
