"""Each store under test, as a fixture that every test of the suite runs with."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from armillary.backup.storage import BackupStorage, open_storage
from armillary.settings.backup import BackupStorageSettings
from tests.fakes.object_stores import gcs_store, s3_store

_roots = (f"root/{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def s3_settings() -> Iterator[BackupStorageSettings]:
    with s3_store() as settings:
        yield settings


@pytest.fixture(scope="session")
def gcs_settings() -> Iterator[BackupStorageSettings]:
    with gcs_store() as settings:
        yield settings


@pytest.fixture(
    params=[
        "file",
        "memory",
        pytest.param("s3", marks=pytest.mark.integration),
        pytest.param("gcs", marks=pytest.mark.integration),
    ]
)
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BackupStorage]:
    kind = str(request.param)
    root = next(_roots)
    match kind:
        case "file":
            settings = BackupStorageSettings(
                backup_storage_implementation="file", file_backup_storage_root=str(tmp_path / "b")
            )
        case "memory":
            settings = BackupStorageSettings(backup_storage_implementation="memory")
        case _:
            settings = request.getfixturevalue(f"{kind}_settings")
            settings = replace(settings, **{f"{kind}_backup_storage_root": root})
    async with open_storage(settings) as opened:
        yield opened
