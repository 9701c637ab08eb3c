"""Node's drivers: all numbers are doubles, and EXECUTE does not wait for PREPARE."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.vtgate.gate import PASSWORD, USER, Gate

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

HERE = Path(__file__).parent
PACKAGES = HERE.parents[3] / ".venv" / "node" / "node_modules"


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("driver", ["mysql2", "mariadb"])
def test_a_driver_tells_the_story_of_an_application(driver: str, tls: bool, tls_gate: Gate) -> None:
    where = {
        "host": tls_gate.address,
        "port": tls_gate.port,
        "user": USER,
        "password": PASSWORD,
        "database": "main",
        **({"ssl": {"rejectUnauthorized": False}} if tls else {}),
    }
    told = subprocess.run(
        ["node", HERE / f"{driver}.cjs"],
        input=json.dumps(where),
        capture_output=True,
        text=True,
        env={**os.environ, "NODE_PATH": str(PACKAGES)},
        timeout=200,
        check=False,
    )
    assert (told.returncode, told.stdout) == (0, "told\n"), told.stderr[-2000:]
