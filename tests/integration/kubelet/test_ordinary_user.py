"""The whole control plane as an ordinary user, with and without bubblewrap."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kubelet.rig import Rig, pod

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        sys.version_info[:2] != (3, 11) or not Path("/usr/bin/python3").exists(),
        reason="needs a Python of the same version that another user may run",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]


@pytest.fixture(scope="module", params=["sandbox", "plain"])
def user_rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    directory = Path(tempfile.mkdtemp(prefix="aru-", dir="/tmp"))
    directory.chmod(0o755)
    sandbox = directory / "d"
    env = None
    if request.param == "plain":  # a PATH without bwrap is a machine without it
        programs = directory / "bin"
        programs.mkdir()
        for name in ("sh", "nsenter", "setsid"):
            found = shutil.which(name)
            assert found
            (programs / name).symlink_to(found)
        env = {"PATH": str(programs)}
    rig = Rig(sandbox, as_user="nobody")
    try:
        rig.up("etcd", "apiserver")
        rig.up("kubelet", env=env)
        rig.up("controllers")
        yield rig
    finally:
        rig.down()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(autouse=True)
def clean() -> None:
    """Not the shared control plane's."""


def test_a_pod_with_volumes_runs_and_can_be_entered(user_rig: Rig) -> None:
    rig = user_rig
    rig.kubectl("create", "secret", "generic", "auth", "--from-literal=k=secret")
    spec = {
        "volumes": [
            {"name": "s", "secret": {"secretName": "auth"}},
            {"name": "e", "emptyDir": {}},
        ]
    }
    mounts = [
        {"name": "s", "mountPath": "/vt/secrets/auth"},
        {"name": "e", "mountPath": "/vt/socket", "subPath": "socket"},
    ]
    script = "id -u; cat /vt/secrets/auth/k > /vt/socket/copy; test -x /vt/bin/env "
    script += "&& exec python3 -m http.server 15000 --bind $POD_IP --directory /vt/socket"
    probe = {"httpGet": {"port": 15000}, "periodSeconds": 1}
    rig.apply(pod("mine", script, spec=spec, volumeMounts=mounts, readinessProbe=probe))
    rig.wait_ready("mine")
    assert rig.kubectl("logs", "mine").stdout.startswith("65534\n")
    done = rig.kubectl("exec", "mine", "--", "cat", "/vt/socket/copy")
    assert done.stdout == "secret"
    rig.end("kubelet", 9)
    rig.up("kubelet")
    rig.wait_for(lambda: "adopted" in (rig.paths.logs / "kubelet.log").read_text())
    assert rig.get("pod", "mine")["status"]["containerStatuses"][0]["restartCount"] == 0
    rig.kubectl("delete", "pod", "mine")
    rig.apply(pod("other", "sleep 60", securityContext={"runAsUser": 1234}))
    refusal = "container asks for user 1234: this cluster was started by user 65534"
    rig.wait_for(lambda: refusal in rig.kubectl("describe", "pod", "other").stdout)
    rig.kubectl("delete", "pod", "other")
    rig.apply(pod("sorry", "echo no >/dev/termination-log", spec={"restartPolicy": "Never"}))
    ended = rig.wait_phase("sorry", "Succeeded")["status"]["containerStatuses"][0]
    assert ended["state"]["terminated"]["message"] == "no\n"
    rig.kubectl("delete", "secret", "auth")
