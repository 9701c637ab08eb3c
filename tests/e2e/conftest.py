"""Clusters that stories share: starting one costs half a minute."""

from collections.abc import Iterator

import pytest

from armillary.cli.demo.steps import PROCEDURE
from armillary.cli.demo.walk import Walk, forward_to_vtctld, is_listening
from tests.e2e.machine import Machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """The cluster of the procedure, serving."""
    machine = Machine.fresh()
    machine.write_manifest()
    try:
        machine.up()
        yield machine
    finally:
        machine.remove()


@pytest.fixture(scope="session")
def walked(machine: Machine) -> Iterator[Walk]:
    """The same cluster after the whole procedure: users 101 and 102 are in main."""
    walk = machine.walk()
    try:
        for step in PROCEDURE:
            walk.narrator.step((step.__doc__ or "").strip())
            step(walk)
        yield walk
    finally:
        walk.close()


@pytest.fixture
def forwarded(walked: Walk) -> Walk:
    """The walked cluster with a port-forward that works: a story before may have ended it."""
    if not is_listening(walked.port):
        walked.close()
        forward_to_vtctld(walked)
    return walked
