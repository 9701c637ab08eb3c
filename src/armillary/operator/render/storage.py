"""What a pod needs to reach a backup location: flags, volumes, mounts, environment. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from armillary.operator.crd.backup import BackupLocation
from armillary.operator.crd.parts import Json, SecretSource
from armillary.operator.render.flags import FlagValue
from armillary.operator.render.secrets import SecretMount
from armillary.settings.backup import BACKUP_LOCATIONS

VOLUME_NAME = "vitess-backups"
VOLUME_PATH = "/vt/backups"

S3_AUTH = "s3-backup-auth"
GCS_AUTH = "gcs-backup-auth"


@dataclass(frozen=True, slots=True)
class StorageAccess:
    """Added to every container that reads or writes the location."""

    flags: dict[str, FlagValue] = field(default_factory=dict)
    volumes: list[Json] = field(default_factory=list)
    mounts: list[Json] = field(default_factory=list)
    env: list[Json] = field(default_factory=list)


def find_location(locations: list[BackupLocation], name: str) -> BackupLocation | None:
    """Return the first location of that name; None when there is none."""
    return next((location for location in locations if location.name == name), None)


def root_prefix(key_prefix: str, cluster: str) -> str:
    """Return where one cluster's backups start: clusters of different names can share a place."""
    prefix = key_prefix.rstrip("/")
    return f"{prefix}/{cluster}" if prefix else cluster


def storage_access(location: BackupLocation, cluster: str, *, suffix: str = "") -> StorageAccess:
    """Return what a container needs for `location`; empty for a kind that we do not act on.

    Args:
        suffix: of volumes and directories, so that a pod can have several locations.
    """
    if location.volume is not None:
        return _volume_access(location, cluster, suffix)
    if location.s3 is not None:
        return _s3_access(location, cluster, suffix)
    if location.gcs is not None:
        return _gcs_access(location, cluster, suffix)
    return StorageAccess()


def access_to_all(locations: Sequence[BackupLocation], cluster: str) -> StorageAccess:
    """Return what a container needs to look into every location.

    The flags are those of the first, as Vitess's programs know only one. When there are more, an
    environment variable describes all of them; it has the paths of credentials, never their text.
    """
    usable = [location for location in locations if location.volume or location.s3 or location.gcs]
    accesses = [
        storage_access(location, cluster, suffix=f"-{number}" if number > 1 else "")
        for number, location in enumerate(usable, 1)
    ]
    if len(accesses) < 2:
        return accesses[0] if accesses else StorageAccess()
    described = [
        {"name": location.name, "flags": access.flags | _credential_flags(access)}
        for location, access in zip(usable, accesses, strict=True)
    ]
    return StorageAccess(
        flags=accesses[0].flags,
        volumes=[volume for access in accesses for volume in access.volumes],
        mounts=[mount for access in accesses for mount in access.mounts],
        env=[*accesses[0].env, {"name": BACKUP_LOCATIONS, "value": json.dumps(described)}],
    )


def _credential_flags(access: StorageAccess) -> dict[str, FlagValue]:
    """Return the paths of credential files under the names of their settings."""
    return {str(variable["name"]).lower(): str(variable["value"]) for variable in access.env}


def _volume_access(location: BackupLocation, cluster: str, suffix: str) -> StorageAccess:
    name, path = f"{VOLUME_NAME}{suffix}", f"{VOLUME_PATH}{suffix}"
    mount: Json = {"name": name, "mountPath": path}
    if location.volume_sub_path:
        mount["subPath"] = location.volume_sub_path
    return StorageAccess(
        flags={
            "backup_storage_implementation": "file",
            "file_backup_storage_root": f"{path}/{cluster}",
        },
        volumes=[{"name": name, **(location.volume or {})}],
        mounts=[mount],
    )


def _s3_access(location: BackupLocation, cluster: str, suffix: str) -> StorageAccess:
    s3 = location.s3
    assert s3 is not None
    flags: dict[str, FlagValue] = {
        "backup_storage_implementation": "s3",
        "s3_backup_aws_region": s3.region,
        "s3_backup_storage_bucket": s3.bucket,
        "s3_backup_storage_root": root_prefix(s3.key_prefix, cluster),
    }
    # Set only when asked for: an older image does not know every flag.
    if s3.endpoint:
        flags["s3_backup_aws_endpoint"] = s3.endpoint
    if s3.force_path_style:
        flags["s3_backup_force_path_style"] = True
    if s3.min_part_size:
        flags["s3_backup_aws_min_partsize"] = s3.min_part_size
    return _with_secret(flags, f"{S3_AUTH}{suffix}", s3.auth_secret, "AWS_SHARED_CREDENTIALS_FILE")


def _gcs_access(location: BackupLocation, cluster: str, suffix: str) -> StorageAccess:
    gcs = location.gcs
    assert gcs is not None
    flags: dict[str, FlagValue] = {
        "backup_storage_implementation": "gcs",
        "gcs_backup_storage_bucket": gcs.bucket,
        "gcs_backup_storage_root": root_prefix(gcs.key_prefix, cluster),
    }
    variable = "GOOGLE_APPLICATION_CREDENTIALS"
    return _with_secret(flags, f"{GCS_AUTH}{suffix}", gcs.auth_secret, variable)


def _with_secret(
    flags: dict[str, FlagValue], directory: str, source: SecretSource | None, variable: str
) -> StorageAccess:
    if source is None:
        return StorageAccess(flags=flags)
    mount = SecretMount(directory, source)
    return StorageAccess(
        flags=flags,
        volumes=mount.volumes(),
        mounts=mount.mounts(),
        env=[{"name": variable, "value": mount.file}],
    )
