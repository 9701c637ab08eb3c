"""What one run of vtbackup does, and why."""

from datetime import timedelta

import pytest

from armillary.backup.catalog import BackupRecord
from armillary.model.tablet import TabletAlias
from armillary.vtbackup.plan import MakeInitial, MakeUpdate, Refuse, Skip, Wish, plan_run

from .records import START, complete, foreign, incomplete

NOW = START + timedelta(hours=10)
INITIAL = Wish(initial_backup=True, min_backup_interval=timedelta(0))
UPDATE = Wish(initial_backup=False, min_backup_interval=timedelta(0))
DAILY = Wish(initial_backup=False, min_backup_interval=timedelta(hours=4))
TABLET = TabletAlias("zone1", 7)


@pytest.mark.parametrize(
    ("wish", "records", "serving", "expected"),
    [
        (INITIAL, [], [], MakeInitial),
        (INITIAL, [incomplete(1), foreign()], [], MakeInitial),
        (INITIAL, [complete(1)], [], Skip),
        (INITIAL, [complete(1)], [TABLET], Skip),
        (INITIAL, [], [TABLET], Refuse),
        (UPDATE, [], [], Refuse),
        (UPDATE, [incomplete(9)], [], Refuse),
        (UPDATE, [complete(9)], [], MakeUpdate),
        (DAILY, [complete(7)], [], Skip),
        (DAILY, [complete(6)], [], MakeUpdate),
        (DAILY, [complete(1), incomplete(9)], [], MakeUpdate),
        (DAILY, [complete(9000)], [], MakeUpdate),
        (DAILY, [complete(9000), complete(7)], [], Skip),
        (INITIAL, [complete(9000)], [], Skip),
    ],
)
def test_a_run_does_what_is_due_and_never_risks_data(
    wish: Wish, records: list[BackupRecord], serving: list[TabletAlias], expected: type
) -> None:
    action = plan_run(wish, records, serving, now=NOW)
    assert isinstance(action, expected)
    assert action.reason


def test_a_run_that_another_clock_began_is_due_and_no_other_is() -> None:
    began = START + timedelta(hours=4)
    for early, expected in ((timedelta(seconds=20), MakeUpdate), (timedelta(minutes=11), Skip)):
        action = plan_run(DAILY, [complete(0)], [], now=began - early)
        assert isinstance(action, expected)
