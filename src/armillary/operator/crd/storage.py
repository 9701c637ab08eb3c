"""VitessBackupStorage, VitessBackup and VitessBackupSchedule. Pure."""

from typing import Annotated

from armillary.operator.crd.backup import BackupLocation, BackupSchedule, Subcontroller
from armillary.operator.crd.parts import Condition, Model, StatusModel, doc


class BackupStorageSpec(Model, frozen=True, kw_only=True):
    location: Annotated[BackupLocation, doc("The place that is mirrored.")] = BackupLocation()
    subcontroller: Annotated[
        Subcontroller | None, doc("The pod that mirrors storage; here the operator does.")
    ] = None


class BackupStorageStatus(StatusModel, frozen=True, kw_only=True):
    observed_generation: Annotated[int, doc("Generation that this status speaks of.")] = 0
    total_backup_count: Annotated[int, doc("Backups found in the location.")] = 0
    conditions: Annotated[
        list[Condition], doc("What holds of the location.", map_keys=("type",))
    ] = []


class BackupObjectSpec(Model, frozen=True, kw_only=True):
    """Empty: a VitessBackup only mirrors storage."""


class BackupStatus(StatusModel, frozen=True, kw_only=True):
    start_time: Annotated[str | None, doc("When it was started, from its name.")] = None
    finished_time: Annotated[str | None, doc("When it was finished, from its MANIFEST.")] = None
    complete: Annotated[bool, doc("Whether it can be restored.")] = False
    position: Annotated[str, doc("GTIDs that it contains.")] = ""
    engine: Annotated[str, doc("Engine that made it.")] = ""
    storage_directory: Annotated[str, doc("Directory in the location, such as main/-80.")] = ""
    storage_name: Annotated[str, doc("Name in the directory.")] = ""


class BackupScheduleSpec(BackupSchedule, frozen=True, kw_only=True):
    cluster: Annotated[str, doc("Cluster to back up.")] = ""
    image: Annotated[str, doc("Image of the backup pods.")] = ""
    image_pull_policy: Annotated[str, doc("When to pull it.")] = ""


class BackupScheduleStatus(StatusModel, frozen=True, kw_only=True):
    last_scheduled_times: Annotated[dict[str, str], doc("Last run of each strategy.")] = {}
    generated_schedules: Annotated[dict[str, str], doc("Cron expression of each strategy.")] = {}
    next_scheduled_times: Annotated[dict[str, str], doc("Next run of each strategy.")] = {}
