"""A primary and its replica, which the tests of one file use one after another."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.tablet.shared import Pair, SharedShard, shared_shard


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[SharedShard]:
    async with shared_shard() as shared:
        yield shared


@pytest.fixture
async def pair(shared: SharedShard) -> Pair:
    """For tests that leave a primary and a replica behind, whichever is which."""
    return await shared.pair()
