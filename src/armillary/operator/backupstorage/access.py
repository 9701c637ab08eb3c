"""Open a backup location from outside the pods: the operator's process, or a command. I/O.

Credentials come from the location's Secret through the API and live in a private file only while
the storage is open; they are never in arguments or logs.
"""

import os
import tempfile
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from armillary.backup.storage import BackupStorage, open_storage
from armillary.base.errors import InputError, PreconditionError, UnsupportedError
from armillary.kube import kinds
from armillary.kube.client import KubeClient
from armillary.operator.crd.backup import BackupLocation
from armillary.operator.crd.parts import SecretSource
from armillary.operator.render.storage import root_prefix
from armillary.settings.backup import BackupStorageSettings, with_environment

_FILE = "credentials"


@asynccontextmanager
async def open_location(
    client: KubeClient,
    namespace: str,
    cluster: str,
    location: BackupLocation,
    *,
    on_pods_machine: bool,
    s3_retries: int = -1,
) -> AsyncIterator[BackupStorage]:
    """Yield the storage of one cluster in the location.

    Args:
        on_pods_machine: this process sees the directories that pods mount.
        s3_retries: of a request; -1 means the default.

    Raises:
        InputError: a setting or what the secret holds is not what the store wants.
        PreconditionError: the operator cannot reach it from where it runs, or a secret is missing.
        UnsupportedError: a kind of location that we do not act on.
    """
    with tempfile.TemporaryDirectory(prefix="armillary-storage-") as directory:
        if location.volume is not None:
            settings = _volume_settings(cluster, location, on_pods_machine=on_pods_machine)
        else:
            settings = await _settings(client, namespace, cluster, location, Path(directory))
        settings = replace(settings, s3_backup_aws_retries=s3_retries)
        try:
            opened = open_storage(with_environment(settings, os.environ))
        except InputError as error:
            # The file is one of the moment; what a person can mend is the Secret.
            file, secret = str(Path(directory) / _FILE), _secret_title(location)
            raise InputError(str(error).replace(file, secret)) from None
        async with opened as storage:
            yield storage


def _secret_title(location: BackupLocation) -> str:
    store = location.s3 or location.gcs
    source = store.auth_secret if store is not None else None
    return f"{source.key} of Secret {source.name}" if source is not None else ""


async def _settings(
    client: KubeClient, namespace: str, cluster: str, location: BackupLocation, directory: Path
) -> BackupStorageSettings:
    if location.s3 is not None:
        s3 = location.s3
        return BackupStorageSettings(
            backup_storage_implementation="s3",
            s3_backup_aws_region=s3.region,
            s3_backup_aws_endpoint=s3.endpoint,
            s3_backup_storage_bucket=s3.bucket,
            s3_backup_storage_root=root_prefix(s3.key_prefix, cluster),
            s3_backup_force_path_style=s3.force_path_style,
            aws_shared_credentials_file=await _secret_file(
                client, namespace, s3.auth_secret, directory
            ),
        )
    if location.gcs is not None:
        gcs = location.gcs
        return BackupStorageSettings(
            backup_storage_implementation="gcs",
            gcs_backup_storage_bucket=gcs.bucket,
            gcs_backup_storage_root=root_prefix(gcs.key_prefix, cluster),
            google_application_credentials=await _secret_file(
                client, namespace, gcs.auth_secret, directory
            ),
        )
    raise UnsupportedError(f"backup location {location.name!r}: wanted volume, s3 or gcs")


def _volume_settings(
    cluster: str, location: BackupLocation, *, on_pods_machine: bool
) -> BackupStorageSettings:
    """Return settings for a volume, which is a directory that this process sees as well."""
    host_path = (location.volume or {}).get("hostPath") or {}
    if not on_pods_machine or not host_path.get("path"):
        raise PreconditionError(
            f"backup location {location.name!r}: a volume can be looked into only where this "
            "process runs on the pods' own machine and the volume is a hostPath"
        )
    root = Path(host_path["path"]) / location.volume_sub_path
    return BackupStorageSettings(
        backup_storage_implementation="file", file_backup_storage_root=str(root / cluster)
    )


async def _secret_file(
    client: KubeClient, namespace: str, source: SecretSource | None, directory: Path
) -> str:
    """Write the secret's key into a file that only we can read; "" when there is no secret."""
    if source is None:
        return ""
    if source.volume_name or not source.name:
        raise PreconditionError("the operator can use credentials only from a Secret by name")
    secret = await client.get(kinds.SECRET, source.name, namespace)
    data = (secret or {}).get("data") or {}
    if source.key not in data:
        raise PreconditionError(f"Secret {source.name} or its key {source.key} is missing")
    path = directory / _FILE
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b64decode(data[source.key]))
    return str(path)
