"""Look into each backup location now and then, and mirror it into VitessBackups. I/O.

Vitess's operator starts a pod of itself for each location, because each needs other volumes and
secrets. Here one loop for each location runs inside the operator: secrets are read through the API.
"""

import logging
import random
from collections.abc import Iterable, Mapping

import anyio

from armillary.backup.catalog import BackupRecord, read_record
from armillary.backup.storage import BackupStorage
from armillary.base.clock import monotonic_s
from armillary.base.errors import ArmillaryError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import (
    generation_of,
    is_being_deleted,
    labels_of,
    name_of,
    namespace_of,
    phase_of,
)
from armillary.kube.workqueue import WorkQueue
from armillary.operator.backupstorage.access import open_location
from armillary.operator.backupstorage.plan import (
    Location,
    MirrorPlan,
    ShardPlace,
    StoredBackup,
    backup_status,
    build_backup,
    plan_mirror,
)
from armillary.operator.backupstorage.tale import (
    INVALID_BACKUP,
    LIST_FAILED,
    LOCATION_GONE,
    OPEN_FAILED,
    Problem,
    location_gone,
    mirrored_condition,
    pause_s,
    told_first,
)
from armillary.operator.crd.parts import Condition, Json
from armillary.operator.crd.read import read_spec
from armillary.operator.crd.storage import BackupStorageSpec, BackupStorageStatus
from armillary.operator.objects.compare import merge_patch_between
from armillary.operator.objects.overdue import backups_current, is_news
from armillary.operator.objects.status import (
    merge_conditions,
    rfc3339,
    write_status,
)
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.world import ObjectKey, World

logger = logging.getLogger(__name__)

_READ_TIMEOUT_S = 10.0
_LIST_TIMEOUT_S = 60.0
_READS_AT_ONCE = 8
_S3_RETRIES = 2  # the next pass is another one
_EVENTS_MAX = 20  # in one pass; the condition counts the rest
_BAD_MANIFEST_KEPT_S = 600.0


class BackupStorageLoop:
    def __init__(self, world: World) -> None:
        self._world = world
        self._bad = BadManifests()
        self._looked_at: dict[str, str] = {}  # by location: the last complete one looked at again
        self._failures: dict[ObjectKey, int] = {}  # passes in a row that saw nothing

    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None:
        self._world.wake_on_spec(kinds.VITESS_BACKUP_STORAGE, queue)
        self._world.wake_on_children(kinds.VITESS_BACKUP, kinds.VITESS_BACKUP_STORAGE, queue)
        self._world.wake_on(kinds.POD, queue, _storage_of_finished_backup)

    async def reconcile(self, key: ObjectKey) -> float | None:
        world = self._world
        obj = world.get(kinds.VITESS_BACKUP_STORAGE, key.namespace, key.name)
        if obj is None or is_being_deleted(obj):
            self._failures.pop(key, None)
            return None
        spec = read_spec(obj, BackupStorageSpec)
        cluster = labels_of(obj).get(keys.CLUSTER, "")
        location = Location(cluster=cluster, namespace=namespace_of(obj), name=spec.location.name)
        try:
            async with open_location(
                world.client,
                location.namespace,
                cluster,
                spec.location,
                on_pods_machine=world.settings.local_image,
                s3_retries=_S3_RETRIES,
            ) as storage:
                total, condition = await self._mirror(obj, location, storage)
        except ArmillaryError as error:
            world.recorder.record(obj, OPEN_FAILED, str(error), warning=True)
            total = _total_before(obj)
            condition = Condition(
                type="Mirrored", status="False", reason=OPEN_FAILED, message=str(error)
            )
        current = self._tell_overdue(obj, location)
        await self._write_status(obj, total, [condition, current])
        is_blind = condition.reason in (OPEN_FAILED, LIST_FAILED, LOCATION_GONE)
        failures = self._failures[key] = self._failures.get(key, 0) + 1 if is_blind else 0
        return pause_s(world.settings.storage_interval_s, failures) * random.uniform(0.75, 1.25)

    async def _mirror(
        self, obj: KubeObject, location: Location, storage: BackupStorage
    ) -> tuple[int, Condition]:
        key = f"{location.namespace}/{name_of(obj)}"
        places = self._places(location)
        listed, problems = await self._list(places, storage)
        found = self._world.children(kinds.VITESS_BACKUP, obj)
        # After the lists: what they did not find may have gone while they were made.
        if found and (root := await storage.missing_root()):
            missing = location_gone(root, len(found), location.cluster, location.namespace)
            self._world.recorder.record(obj, missing.reason, missing.message, warning=True)
            return _total_before(obj), mirrored_condition([missing], is_blind=True)
        total = sum(len(raw_names) for raw_names in listed.values())
        limit = self._world.settings.backups_max
        if limit and total > limit:
            problem = f"{total} backups are more than the {limit} that are mirrored at most"
            self._world.recorder.record(obj, "TooManyBackups", problem, warning=True)
            return total, mirrored_condition([Problem("TooManyBackups", problem)])
        plan = plan_mirror(
            location,
            listed,
            found,
            unlisted=[place for place in places if place not in listed],
            look_again_after=self._looked_at.get(key, ""),
        )
        self._looked_at[key] = plan.looked_at
        problems += await self._update(
            obj, location, storage, plan, {name_of(backup): backup for backup in found}
        )
        for gone, reason in plan.delete:
            await self._world.writer.delete(obj, gone, reason=reason)
        for place, raw_name, problem in plan.bad_names:
            text = f"{place.directory}/{raw_name}: {problem}"
            problems.append(Problem(INVALID_BACKUP, text))
        problems.sort(key=told_first)  # they came in the order of answers
        for told in problems[:_EVENTS_MAX]:
            self._world.recorder.record(obj, told.reason, told.message, warning=True)
        is_blind = bool(problems) and not listed
        total = _total_before(obj) if is_blind else plan.total
        return total, mirrored_condition(problems, is_blind=is_blind, total=total)

    def _places(self, location: Location) -> list[ShardPlace]:
        shards = self._world.of_cluster(kinds.VITESS_SHARD, location.namespace, location.cluster)
        return [
            ShardPlace(labels_of(shard).get(keys.KEYSPACE, ""), shard["spec"]["name"])
            for shard in sorted(shards, key=name_of)
        ]

    async def _list(
        self, places: Iterable[ShardPlace], storage: BackupStorage
    ) -> tuple[dict[ShardPlace, list[str]], list[Problem]]:
        """Return the names by directory; a directory that cannot be listed is left out."""
        listed: dict[ShardPlace, list[str]] = {}
        problems: list[Problem] = []
        for place in places:
            try:
                with anyio.fail_after(_LIST_TIMEOUT_S):
                    listed[place] = await storage.list_backups(place.directory)
            except (ArmillaryError, TimeoutError) as error:
                text = f"cannot list {place.directory}: {error or 'took too long'}"
                problems.append(Problem(LIST_FAILED, text))
        return listed, problems

    async def _update(
        self,
        obj: KubeObject,
        location: Location,
        storage: BackupStorage,
        plan: MirrorPlan,
        known: Mapping[str, KubeObject],
    ) -> list[Problem]:
        """Bring the objects of new and of incomplete backups up to date."""
        problems: list[Problem] = []

        def tell(text: str) -> None:
            problems.append(Problem(INVALID_BACKUP, text))

        slots = anyio.Semaphore(_READS_AT_ONCE)

        async def update(backup: StoredBackup) -> None:
            where = f"{backup.place.directory}/{backup.raw_name}"
            key = f"{location.namespace}/{backup.object_name}"
            found = known.get(backup.object_name)
            async with slots:
                if found is not None and (problem := self._bad.recall(key)):
                    tell(f"{where}: {problem}")
                    return
                try:
                    record = await _read(storage, backup)
                    await self._put(obj, location, backup, _status_of(backup, record), found)
                except (ArmillaryError, TimeoutError) as error:
                    tell(f"cannot read {where}: {error or 'took too long'}")
                    return
            if record.has_bad_manifest:
                self._bad.note(key, record.problem)
                tell(f"{where}: {record.problem}")

        async with anyio.create_task_group() as group:
            for backup in plan.read:
                group.start_soon(update, backup)
        return problems

    async def _put(
        self,
        owner: KubeObject,
        location: Location,
        backup: StoredBackup,
        status: Json,
        found: KubeObject | None,
    ) -> None:
        if found is None:
            built = build_backup(location, backup, status)
            await self._world.writer.ensure_exists(owner, built, None)
            return
        patch = merge_patch_between(found.get("status") or {}, status)
        if patch:
            await self._world.client.merge_patch(
                kinds.VITESS_BACKUP, name_of(found), location.namespace, {"status": patch}
            )

    def _tell_overdue(self, obj: KubeObject, location: Location) -> Condition:
        """Return what the shards say of their backups here, and record it when it is new."""
        shards = self._world.of_cluster(kinds.VITESS_SHARD, location.namespace, location.cluster)
        condition = backups_current(shards, location=location.name)
        if is_news(obj, condition):
            self._world.recorder.record(obj, condition.reason, condition.message, warning=True)
        return condition

    async def _write_status(self, obj: KubeObject, total: int, wanted: list[Condition]) -> None:
        found = (obj.get("status") or {}).get("conditions") or []
        status = BackupStorageStatus(
            observed_generation=generation_of(obj),
            total_backup_count=total,
            conditions=merge_conditions(found, wanted, now=self._world.now()),
        )
        await write_status(self._world.client, obj, status)


class BadManifests:
    """MANIFESTs that are none. They do not change, so they are fetched again only now and then."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float]] = {}

    def note(self, key: str, problem: str) -> None:
        self._known[key] = (problem, monotonic_s())

    def recall(self, key: str) -> str:
        problem, noted_s = self._known.get(key, ("", 0.0))
        if problem and monotonic_s() - noted_s < _BAD_MANIFEST_KEPT_S:
            return problem
        self._known.pop(key, None)
        return ""


def _total_before(obj: KubeObject) -> int:
    return int((obj.get("status") or {}).get("totalBackupCount") or 0)


async def _read(storage: BackupStorage, backup: StoredBackup) -> BackupRecord:
    with anyio.fail_after(_READ_TIMEOUT_S):
        return await read_record(storage, backup.place.directory, backup.raw_name)


def _status_of(backup: StoredBackup, record: BackupRecord) -> Json:
    manifest = record.manifest
    if manifest is None:
        return backup_status(backup, complete=False)
    return backup_status(
        backup,
        complete=True,
        finished_at=rfc3339(manifest.finished_time),
        position=str(manifest.position),
        engine=manifest.method,
    )


def _storage_of_finished_backup(pod: KubeObject) -> list[ObjectKey]:
    """Return the location that a finished vtbackup pod wrote to: there is news in it."""
    labels = labels_of(pod)
    if labels.get(keys.COMPONENT) != keys.VTBACKUP or phase_of(pod) != "Succeeded":
        return []
    name = names.backup_storage_name(
        labels.get(keys.CLUSTER, ""), labels.get(keys.BACKUP_LOCATION, "")
    )
    return [ObjectKey(kinds.VITESS_BACKUP_STORAGE.kind, namespace_of(pod), name)]
