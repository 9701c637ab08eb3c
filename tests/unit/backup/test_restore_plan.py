"""Which backup a tablet restores, and what it is told when there is none."""

from datetime import timedelta

import pytest

from armillary.backup.restore_plan import (
    NoBackupReason,
    RestoreWish,
    parse_server_version,
    plan_restore,
)

from .records import MARIADB, MYSQL, START, complete, foreign, incomplete, name_at

ANY = RestoreWish()


def chosen(*hours: float) -> list[str]:
    return [complete(hour).raw_name for hour in hours]


def test_an_explanation_stays_short_however_many_backups_there_are() -> None:
    early = RestoreWish(at=START - timedelta(hours=1))
    few = plan_restore([complete(hour) for hour in range(6)], early).explain()
    assert all(str(name_at(hour)) in few for hour in range(6))
    many = plan_restore([complete(hour) for hour in range(1000)], early).explain()
    assert "994 more" in many and len(many) < 1000
    assert str(name_at(0)) in many and str(name_at(999)) in many


def test_the_newest_complete_backup_comes_first_and_the_others_stand_by() -> None:
    plan = plan_restore([complete(1), complete(3), complete(2)], ANY)
    assert [record.raw_name for record in plan.candidates] == chosen(3, 2, 1)


def test_incomplete_and_foreign_entries_are_passed_over_with_their_reason() -> None:
    plan = plan_restore([complete(1), incomplete(2), foreign()], ANY)
    assert [record.raw_name for record in plan.candidates] == chosen(1)
    assert {skipped.raw_name for skipped in plan.skipped} == {
        incomplete(2).raw_name,
        "lost+found",
    }
    assert "has no MANIFEST" in plan.explain()


@pytest.mark.parametrize(
    ("hours", "expected"), [(2.0, (2, 1)), (2.5, (2, 1)), (1.99, (1,)), (9, (3, 2, 1))]
)
def test_a_time_means_the_newest_that_started_at_or_before_it(
    hours: float, expected: tuple[float, ...]
) -> None:
    wish = RestoreWish(at=START + timedelta(hours=hours))
    plan = plan_restore([complete(1), complete(2), complete(3)], wish)
    assert [record.raw_name for record in plan.candidates] == chosen(*expected)


@pytest.mark.parametrize(
    ("records", "wish", "reason"),
    [
        ([], ANY, NoBackupReason.NONE_EXIST),
        ([incomplete(1), foreign()], ANY, NoBackupReason.NONE_COMPLETE),
        ([complete(2), incomplete(1)], RestoreWish(at=START), NoBackupReason.NONE_IN_TIME),
        ([complete(1)], RestoreWish(flavor="MySQL56"), NoBackupReason.NONE_FIT),
        ([complete(1, incremental=True)], ANY, NoBackupReason.NONE_FIT),
        ([complete(1, method="mysqlshell")], ANY, NoBackupReason.NONE_FIT),
        ([complete(1)], RestoreWish(engines=frozenset({"builtin"})), NoBackupReason.NONE_FIT),
    ],
)
def test_the_reason_is_told_when_nothing_fits(
    records: list[object], wish: RestoreWish, reason: NoBackupReason
) -> None:
    plan = plan_restore(records, wish)  # type: ignore[arg-type]
    assert plan.candidates == ()
    assert plan.none_because is reason
    assert plan.explain().startswith(reason.value)


@pytest.mark.parametrize(
    ("taken_with", "here", "fits"),
    [
        (MARIADB, MARIADB, True),
        (MARIADB.replace("10.11.19", "10.11.3"), MARIADB, True),
        (MARIADB.replace("10.11.19", "10.11.99"), MARIADB, True),
        (MARIADB.replace("10.11.19", "10.6.1"), MARIADB, True),
        (MARIADB.replace("10.11.19", "11.4.1"), MARIADB, False),
        (MYSQL, MARIADB, False),
        ("", MARIADB, True),
        ("a build of our own", MARIADB, True),
        (MARIADB, "a build of our own", True),
    ],
)
def test_a_newer_or_another_server_does_not_fit(taken_with: str, here: str, fits: bool) -> None:
    plan = plan_restore([complete(1, version=taken_with)], RestoreWish(mysql_version=here))
    assert bool(plan.candidates) == fits


def test_versions_are_read_from_what_servers_print() -> None:
    found = parse_server_version(MARIADB)
    assert found is not None and found.numbers == (10, 11, 19) and found.is_mariadb
    found = parse_server_version(MYSQL)
    assert found is not None and found.numbers == (8, 0, 36) and not found.is_mariadb
    assert parse_server_version("no version") is None


def test_what_a_wrong_clock_dated_ahead_is_the_newest_only_if_it_holds_as_much() -> None:
    now = RestoreWish(now=START + timedelta(hours=4))
    old = complete(1, position="MariaDB/0-1-10")
    new = complete(3, position="MariaDB/0-1-30")
    ahead = complete(9000, position="MariaDB/0-1-20")
    assert plan_restore([old, new, ahead], now).candidates == (new, old, ahead)
    assert plan_restore([old, ahead], now).candidates == (ahead, old), "it holds more"
    assert plan_restore([ahead], now).candidates == (ahead,)
    near = complete(4.1, position="MariaDB/0-1-5")
    assert plan_restore([new, near], now).candidates[0] == near, "clocks are a bit apart"
    assert plan_restore([old, new, ahead], ANY).candidates[0] == ahead
    other_flavor = complete(9000, position="MySQL56/00000000-0000-0000-0000-000000000001:1-99")
    assert plan_restore([old, other_flavor], now).candidates == (old, other_flavor)
