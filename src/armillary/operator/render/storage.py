"""What a pod needs to reach a backup location: flags, volumes, mounts, environment. Pure."""

from dataclasses import dataclass, field

from armillary.operator.crd.backup import BackupLocation
from armillary.operator.crd.parts import Json, SecretSource
from armillary.operator.render.flags import FlagValue
from armillary.operator.render.secrets import SecretMount

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


def storage_access(location: BackupLocation, cluster: str) -> StorageAccess:
    """Return what a container needs for `location`; empty for a kind that we do not act on."""
    if location.volume is not None:
        return _volume_access(location, cluster)
    if location.s3 is not None:
        return _s3_access(location, cluster)
    if location.gcs is not None:
        return _gcs_access(location, cluster)
    return StorageAccess()


def _volume_access(location: BackupLocation, cluster: str) -> StorageAccess:
    mount: Json = {"name": VOLUME_NAME, "mountPath": VOLUME_PATH}
    if location.volume_sub_path:
        mount["subPath"] = location.volume_sub_path
    return StorageAccess(
        flags={
            "backup_storage_implementation": "file",
            "file_backup_storage_root": f"{VOLUME_PATH}/{cluster}",
        },
        volumes=[{"name": VOLUME_NAME, **(location.volume or {})}],
        mounts=[mount],
    )


def _s3_access(location: BackupLocation, cluster: str) -> StorageAccess:
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
    return _with_secret(flags, S3_AUTH, s3.auth_secret, "AWS_SHARED_CREDENTIALS_FILE")


def _gcs_access(location: BackupLocation, cluster: str) -> StorageAccess:
    gcs = location.gcs
    assert gcs is not None
    flags: dict[str, FlagValue] = {
        "backup_storage_implementation": "gcs",
        "gcs_backup_storage_bucket": gcs.bucket,
        "gcs_backup_storage_root": root_prefix(gcs.key_prefix, cluster),
    }
    return _with_secret(flags, GCS_AUTH, gcs.auth_secret, "GOOGLE_APPLICATION_CREDENTIALS")


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
