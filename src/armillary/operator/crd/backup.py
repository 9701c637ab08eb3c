"""`spec.backup`: where backups go, how they are made, how long they stay. Pure."""

from typing import Annotated, Literal

from armillary.operator.crd.parts import (
    KEY_PREFIX,
    LOCATION_NAME,
    Count,
    Json,
    Model,
    SecretSource,
    doc,
)


class GcsLocation(Model, frozen=True, kw_only=True):
    bucket: Annotated[str, doc("Name of the bucket.", min_length=1)]
    key_prefix: Annotated[
        str,
        doc(
            "Put before every object's name, so that a bucket can be shared.",
            max_length=256,
            pattern=KEY_PREFIX,
        ),
    ] = ""
    auth_secret: Annotated[
        SecretSource | None,
        doc("A service account's JSON key. Without it the node's own credentials are used."),
    ] = None


class S3Location(Model, frozen=True, kw_only=True):
    region: Annotated[str, doc("Region of the bucket, such as us-east-1.", min_length=1)]
    bucket: Annotated[str, doc("Name of the bucket.", min_length=1)]
    endpoint: Annotated[
        str, doc("host:port of a store that speaks S3; empty means Amazon's own.")
    ] = ""
    key_prefix: Annotated[
        str,
        doc(
            "Put before every object's name, so that a bucket can be shared.",
            max_length=256,
            pattern=KEY_PREFIX,
        ),
    ] = ""
    force_path_style: Annotated[
        bool, doc("Put the bucket into the path instead of the host name, as most stores need.")
    ] = False
    min_part_size: Annotated[
        int, doc("Smallest part of an upload in bytes; 0 leaves the choice to us.", ge=0)
    ] = 0
    auth_secret: Annotated[
        SecretSource | None,
        doc("A file in the form of ~/.aws/credentials. Without it the node's role is used."),
    ] = None


class AzblobLocation(Model, frozen=True, kw_only=True):
    account: Annotated[str, doc("Name of the storage account.", min_length=1)]
    container: Annotated[str, doc("Name of the container.", min_length=1)]
    key_prefix: Annotated[
        str, doc("Put before every object's name.", max_length=256, pattern=KEY_PREFIX)
    ] = ""
    auth_secret: Annotated[SecretSource, doc("The storage account's key.")]


class CephLocation(Model, frozen=True, kw_only=True):
    auth_secret: Annotated[SecretSource, doc("JSON configuration of the Ceph store.")]


class BackupLocation(Model, frozen=True, kw_only=True):
    name: Annotated[
        str,
        doc(
            "Unique name; the location without a name serves pools without backupLocationName.",
            schema_default="",
            max_length=63,
            pattern=LOCATION_NAME,
        ),
    ] = ""
    gcs: Annotated[GcsLocation | None, doc("A bucket of Google Cloud Storage.")] = None
    s3: Annotated[S3Location | None, doc("A bucket of Amazon S3 or a store that speaks S3.")] = None
    azblob: Annotated[
        AzblobLocation | None, doc("A container of Azure Blob Storage.", not_acted_on=True)
    ] = None
    ceph: Annotated[CephLocation | None, doc("A Ceph store.", not_acted_on=True)] = None
    volume: Annotated[
        Json | None,
        doc(
            "A Kubernetes volume that all tablets of the cluster can mount at once: hostPath on "
            "one machine, NFS or a shared PVC on many."
        ),
    ] = None
    volume_sub_path: Annotated[
        str, doc("Directory inside `volume`; only used together with it.")
    ] = ""
    annotations: Annotated[
        dict[str, str], doc("Annotations for every pod that uses the location.")
    ] = {}


class BackupPolicy(Model, frozen=True, kw_only=True):
    backup_interval_hours: Annotated[
        int,
        doc(
            "Hours from one backup of a shard to the next. Default: 24. Keep it well below the "
            "time after which binary logs expire.",
            ge=1,
            le=2**31 - 1,
        ),
    ] = 24
    min_retention_hours: Annotated[
        int,
        doc(
            "A backup younger than this is never deleted. Default: 72. 0 turns deletion off.",
            ge=0,
            le=2**31 - 1,
        ),
    ] = 72
    min_retention_count: Annotated[
        int,
        doc(
            "This many backups of each shard in each location stay, however old. Default: 1. "
            "Only complete backups count.",
            ge=1,
            le=2**31 - 1,
        ),
    ] = 1


class ScheduleStrategy(Model, frozen=True, kw_only=True):
    name: Annotated[str, doc("Name of the strategy.", min_length=1)]
    scope: Annotated[
        Literal["Shard", "Keyspace", "Cluster"], doc("What one run covers. Default: Shard.")
    ] = "Shard"
    keyspace: Annotated[str, doc("The keyspace; not for scope Cluster.")] = ""
    shard: Annotated[str, doc("The shard; only for scope Shard.")] = ""
    extra_flags: Annotated[dict[str, str], doc("Flags for the backup program.")] = {}


class BackupSchedule(Model, frozen=True, kw_only=True):
    name: Annotated[
        str,
        doc(
            "Name of the schedule.",
            min_length=1,
            pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
        ),
    ]
    schedule: Annotated[str, doc("When, as a cron expression; not together with frequency.")] = ""
    frequency: Annotated[str, doc("How often, such as 15m or 24h; not with schedule.")] = ""
    backup_method: Annotated[
        Literal["vtbackup", "vtctldclient"], doc("What makes the backup. Default: vtbackup.")
    ] = "vtbackup"
    strategies: Annotated[
        list[ScheduleStrategy], doc("What to back up.", map_keys=("name",), min_length=1)
    ]
    resources: Annotated[Json, doc("Resources of the backup pods.")] = {}
    successful_jobs_history_limit: Annotated[
        Count | None, doc("Finished jobs to keep; absent keeps all.")
    ] = None
    failed_jobs_history_limit: Annotated[
        Count | None, doc("Failed jobs to keep; absent keeps all.")
    ] = None
    suspend: Annotated[bool, doc("Stop making new backups.")] = False
    starting_deadline_seconds: Annotated[
        Count | None, doc("Latest start after the scheduled time, in seconds.")
    ] = None
    concurrency_policy: Annotated[
        Literal["Allow", "Forbid"], doc("Whether two runs may overlap. Default: Forbid.")
    ] = "Forbid"
    allowed_missed_run: Annotated[int, doc("Missed runs after which to give up.", ge=0)] = 100
    job_timeout_minute: Annotated[int, doc("Minutes after which a job is ended.", ge=0)] = 10
    annotations: Annotated[dict[str, str], doc("Annotations for the backup pods.")] = {}
    affinity: Annotated[Json | None, doc("Affinity of the backup pods.")] = None
    tolerations: Annotated[list[Json] | None, doc("Tolerations of the backup pods.")] = None


class Subcontroller(Model, frozen=True, kw_only=True):
    service_account_name: Annotated[
        str, doc("Service account of the pod that mirrors storage.")
    ] = ""


class BackupSpec(Model, frozen=True, kw_only=True):
    locations: Annotated[
        list[BackupLocation],
        doc(
            "Places that backups go to. They are independent: a backup can only be restored from "
            "the place it was put. Start with empty ones: tablets restore what they find.",
            map_keys=("name",),
            min_length=1,
        ),
    ]
    engine: Annotated[
        Literal["builtin", "xtrabackup", "mysqlshell"],
        doc(
            "How a backup is made. `builtin` stops the tablet's mysqld and copies files; "
            "`xtrabackup` copies online (mariadb-backup for MariaDB). Default: builtin. After a "
            "change, roll out all tablets and take a new backup of every shard."
        ),
    ] = "builtin"
    subcontroller: Annotated[
        Subcontroller | None,
        doc("The pod that mirrors storage; here the operator itself does.", not_acted_on=True),
    ] = None
    policy: Annotated[
        BackupPolicy | None,
        doc(
            "Makes backups and deletes old ones by itself. Absent: nothing is made or deleted. "
            "`{}`: every 24 hours, kept 72 hours, at least 1.",
            nullable=True,
        ),
    ] = None
    schedules: Annotated[
        list[BackupSchedule],
        doc("Backups by cron expressions.", map_keys=("name",), not_acted_on=True),
    ] = []
