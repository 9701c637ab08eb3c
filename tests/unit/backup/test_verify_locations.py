"""`armillary verify-backup` over several locations: one without the backups hides no other."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from armillary.backup.errors import StorageUnavailableError
from armillary.backup.storage.file import FileStorage
from armillary.base.errors import NotFoundError
from armillary.cli.verbs import verify_backup


class _Closed(FileStorage):
    async def list_directories(self, prefix: str = "") -> list[str]:
        raise StorageUnavailableError("does not answer")


def verify(monkeypatch: pytest.MonkeyPatch, *storages: FileStorage) -> Any:
    async def opened(*_: object) -> AsyncGenerator[tuple[str, FileStorage], None]:
        for number, storage in enumerate(storages):
            yield str(number), storage

    monkeypatch.setattr(verify_backup, "_storages", opened)
    return CliRunner().invoke(verify_backup.command, ["-o", "json", "main"])


def test_a_location_that_is_empty_or_silent_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full" / "main" / "-80").mkdir(parents=True)
    empty, full = FileStorage(tmp_path / "empty"), FileStorage(tmp_path / "full")
    done = verify(monkeypatch, empty, full)
    assert done.exception is None
    assert [row["location"] for row in json.loads(done.output)] == ["1"]
    done = verify(monkeypatch, _Closed(tmp_path), full)
    assert "does not answer" in str(done.exception)
    assert [row["location"] for row in json.loads(done.output)] == ["1"]
    assert isinstance(verify(monkeypatch, empty, empty).exception, NotFoundError)
