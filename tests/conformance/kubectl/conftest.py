"""Which cluster and which kubectls the suite runs with."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.kubectl.box import Box
from tests.integration.kubelet.rig import running_rig
from tests.kubectls import NEWEST_KUBECTL, oldest_kubectl

_KUBECONFIG = "ARMILLARY_CONFORMANCE_KUBECONFIG"
_KUBECTLS = "ARMILLARY_CONFORMANCE_KUBECTL"


def _kubectls() -> list[Any]:
    """Return those named in the environment; else the oldest that we promise, and the newest."""
    if named := os.environ.get(_KUBECTLS, ""):
        return [pytest.param(name, id=_program_id(name)) for name in named.split(":") if name]
    return [oldest_kubectl(), pytest.param(NEWEST_KUBECTL, id=_program_id(NEWEST_KUBECTL))]


def _program_id(program: str) -> str:
    done = subprocess.run(
        [program, "version", "--client"], capture_output=True, text=True, check=False
    )
    return done.stdout.split("\n", 1)[0].removeprefix("Client Version: ") or program


@pytest.fixture(scope="session", params=_kubectls())
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def kubeconfig() -> Iterator[Path]:
    given = os.environ.get(_KUBECONFIG)
    if given:
        yield Path(given)
        return
    directory = Path(tempfile.mkdtemp(prefix="akc-", dir="/tmp"))
    try:
        with running_rig(directory) as rig:
            yield rig.paths.kubeconfig
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def has_nodes(kubeconfig: Path) -> bool:
    words = [NEWEST_KUBECTL, f"--kubeconfig={kubeconfig}", "get", "nodes", "-o", "name"]
    return bool(subprocess.run(words, capture_output=True, check=False).stdout.strip())


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="akh-", dir="/tmp") as directory:
        yield Path(directory)


@pytest.fixture
def box(program: str, kubeconfig: Path, home: Path, has_nodes: bool) -> Iterator[Box]:
    """A namespace of its own; everything in it goes when the test is over."""
    name = f"conformance-{uuid.uuid4().hex[:8]}"
    box = Box(
        program=program, kubeconfig=kubeconfig, home=home, namespace=name, has_nodes=has_nodes
    )
    box.out("create", "namespace", name)
    yield box
    box.out("delete", "namespace", name, "--wait=false")


@pytest.fixture
def node_box(box: Box) -> Box:
    """A box whose pods run."""
    if not box.has_nodes:
        pytest.skip("the API server under test has no nodes: nothing runs pods there")
    return box
