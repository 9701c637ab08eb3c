"""What is told when one of several stripes fails is that stripe's own reason."""

from collections.abc import AsyncGenerator

import anyio
import anyio.lowlevel
import pytest

from armillary.backup.errors import DamagedBackupError
from armillary.backup.pipeline.read import join_stripes
from armillary.backup.pipeline.stripes import StripeLayout

pytestmark = pytest.mark.anyio

LAYOUT = StripeLayout(3, 4, 4)


async def sound(blocks: int) -> AsyncGenerator[bytes, None]:
    for _ in range(blocks):
        yield b"abcdefgh"  # two turns at once: the reader has some left over


async def broken(blocks: int) -> AsyncGenerator[bytes, None]:
    for _ in range(blocks):
        yield b"abcdefgh"  # two turns at once: the reader has some left over
    for _ in range(5):
        await anyio.lowlevel.checkpoint()  # by then the reader waits for this stripe
    raise DamagedBackupError("b", "the file", "chunk 3 has another hash")


async def ignore(views: list[memoryview]) -> None:
    return None


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("blocks", [0, 1, 2])
async def test_the_broken_stripe_says_why(place: int, blocks: int) -> None:
    lanes = [broken(blocks) if index == place else sound(9) for index in range(3)]
    with pytest.raises(DamagedBackupError, match="chunk 3 has another hash"):
        await join_stripes(lanes, layout=LAYOUT, backup="b", sink=ignore)


async def test_a_stripe_that_is_too_long_is_told_as_that() -> None:
    lanes = [sound(1), sound(1), sound(3)]
    with pytest.raises(DamagedBackupError, match="goes on after the stream's end"):
        await join_stripes(lanes, layout=LAYOUT, backup="b", sink=ignore)
