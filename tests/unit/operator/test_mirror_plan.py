"""VitessBackups follow storage, and trouble never deletes one."""

from typing import Any

from armillary.operator.backupstorage.plan import (
    Location,
    ShardPlace,
    StoredBackup,
    backup_status,
    build_backup,
    plan_mirror,
)

LOCATION = Location(cluster="example", namespace="planetscale", name="")
MAIN = ShardPlace("main", "-80")
OTHER = ShardPlace("main", "80-")
FIRST = "2020-08-12.043833.vtbackup-3784835146"
SECOND = "2020-08-12.044109.uscentral1f-2191363457"


def stored(place: ShardPlace, raw_name: str) -> StoredBackup:
    (backup,) = plan_mirror(LOCATION, {place: [raw_name]}, []).read
    return backup


def mirrored(place: ShardPlace, raw_name: str, *, complete: bool = True) -> dict[str, Any]:
    backup = stored(place, raw_name)
    return build_backup(LOCATION, backup, backup_status(backup, complete=complete))


def test_a_new_backup_is_read_and_named_as_in_the_procedure() -> None:
    backup = stored(MAIN, FIRST)
    assert backup.object_name == "example-main-x-80-20200812-043833-e198004a-f2e040fe"
    obj = mirrored(MAIN, FIRST)
    assert obj["status"]["storageDirectory"] == "main/-80"
    assert obj["status"]["storageName"] == FIRST
    assert obj["status"]["startTime"] == "2020-08-12T04:38:33Z"


def test_complete_backups_are_read_again_in_turn_a_few_at_a_time() -> None:
    """One may be half removed; reading all of them in each pass would cost too much."""
    names = [f"2020-08-12.0441{second:02d}.zone1-0000000001" for second in range(20)]
    found = [mirrored(MAIN, name) for name in names]
    passes: list[list[str]] = []
    looked_at = ""
    for _ in range(4):
        plan = plan_mirror(LOCATION, {MAIN: names}, found, look_again_after=looked_at)
        looked_at = plan.looked_at
        passes.append([backup.raw_name for backup in plan.read])
        assert plan.delete == ()
    assert [len(names) for names in passes] == [8, 8, 4, 8]
    assert (
        sorted(name for names in passes[:3] for name in names) == names and passes[3] == passes[0]
    )


def test_of_two_names_for_one_backup_the_usual_one_counts() -> None:
    odd = "2020-08-12.043833.vtbackup-03784835146"
    plan = plan_mirror(LOCATION, {MAIN: [odd, FIRST]}, [])
    assert [backup.raw_name for backup in plan.read] == [FIRST]
    assert [(raw_name, "same backup" in why) for _, raw_name, why in plan.bad_names] == [
        (odd, True)
    ]


def test_an_incomplete_backup_is_read_in_each_pass() -> None:
    plan = plan_mirror(LOCATION, {MAIN: [FIRST]}, [mirrored(MAIN, FIRST, complete=False)])
    assert [backup.raw_name for backup in plan.read] == [FIRST]


def test_an_object_goes_when_its_backup_is_gone() -> None:
    found = [mirrored(MAIN, FIRST), mirrored(MAIN, SECOND)]
    plan = plan_mirror(LOCATION, {MAIN: [SECOND]}, found)
    assert plan.delete == ((found[0], "gone from storage"),)


def test_a_directory_that_could_not_be_listed_deletes_nothing() -> None:
    found = [mirrored(MAIN, FIRST)]
    assert plan_mirror(LOCATION, {OTHER: []}, found, unlisted=[MAIN]).delete == ()
    assert plan_mirror(LOCATION, {}, found, unlisted=[MAIN, OTHER]).delete == ()


def test_a_shard_that_is_gone_takes_its_objects_along() -> None:
    """Nobody looks into its directory any more, so they would tell of backups that may be gone."""
    found = [mirrored(MAIN, FIRST), mirrored(OTHER, FIRST)]
    plan = plan_mirror(LOCATION, {OTHER: [FIRST]}, found)
    ((gone, reason),) = plan.delete
    assert gone == found[0] and "stays in storage" in reason


def test_a_bad_name_hides_no_other_backup() -> None:
    plan = plan_mirror(LOCATION, {MAIN: ["lost+found", FIRST]}, [])
    assert [backup.raw_name for backup in plan.read] == [FIRST]
    assert [raw_name for _, raw_name, _ in plan.bad_names] == ["lost+found"]
    assert plan.total == 2


def test_nothing_known_and_nothing_stored_is_nothing_to_do() -> None:
    plan = plan_mirror(LOCATION, {MAIN: []}, [])
    assert (plan.read, plan.delete, plan.total) == ((), (), 0)
