"""A control plane as the kubelet's tests have one."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kubelet.rig import Rig, running_rig


@pytest.fixture(scope="package")
def rig() -> Iterator[Rig]:
    directory = Path(tempfile.mkdtemp(prefix="arc-", dir="/tmp"))
    try:
        with running_rig(directory) as rig:
            yield rig
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(autouse=True)
def clean(rig: Rig) -> Iterator[None]:
    yield
    kinds = "deployments,replicasets,jobs,pods,services,pvc,pdb,configmaps"
    rig.kubectl("delete", kinds, "--all", "--timeout=30s")
