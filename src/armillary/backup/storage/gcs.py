"""Backups in Google Cloud Storage. I/O. The only door to google-cloud-storage.

The library blocks, so each call runs in a thread; an upload keeps its thread until it ends and
pulls its bytes from the event loop.
"""

import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import IO, TypeVar, cast

import anyio
from anyio import from_thread, to_thread
from google.api_core.exceptions import GoogleAPIError, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage  # type: ignore[import-untyped]
from requests.exceptions import RequestException

from armillary.backup.errors import StorageUnavailableError
from armillary.backup.storage.objects import ObjectStorage
from armillary.backup.storage.reasons import google_reason
from armillary.base.errors import InputError, NotFoundError
from armillary.settings.backup import BackupStorageSettings

UPLOAD_PART_BYTES = 8 * 1024 * 1024  # a multiple of 256 KiB
READ_BYTES = 4 * 1024 * 1024
THREADS_MAX = 32  # an upload blocks one for its whole time

_T = TypeVar("_T")


class GcsObjects:
    """An ObjectClient on a bucket."""

    def __init__(self, clients: "_Clients", bucket: str) -> None:
        self._clients = clients
        self._name = bucket
        self._threads = anyio.CapacityLimiter(THREADS_MAX)

    async def list_prefixes(self, prefix: str) -> list[str]:
        def read() -> list[str]:
            iterator = self._clients.now().list_blobs(self._name, prefix=prefix, delimiter="/")
            for _ in iterator.pages:
                pass
            return [p.rstrip("/").rpartition("/")[2] for p in iterator.prefixes]

        return await self._in_thread(read)

    async def list_objects(self, prefix: str) -> list[tuple[str, int]]:
        def read() -> list[tuple[str, int]]:
            blobs = self._clients.now().list_blobs(self._name, prefix=prefix)
            return [(blob.name, blob.size) for blob in blobs]

        return await self._in_thread(read)

    async def put(self, key: str, source: AsyncIterator[bytes]) -> int:
        stream = _PulledStream(source)

        def upload() -> None:
            blob = self._blob(key, chunk_size=UPLOAD_PART_BYTES)
            blob.upload_from_file(
                cast(IO[bytes], stream), content_type="application/octet-stream", checksum="crc32c"
            )

        try:
            await self._in_thread(upload)
        except Exception as error:
            if stream.source_error is not None and error is not stream.source_error:
                raise stream.source_error from error
            raise
        return stream.tell()

    async def put_if_absent(self, key: str, data: bytes) -> bool:
        def upload() -> bool:
            try:
                self._blob(key).upload_from_string(
                    data, content_type="application/octet-stream", if_generation_match=0
                )
            except PreconditionFailed:
                return False
            return True

        return await self._in_thread(upload)

    async def get(self, key: str) -> AsyncGenerator[bytes, None]:
        reader = await self._in_thread(lambda: self._blob(key).open("rb", chunk_size=READ_BYTES))
        try:
            while data := await self._in_thread(lambda: reader.read(READ_BYTES)):
                yield data
        finally:
            reader.close()

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                await self._in_thread(lambda key=key: self._blob(key).delete())  # type: ignore[misc]
            except NotFoundError:
                continue

    async def aclose(self) -> None:
        self._clients.close()

    def _blob(self, key: str, *, chunk_size: int | None = None) -> storage.Blob:
        return self._clients.now().bucket(self._name).blob(key, chunk_size=chunk_size)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        try:
            return await to_thread.run_sync(call, limiter=self._threads)
        except NotFound as error:
            raise NotFoundError(f"gcs: {error.message}") from None
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            raise StorageUnavailableError(f"gcs: {google_reason(str(error))}") from error
        except InputError as error:
            raise StorageUnavailableError(f"gcs: {error}") from None


class _Clients:
    """The client for the key file as it is now: whoever changes the key restarts nobody."""

    def __init__(self, settings: BackupStorageSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._stamp = self._read_stamp()
        self._client = _client(settings)

    def now(self) -> storage.Client:
        """Return the client; what another one is at goes on.

        Raises:
            InputError: the key file has changed, and cannot be read.
        """
        with self._lock:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._client = _client(self._settings)
                self._stamp = stamp
            return self._client

    def close(self) -> None:
        self._client.close()

    def _read_stamp(self) -> tuple[int, ...]:
        try:
            stat = os.stat(self._settings.google_application_credentials)
        except OSError:
            return ()
        return stat.st_ino, stat.st_size, stat.st_mtime_ns


class _PulledStream:
    """A file to read in a worker thread, whose bytes come from an iterator of the event loop."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self.source_error: Exception | None = None
        self._source = source
        self._rest = bytearray()
        self._position = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and not self._ended:
            # A cancellation that came while the library was sending reaches no task of ours.
            from_thread.check_cancelled()
            try:
                self._rest += from_thread.run(self._next)
            except Exception as error:
                self.source_error = error
                raise
        data = bytes(self._rest[:size])
        del self._rest[:size]
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    async def _next(self) -> bytes:
        try:
            return await anext(self._source)
        except StopAsyncIteration:
            self._ended = True
            return b""


def gcs_storage(settings: BackupStorageSettings) -> ObjectStorage:
    """Return the storage that the `gcs_*` settings name.

    Raises:
        InputError: a setting is missing, or the key file cannot be read.
    """
    if not settings.gcs_backup_storage_bucket:
        raise InputError("gcs_backup_storage_bucket is empty: wanted the name of a bucket")
    return ObjectStorage(
        GcsObjects(_Clients(settings), settings.gcs_backup_storage_bucket),
        root=settings.gcs_backup_storage_root,
    )


def _client(settings: BackupStorageSettings) -> storage.Client:
    key_file = settings.google_application_credentials
    if endpoint := settings.gcs_backup_endpoint:
        url = endpoint if "://" in endpoint else f"http://{endpoint}"
        return storage.Client(
            project="emulated",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": url},
        )
    try:
        if key_file:
            return storage.Client.from_service_account_json(key_file)
        return storage.Client()
    except OSError as error:
        raise InputError(f"cannot read the key file {key_file}: {error.strerror}") from None
    except ValueError:
        raise InputError(f"key file {key_file}: wanted a service account's JSON key") from None
    except GoogleAuthError as error:
        raise InputError(f"no Google credentials: {error}") from None
