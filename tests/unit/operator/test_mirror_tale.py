"""What is told of a location, and how long a broken one waits."""

from armillary.operator.backupstorage.tale import (
    INVALID_BACKUP,
    LIST_FAILED,
    Problem,
    mirrored_condition,
    pause_s,
    told_first,
)


def test_looks_at_a_broken_location_become_rarer_up_to_a_minute() -> None:
    assert [pause_s(15.0, failures) for failures in range(5)] == [15, 15, 30, 60, 60]
    assert pause_s(15.0, 100_000) == 60
    assert pause_s(120.0, 7) == 120, "never oftener than a sound one"


def test_what_hides_a_whole_directory_is_told_first() -> None:
    problems = [Problem(INVALID_BACKUP, f"main/-80/{n}") for n in range(5)]
    problems.append(Problem(LIST_FAILED, "cannot list main/80-"))
    condition = mirrored_condition(sorted(problems, key=told_first))
    assert condition.reason == "PartlyListed"
    assert "All other backups are shown. cannot list main/80-; " in condition.message
    assert "and 3 more" in condition.message


def test_a_location_of_which_nothing_is_seen_does_not_say_that_all_is_shown() -> None:
    condition = mirrored_condition([Problem(LIST_FAILED, "cannot list main/-80")], is_blind=True)
    assert (condition.status, condition.reason) == ("False", "ListFailed")
    assert "All other" not in condition.message
