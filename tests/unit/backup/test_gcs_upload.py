"""An upload to GCS runs in a thread that pulls its bytes from the event loop."""

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio import from_thread, to_thread

from armillary.backup.storage.gcs import _PulledStream

pytestmark = pytest.mark.anyio


async def test_a_cancellation_that_comes_between_two_reads_ends_the_upload() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"more"

    stream = _PulledStream(endless())
    with anyio.CancelScope() as scope:

        def upload() -> None:
            stream.read(10)
            from_thread.run_sync(scope.cancel)
            for _ in range(1000):
                stream.read(10)

        await to_thread.run_sync(upload)
    assert scope.cancelled_caught
    assert stream.tell() == 10
