"""One entry that is wrong hides no other."""

import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.errors import StorageUnavailableError
from armillary.backup.manifest import encode_manifest
from armillary.backup.prune import prune_backups
from armillary.backup.restore_plan import RestoreWish, plan_restore
from armillary.backup.retention import RetentionPolicy
from armillary.backup.storage.memory import MemoryObjects, memory_storage

from .records import manifest_at, name_at

pytestmark = pytest.mark.anyio


def stored() -> MemoryObjects:
    """A shard's directory with everything in it that one may find."""
    objects = MemoryObjects()

    def put(name: str, file: str, data: bytes) -> None:
        objects.objects[f"main/-80/{name}/{file}"] = data

    for hour in (1, 5):
        put(str(name_at(hour)), "MANIFEST", encode_manifest(manifest_at(hour)))
    put(str(name_at(2)), "backup.xbstream.zst", b"killed before the end")
    put(str(name_at(3)), "MANIFEST", b"{")
    put(str(name_at(4)), "MANIFEST", b"\xff\x00")
    put("lost+found", "x", b"")
    put("2020-08-12.notatime.zone1-0000000001", "MANIFEST", b"{}")
    return objects


async def test_every_entry_becomes_a_record_and_only_sound_ones_are_complete() -> None:
    records = await read_catalog(memory_storage(stored()), "main", "-80")
    assert len(records) == 7
    assert [r.raw_name for r in records if r.is_complete] == [str(name_at(1)), str(name_at(5))]
    assert all(r.problem for r in records if not r.is_complete)
    assert [r.raw_name for r in plan_restore(records, RestoreWish()).candidates] == [
        str(name_at(5)),
        str(name_at(1)),
    ]


async def test_a_store_that_does_not_answer_makes_no_backup_incomplete() -> None:
    class Silent(MemoryObjects):
        async def get(self, key: str):  # type: ignore[no-untyped-def]
            if key.endswith("MANIFEST"):
                raise StorageUnavailableError("no answer")
            yield b""

    objects = Silent(stored().objects)
    with pytest.raises(StorageUnavailableError):
        await read_catalog(memory_storage(objects), "main", "-80")


async def test_pruning_leaves_the_newest_complete_backup_and_foreign_things() -> None:
    from datetime import timedelta

    objects = stored()
    storage = memory_storage(objects)
    policy = RetentionPolicy(min_retention_time=timedelta(hours=1), min_retention_count=1)
    dry = await prune_backups(storage, "main", "-80", policy, dry_run=True)
    assert len(await storage.list_backups("main/-80")) == 7
    assert await prune_backups(storage, "main", "-80", policy) == dry
    assert await storage.list_backups("main/-80") == [
        str(name_at(5)),
        "2020-08-12.notatime.zone1-0000000001",
        "lost+found",
    ]
