"""The two kubectls that tests use, those of our environment: the newest, and the oldest that we
promise. A machine need not have one.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

NEWEST_KUBECTL = str(Path(sys.executable).parent / "kubectl")
OLDEST_KUBECTL = Path(sys.executable).parent / "kubectl-1.29"  # tools/setup/install.py gets it


def newest_kubectl() -> Any:
    return pytest.param(NEWEST_KUBECTL, id="kubectl")


def oldest_kubectl() -> Any:
    """Return it as a parameter of a test, which is skipped where there is none."""
    missing = pytest.mark.skipif(not OLDEST_KUBECTL.exists(), reason="no kubectl 1.29 here")
    return pytest.param(str(OLDEST_KUBECTL), id="kubectl-1.29", marks=missing)
