"""How long a test may take, and what is seen of one that takes longer.

A test over its limit fails, with the stacks of all threads, and its fixtures end what they
started. If even that does not come to an end, because a thread is blocked, the process writes the
stacks and is gone; whoever runs the tests sweeps up behind it (tools/watched.py).
"""

import faulthandler
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# The most that is ever needed, by kind. Machines that others use too may starve real servers.
S_MAX = {"conformance": 300, "integration": 300, "e2e": 900}
S_MAX_ELSEWHERE = 60
# How much longer ending what a failed test started may take.
ENDING_S_MAX = 60
# Multiplies every limit (./test --patience).
PATIENCE = "ARMILLARY_TEST_PATIENCE"
# A directory in which each process of the tests says which test it runs.
RUNNING_DIR = "ARMILLARY_TEST_RUNNING_DIR"


def limit_of(item: pytest.Item) -> float:
    """Return the seconds a test may take: its own mark's, else those of its kind."""
    mark = item.get_closest_marker("timeout")
    kind = item.nodeid.split("/")[1] if item.nodeid.count("/") > 1 else ""
    limit = mark.args[0] if mark else S_MAX.get(kind, S_MAX_ELSEWHERE)
    return float(limit) * patience()


def patience() -> float:
    return float(os.environ.get(PATIENCE, "1"))


class Limits:
    """Pytest's hooks that hold each test to its limit."""

    def __init__(self, stderr: int) -> None:
        self._stderr = stderr  # the real one: pytest's own is captured
        folder = os.environ.get(RUNNING_DIR)
        self._running = Path(folder, str(os.getpid())) if folder else None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            item.add_marker(pytest.mark.timeout(limit_of(item)), append=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if self._running:
            self._running.write_text(item.nodeid)
        mark = item.get_closest_marker("timeout")
        assert mark
        hard_s = mark.args[0] + ENDING_S_MAX * patience()
        faulthandler.dump_traceback_later(hard_s, exit=True, file=self._stderr)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()
            if self._running:
                self._running.unlink(missing_ok=True)


def install(config: pytest.Config) -> None:
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        stderr = os.dup(2)
    config.pluginmanager.register(Limits(stderr), "limits")
