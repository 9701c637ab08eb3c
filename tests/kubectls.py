"""The two kubectls that tests use: the newest, as `kubectl`, and the oldest that we promise."""

import sys
from pathlib import Path
from typing import Any

import pytest

OLDEST_KUBECTL = Path(sys.executable).parent / "kubectl-1.29"  # tools/setup/install.py gets it


def oldest_kubectl() -> Any:
    """Return it as a parameter of a test, which is skipped where there is none."""
    missing = pytest.mark.skipif(not OLDEST_KUBECTL.exists(), reason="no kubectl 1.29 here")
    return pytest.param(str(OLDEST_KUBECTL), id="kubectl-1.29", marks=missing)
