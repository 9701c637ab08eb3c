"""Flags that say where backups live and how they are made; processes inherit from these classes.

Names are Vitess's. `with_environment` adds what comes from the environment (paths of credential
files, an emulator's address), so that no other module reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TypeVar

import msgspec

from armillary.base.errors import InputError
from armillary.settings.flags import flag

# Describes all locations of a cluster that has several, to who must look into each.
BACKUP_LOCATIONS = "ARMILLARY_BACKUP_LOCATIONS"
STORAGE_IMPLEMENTATIONS = ("file", "s3", "gcs", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupStorageSettings:
    """Everything needed to open one place where backups live."""

    backup_storage_implementation: str = flag(
        "", help="where backups live: file, s3 or gcs; empty means that there are no backups"
    )
    file_backup_storage_root: str = flag("", help="directory of the backups, for `file`")
    s3_backup_aws_region: str = flag("us-east-1", help="region of the bucket, for `s3`")
    s3_backup_aws_endpoint: str = flag("", help="host:port or URL; empty means Amazon's own")
    s3_backup_storage_bucket: str = flag("", help="bucket of the backups, for `s3`")
    s3_backup_storage_root: str = flag("", help="prefix of every object's key, for `s3`")
    s3_backup_force_path_style: bool = flag(
        False, help="put the bucket in the path; an endpoint of our own always does"
    )
    s3_backup_tls_skip_verify_cert: bool = flag(False, help="do not check the server's certificate")
    s3_backup_aws_retries: int = flag(-1, help="retries of a request; -1 means the default, 10")
    s3_backup_aws_min_partsize: int = flag(
        5 * 1024 * 1024, help="smallest part of a multipart upload, in bytes"
    )
    s3_backup_server_side_encryption: str = flag("", help="AES256 or aws:kms; empty means none")
    gcs_backup_storage_bucket: str = flag("", help="bucket of the backups, for `gcs`")
    gcs_backup_storage_root: str = flag("", help="prefix of every object's name, for `gcs`")
    gcs_backup_endpoint: str = flag("", help="address of an emulator; also STORAGE_EMULATOR_HOST")
    aws_shared_credentials_file: str = flag("", help="also env AWS_SHARED_CREDENTIALS_FILE")
    google_application_credentials: str = flag("", help="also env GOOGLE_APPLICATION_CREDENTIALS")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFlags(BackupStorageSettings):
    """Storage, engines, compression and restore."""

    backup_engine_implementation: str = flag("builtin", help="builtin or xtrabackup")
    backup_storage_compress: bool = flag(True, help="compress what is stored")
    backup_storage_number_blocks: int = flag(2, help="workers that compress, at least this many")
    compression_engine_name: str = flag("zstd", help="zstd; what others wrote in gzip is read")
    compression_level: int = flag(1, help="level of the compression")
    builtinbackup_mysqld_timeout: timedelta = flag(
        timedelta(minutes=10), help="longest stop or start of mysqld around a builtin backup"
    )
    xtrabackup_root_path: str = flag("", help="directory of the backup tool; empty means PATH")
    xtrabackup_stream_mode: str = flag("xbstream", help="xbstream is the only mode that we write")
    xtrabackup_stripes: int = flag(0, help="files that a backup's stream is spread over")
    xtrabackup_stripe_block_size: int = flag(102400, help="bytes per turn of a stripe")
    xtrabackup_backup_flags: str = flag("", help="more arguments for the backup tool")
    xtrabackup_prepare_flags: str = flag("", help="more arguments for the tool's prepare step")
    xbstream_restore_flags: str = flag("", help="more arguments for the unpacking of the stream")
    restore_concurrency: int = flag(4, help="files that are restored at the same time")
    wait_for_backup_interval: timedelta = flag(
        timedelta(0), help="look again this often when there is no backup yet; 0 means start empty"
    )


_T = TypeVar("_T", bound=BackupStorageSettings)


def with_environment(settings: _T, environ: Mapping[str, str]) -> _T:
    """Return `settings` with gaps filled from the variables that the cloud SDKs agree on."""

    def pick(given: str, variable: str) -> str:
        return given or environ.get(variable, "")

    return replace(
        settings,
        aws_shared_credentials_file=pick(
            settings.aws_shared_credentials_file, "AWS_SHARED_CREDENTIALS_FILE"
        ),
        google_application_credentials=pick(
            settings.google_application_credentials, "GOOGLE_APPLICATION_CREDENTIALS"
        ),
        gcs_backup_endpoint=pick(settings.gcs_backup_endpoint, "STORAGE_EMULATOR_HOST"),
    )


@dataclass(frozen=True, slots=True)
class NamedStorage:
    """A backup location of the cluster; one of them may have no name."""

    name: str
    settings: BackupStorageSettings

    def __str__(self) -> str:
        return f"location {self.name!r}" if self.name else "the location without a name"


class _Described(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    flags: dict[str, str | int | bool]


def named_storages(
    settings: BackupStorageSettings, environ: Mapping[str, str]
) -> tuple[NamedStorage, ...]:
    """Return all locations: those that the environment describes, else the one of the flags.

    Raises:
        InputError: the description is none.
    """
    text = environ.get(BACKUP_LOCATIONS, "")
    if not text:
        return (NamedStorage("", settings),) if settings.backup_storage_implementation else ()
    try:
        described = msgspec.json.decode(text, type=list[_Described])
    except msgspec.MsgspecError as error:
        raise InputError(f"environment variable {BACKUP_LOCATIONS}: {error}") from None
    return tuple(NamedStorage(one.name, _storage_of(one, environ)) for one in described)


def _storage_of(described: _Described, environ: Mapping[str, str]) -> BackupStorageSettings:
    """Credentials of the environment are another location's; an emulator's address is for all."""
    unknown = described.flags.keys() - {field.name for field in fields(BackupStorageSettings)}
    if unknown:
        raise InputError(
            f"environment variable {BACKUP_LOCATIONS}: location {described.name!r} has flags that "
            f"no storage has: {', '.join(sorted(unknown))}"
        )
    emulator = {key: value for key, value in environ.items() if key == "STORAGE_EMULATOR_HOST"}
    return with_environment(BackupStorageSettings(**described.flags), emulator)  # type: ignore[arg-type]
