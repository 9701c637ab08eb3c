"""Each store under test, as a fixture that every test of the suite runs with."""

import itertools
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from armillary.backup.storage import BackupStorage, open_storage
from armillary.settings.backup import BackupStorageSettings

from .emulators import ACCESS_KEY, SECRET_KEY, gcs_server, s3_server

_roots = (f"root/{number}" for number in itertools.count())
BUCKET = "backups"


@pytest.fixture(scope="session")
def s3_settings() -> Iterator[BackupStorageSettings]:
    with (
        tempfile.TemporaryDirectory(prefix="weed", dir="/tmp") as directory,
        s3_server(Path(directory), "127.15.3.1") as url,
    ):
        keys = Path(directory) / "credentials"
        keys.write_text(
            f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
        )
        _make_s3_bucket(url)
        yield BackupStorageSettings(
            backup_storage_implementation="s3",
            s3_backup_aws_endpoint=url,
            s3_backup_storage_bucket=BUCKET,
            aws_shared_credentials_file=str(keys),
        )


@pytest.fixture(scope="session")
def gcs_settings() -> Iterator[BackupStorageSettings]:
    with (
        tempfile.TemporaryDirectory(prefix="gcs", dir="/tmp") as directory,
        gcs_server(Path(directory), "127.15.3.2") as url,
    ):
        request = urllib.request.Request(
            f"{url}/storage/v1/b?project=emulated",
            data=b'{"name": "%s"}' % BUCKET.encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()
        yield BackupStorageSettings(
            backup_storage_implementation="gcs",
            gcs_backup_endpoint=url,
            gcs_backup_storage_bucket=BUCKET,
        )


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
            from dataclasses import replace

            settings = replace(settings, **{f"{kind}_backup_storage_root": root})
    async with open_storage(settings) as opened:
        yield opened


def _make_s3_bucket(url: str) -> None:
    """SeaweedFS makes a bucket on the first write into it, if the account may."""
    store = S3Store(
        BUCKET,
        endpoint=url,
        region="us-east-1",
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    obstore.put(store, "made", b"by the tests")
