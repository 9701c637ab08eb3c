"""Reading log files from where somebody wants them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from armillary.local.kubelet.containers import logs
from armillary.local.kubelet.containers.logs import LogMarks, LogRequest, read_log, sweep_log

pytestmark = pytest.mark.anyio


async def read(path: Path, **request: object) -> bytes:
    wanted = LogRequest(**request)  # type: ignore[arg-type]
    return b"".join([chunk async for chunk in read_log(path, wanted, is_over=lambda: True)])


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        (b"a\nb\nc\n", 2, b"b\nc\n"),
        (b"a\nb\nc", 2, b"b\nc"),
        (b"a\nb\n", 5, b"a\nb\n"),
        (b"a\n\n", 1, b"\n"),
        (b"a\nb\n", 0, b""),
        (b"", 3, b""),
    ],
)
async def test_the_last_lines_are_found_over_any_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, count: int, expected: bytes
) -> None:
    """With chunks of two bytes, so that the search crosses them all the time."""
    monkeypatch.setattr(logs, "_CHUNK_BYTES", 2)
    path = tmp_path / "1.log"
    path.write_bytes(text)
    assert await read(path, tail_lines=count) == expected


async def test_a_log_is_cut_at_its_limit_and_one_that_is_missing_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    assert await read(path) == b""
    path.write_bytes(b"0123456789")
    assert await read(path, bytes_max=4) == b"0123"


async def test_marks_give_lines_their_times(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    marks = LogMarks(path)
    for at, text in ((100.0, b"old\n"), (200.0, b"new\n")):
        with path.open("ab") as file:
            file.write(text)
        sweep_log(path, marks, now_s=at, bytes_max=1 << 20)
    assert await read(path, since=datetime.fromtimestamp(150, UTC)) == b"new\n"
    assert await read(path, since=datetime.fromtimestamp(50, UTC)) == b"old\nnew\n"
    stamped = await read(path, timestamps=True)
    assert stamped == (b"1970-01-01T00:01:40.000000Z old\n1970-01-01T00:03:20.000000Z new\n")
    assert LogMarks(path).offset_at(150.0) == 4, "marks outlive the process that made them"


async def test_a_long_log_loses_its_head_and_begins_with_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    line = b"x" * 99 + b"\n"
    path.write_bytes(line * 20_000)
    size = path.stat().st_size
    sweep_log(path, LogMarks(path), now_s=1.0, bytes_max=400_000)
    after = path.stat()
    if after.st_size != size:
        pytest.skip("this file system cannot give blocks back")
    assert after.st_blocks * 512 < 800_000
    text = await read(path)
    assert set(text.splitlines(keepends=True)) == {line}
    assert 400_000 <= len(text) < 500_000
    assert await read(path, tail_lines=2) == line * 2
