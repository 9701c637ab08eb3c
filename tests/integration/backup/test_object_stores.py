"""Whole backups through object stores: SeaweedFS for S3, fake-gcs-server for GCS."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.errors import StorageUnavailableError
from armillary.backup.restore import restore_backup
from armillary.backup.storage import BackupStorage, open_storage
from armillary.backup.verify import verify_backup
from armillary.settings.backup import BackupStorageSettings
from tests.fakes.bearer_gate import bearer_gate, new_key
from tests.fakes.object_stores import gcs_store, s3_store

from .servers import fill, running_box
from .test_take_and_restore import CHECK, SETTINGS, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture(scope="module")
def s3_settings() -> Iterator[BackupStorageSettings]:
    with s3_store() as settings:
        yield settings


@pytest.fixture(scope="module")
def gcs_settings() -> Iterator[BackupStorageSettings]:
    with gcs_store() as settings:
        yield settings


@pytest.mark.parametrize("engine", ["xtrabackup", "builtin"])
@pytest.mark.parametrize("store", ["s3", "gcs"])
async def test_a_backup_goes_into_the_store_and_comes_back(
    short_dir: Path,
    template_cache: Path,
    request: pytest.FixtureRequest,
    store: str,
    engine: str,
) -> None:
    where: BackupStorageSettings = request.getfixturevalue(f"{store}_settings")
    async with (
        open_storage(where) as storage,
        running_box(short_dir, 1, cache=template_cache) as source,
        running_box(short_dir, 2, cache=template_cache) as target,
    ):
        await fill(source, rows=20000)
        manifest = await take(source, storage, engine)
        record = (await read_catalog(storage, "main", "-80"))[-1]
        assert record.raw_name == manifest.backup_name
        report = await verify_backup(storage, "main", "-80", record)
        assert report.is_sound, report.problems
        await restore_backup(restore_request(target), storage=storage, settings=SETTINGS)
        assert await target.sql(CHECK) == await source.sql(CHECK)


async def test_google_is_asked_with_the_tokens_of_the_service_account(
    tmp_path: Path, gcs_settings: BackupStorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a Secret as a file: no emulator is named, only Google's address is another."""
    key_file = tmp_path / "key.json"
    where = replace(
        gcs_settings,
        gcs_backup_endpoint="",
        gcs_backup_storage_root="with/keys",
        google_application_credentials=str(key_file),
    )

    async def data() -> AsyncIterator[bytes]:
        yield b"x" * 9_000_000  # more than one part
        yield b"end"

    with bearer_gate(gcs_settings.gcs_backup_endpoint) as gate:
        monkeypatch.setenv("API_ENDPOINT_OVERRIDE", gate.url)
        # Else the library asks Google itself where the account may be used.
        monkeypatch.setattr(
            "google.auth.credentials.CredentialsWithRegionalAccessBoundary"
            "._maybe_start_regional_access_boundary_refresh",
            lambda *_: None,
        )
        key_file.write_text(gate.key_file())
        async with open_storage(where) as storage:
            assert await storage.list_backups("main/-80") == []
            name = "2020-08-12.043833.zone1-0000000001"
            assert await storage.put("main/-80", name, "data", data()) == 9_000_003
            assert await storage.put_if_absent("main/-80", name, "MANIFEST", b"{}")
            assert not await storage.put_if_absent("main/-80", name, "MANIFEST", b"{}")
            assert await storage.list_backups("main/-80") == [name]
            read = b"".join([part async for part in storage.get("main/-80", name, "data")])
            assert (len(read), read[-3:]) == (9_000_003, b"end")
            await storage.remove_backup("main/-80", name)
            assert await storage.list_backups("main/-80") == []
            sold = set(gate.sold)
            assert sold and gate.let_through > 8 and gate.refused == 0

            # The Secret changes while the store is open: the new key counts, right or wrong.
            for bad, told in (
                (gate.key_file(new_key()), "Invalid JWT Signature"),
                ("{}", "service account's JSON key"),
            ):
                key_file.write_text(bad)
                with pytest.raises(StorageUnavailableError, match=told):
                    await storage.list_backups("main/-80")
            assert gate.refused > 0 and gate.sold == sold
            key_file.write_text(gate.key_file())
            assert await storage.list_backups("main/-80") == []


async def test_keys_of_s3_that_change_count_from_then_on(
    tmp_path: Path, s3_settings: BackupStorageSettings
) -> None:
    good = keys_of(s3_settings)
    keys = tmp_path / "credentials"
    keys.write_text(good.replace("secret_access_key = ", "secret_access_key = not"))
    async with open_storage(replace(s3_settings, aws_shared_credentials_file=str(keys))) as storage:
        with pytest.raises(StorageUnavailableError, match="SignatureDoesNotMatch"):
            await storage.list_backups("rotated")
        keys.write_text(good)
        with anyio.fail_after(30):
            await until_listed(storage)
        keys.unlink()
        with (
            anyio.fail_after(30),
            pytest.raises(StorageUnavailableError, match="cannot read the credentials file"),
        ):
            while True:
                await storage.list_backups("rotated")


def keys_of(settings: BackupStorageSettings) -> str:
    return Path(settings.aws_shared_credentials_file).read_text()


async def until_listed(storage: BackupStorage) -> None:
    """Keys are asked for anew at the next request, but not within a tenth of a second."""
    while True:
        try:
            assert await storage.list_backups("rotated") == []
        except StorageUnavailableError:
            continue
        return
