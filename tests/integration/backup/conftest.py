import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .servers import Box, fill, running_box


@pytest.fixture(scope="session")
def template_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture(scope="module")
async def source(template_cache: Path) -> AsyncIterator[Box]:
    """A server with ten rows, for tests that leave it as it is."""
    with tempfile.TemporaryDirectory(prefix="h", dir="/tmp") as folder:
        async with running_box(Path(folder), 1, cache=template_cache) as box:
            await fill(box, rows=10)
            yield box
