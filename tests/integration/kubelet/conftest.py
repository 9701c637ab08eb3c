"""One control plane for the whole directory: its start costs more than a test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from armillary.local.kubelet.containers.cgroup import cgroup_name
from tests.integration.kubelet.rig import Rig, running_rig


@pytest.fixture(scope="package")
def rig() -> Iterator[Rig]:
    directory = Path(tempfile.mkdtemp(prefix="ark-", dir="/tmp"))
    try:
        with running_rig(directory) as rig:
            yield rig
        groups = Path("/sys/fs/cgroup").rglob(cgroup_name(rig.kubelet_port))
        assert list(groups) == [], "the kubelet's groups stay behind its pods"
    finally:
        keep = os.environ.get("KEEP_RIG")
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(autouse=True)
def clean(rig: Rig) -> Iterator[None]:
    """Each test leaves an empty namespace."""
    yield
    rig.kubectl(
        "delete",
        "deployments,replicasets,jobs,pods,services,pvc,pdb",
        "--all",
        "--wait=true",
        "--timeout=30s",
    )
