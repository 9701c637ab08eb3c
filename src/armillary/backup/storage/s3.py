"""Backups in S3 or whatever speaks its protocol. I/O. The only door to obstore.

Retries of single requests are obstore's. A killed upload leaves an invisible multipart upload
behind; the bucket wants a lifecycle rule that aborts those (docs/formats.md has one).
"""

import configparser
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError as ObjectExistsError,
)
from obstore.exceptions import (
    BaseError,
    PreconditionError,
)
from obstore.exceptions import (
    NotFoundError as ObjectMissingError,
)
from obstore.exceptions import (
    NotSupportedError as ObjectNotImplementedError,
)
from obstore.store import S3Store

from armillary.backup.errors import StorageUnavailableError
from armillary.backup.storage.objects import ObjectStorage
from armillary.backup.storage.reasons import obstore_reason
from armillary.base.clock import utc_now
from armillary.base.errors import InputError, NotFoundError
from armillary.settings.backup import BackupStorageSettings

logger = logging.getLogger(__name__)

# A multipart upload has at most 10 000 parts, so this allows 80 GB a file. Every stripe holds some
# parts in memory.
PART_BYTES_MIN = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
READ_BYTES = 1024 * 1024
RETRIES_DEFAULT = 10
RETRY_FOR = timedelta(minutes=3)
_KEYS_GOOD_FOR = timedelta(seconds=10)  # obstore asks anew minutes before the end: each time


class S3Objects:
    """An ObjectClient on an S3 bucket."""

    def __init__(
        self,
        store: S3Store,
        impatient: S3Store,
        *,
        part_bytes: int = PART_BYTES_MIN,
        folders_linger: bool = False,
    ) -> None:
        """Make a client.

        Args:
            impatient: the same store, asked once more at most.
            folders_linger: the store lists folders that have no objects any more, as SeaweedFS.
        """
        self._store = store
        self._impatient = impatient
        self._takes_conditions: bool | None = None  # None: not known yet
        self._folders_linger = folders_linger
        self._part_bytes = max(part_bytes, PART_BYTES_MIN)

    async def list_prefixes(self, prefix: str) -> list[str]:
        if self._folders_linger:
            return await self._prefixes_of_objects(prefix)
        async with _translated(prefix):
            found = await obstore.list_with_delimiter_async(self._store, prefix or None)
            return [str(path).rstrip("/").rpartition("/")[2] for path in found["common_prefixes"]]

    async def _prefixes_of_objects(self, prefix: str) -> list[str]:
        """Read every key to be sure that there is one; slower, but never a folder's ghost."""
        found: set[str] = set()
        async with _translated(prefix):
            async for page in obstore.list(self._store, prefix or None):
                for meta in page:
                    name, slash, _ = meta["path"].removeprefix(prefix).partition("/")
                    if slash and meta["path"].startswith(prefix):
                        found.add(name)
        return sorted(found)

    async def list_objects(self, prefix: str) -> list[tuple[str, int]]:
        async with _translated(prefix):
            return [
                (meta["path"], meta["size"])
                async for page in obstore.list(self._store, prefix)
                for meta in page
                if meta["path"].startswith(prefix)
            ]

    async def put(self, key: str, source: AsyncIterator[bytes]) -> int:
        size = 0
        source_error: Exception | None = None

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size, source_error
            try:
                async for data in source:
                    size += len(data)
                    yield data
            except Exception as error:
                source_error = error
                raise

        try:
            await obstore.put_async(
                self._store,
                key,
                counted(),
                use_multipart=True,
                chunk_size=self._part_bytes,
                max_concurrency=PARTS_AT_ONCE,
            )
        except Exception as error:
            if source_error is not None:
                raise source_error from error
            if isinstance(error, BaseError | OSError):
                reason = obstore_reason(str(error))
                raise StorageUnavailableError(f"s3: cannot store {key}: {reason}") from error
            raise
        return size

    async def put_if_absent(self, key: str, data: bytes) -> bool:
        """Put with `If-None-Match: *`, and without where the store does not know that.

        Some stores take the header and do not mind it: so look first (ADR 21).
        """
        async with _translated(key):
            if await self._exists(key):
                return False
            try:
                await self._create(key, data)
            except (ObjectExistsError, PreconditionError):
                return False
        return True

    async def _create(self, key: str, data: bytes) -> None:
        if self._takes_conditions is None:
            # A refusal looks like a failing server: it must not be asked again for minutes.
            try:
                await obstore.put_async(self._impatient, key, data, mode="create")
                self._takes_conditions = True
                return
            except BaseError as error:
                if isinstance(error, ObjectExistsError | PreconditionError):
                    raise
                if _is_refused(error):
                    logger.info("the store takes no conditional put", extra={"key": key})
                    self._takes_conditions = False
        if self._takes_conditions is False:
            await obstore.put_async(self._store, key, data)
        else:
            await obstore.put_async(self._store, key, data, mode="create")

    async def _exists(self, key: str) -> bool:
        try:
            await obstore.head_async(self._store, key)
        except (ObjectMissingError, FileNotFoundError):
            return False
        return True

    async def get(self, key: str) -> AsyncGenerator[bytes, None]:
        async with _translated(key):
            result = await obstore.get_async(self._store, key)
            async for data in result.stream(min_chunk_size=READ_BYTES):
                yield bytes(data)

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                async with _translated(key):
                    await obstore.delete_async(self._store, key)
            except NotFoundError:
                continue

    async def aclose(self) -> None:
        return None


def s3_storage(settings: BackupStorageSettings) -> ObjectStorage:
    """Return the storage that the `s3_*` settings name.

    Raises:
        InputError: a setting is missing, or the credentials file has no keys in it.
    """
    if not settings.s3_backup_storage_bucket:
        raise InputError("s3_backup_storage_bucket is empty: wanted the name of a bucket")
    config: dict[str, Any] = {
        "region": settings.s3_backup_aws_region,
        "virtual_hosted_style_request": not (
            settings.s3_backup_force_path_style or settings.s3_backup_aws_endpoint
        ),
    }
    client_options: dict[str, Any] = {"timeout": "120s", "connect_timeout": "10s"}
    if endpoint := settings.s3_backup_aws_endpoint:
        config["endpoint"] = endpoint if "://" in endpoint else f"https://{endpoint}"
        client_options["allow_http"] = config["endpoint"].startswith("http://")
    if settings.s3_backup_tls_skip_verify_cert:
        client_options["allow_invalid_certificates"] = True
    if settings.s3_backup_server_side_encryption:
        config["server_side_encryption"] = settings.s3_backup_server_side_encryption
    if settings.aws_shared_credentials_file:
        path = Path(settings.aws_shared_credentials_file)
        read_shared_credentials(path)  # what is wrong with it now is told now
        config["credential_provider"] = lambda: _keys_of(path)
    retries = settings.s3_backup_aws_retries

    def store(retries_max: int) -> S3Store:
        return S3Store(
            settings.s3_backup_storage_bucket,
            client_options=client_options,  # type: ignore[arg-type]
            retry_config={"max_retries": retries_max, "retry_timeout": RETRY_FOR},
            **config,
        )

    return ObjectStorage(
        S3Objects(
            store(RETRIES_DEFAULT if retries < 0 else retries),
            store(1),
            part_bytes=settings.s3_backup_aws_min_partsize,
            folders_linger=bool(settings.s3_backup_aws_endpoint),
        ),
        root=settings.s3_backup_storage_root,
    )


def _keys_of(path: Path) -> dict[str, object]:
    """Return the keys that the file has now, for a moment: whoever changes them restarts nobody.

    Raises:
        InputError: as `read_shared_credentials`; obstore makes it the failure of the request.
    """
    keys = read_shared_credentials(path)
    return {
        "access_key_id": keys["access_key_id"],
        "secret_access_key": keys["secret_access_key"],
        "token": keys.get("session_token"),
        "expires_at": utc_now() + _KEYS_GOOD_FOR,
    }


def read_shared_credentials(path: Path, *, profile: str = "default") -> dict[str, str]:
    """Return the keys of a profile in a file of the form of ~/.aws/credentials.

    Raises:
        InputError: no such file, or no keys in it. The message quotes nothing of it.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text())
    except OSError as error:
        raise InputError(f"cannot read the credentials file {path}: {error.strerror}") from None
    except configparser.Error:
        raise InputError(
            f"credentials file {path}: wanted the form of ~/.aws/credentials"
        ) from None
    names = {
        "aws_access_key_id": "access_key_id",
        "aws_secret_access_key": "secret_access_key",
        "aws_session_token": "session_token",
    }
    section = parser[profile] if parser.has_section(profile) else {}
    keys = {ours: section[theirs] for theirs, ours in names.items() if theirs in section}
    if not {"access_key_id", "secret_access_key"} <= keys.keys():
        raise InputError(f"credentials file {path}: no keys in the profile [{profile}]")
    return keys


def _is_refused(error: BaseError) -> bool:
    """Whether a store says that it does not know `If-None-Match` on a put."""
    refusals = ("NotImplemented", "501 Not Implemented", "If-None-Match", "if-none-match")
    return isinstance(error, ObjectNotImplementedError) or any(
        words in str(error) for words in refusals
    )


@asynccontextmanager
async def _translated(key: str) -> AsyncIterator[None]:
    """Turn obstore's errors into ours, except those that say what the object is like."""
    try:
        yield
    except (ObjectMissingError, FileNotFoundError):
        raise NotFoundError(f"no object {key} in the bucket") from None
    except (ObjectExistsError, PreconditionError):
        raise
    except (BaseError, OSError) as error:
        raise StorageUnavailableError(f"s3: {key}: {obstore_reason(str(error))}") from error
