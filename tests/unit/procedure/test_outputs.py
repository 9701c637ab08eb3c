"""What the clients print, read back; the transcripts are the procedure's own."""

import pytest

from armillary.cli.demo.outputs import (
    CheckFailedError,
    check_tablets,
    count_backups,
    parse_mysql_table,
    parse_table,
    parse_tablets,
)
from armillary.cli.demo.shell import environment_of
from armillary.cli.demo.steps import TABLETS_WANTED

LIST_ALL_TABLETS = """\
uscentral1a-0274179421 restore 80- master 10.32.0.184:15000 10.32.0.184:3306 [] 2020-08-12T04:39:06Z
uscentral1a-1579720563 main 80- replica 10.32.0.183:15000 10.32.0.183:3306 [] <null>
uscentral1a-3642477526 restore -80 master 10.32.0.186:15000 10.32.0.186:3306 [] 2020-08-12T04:39:06Z
uscentral1a-3876690474 main -80 replica 10.32.0.182:15000 10.32.0.182:3306 [] <null>
uscentral1c-2526979163 main 80- replica 10.32.2.148:15000 10.32.2.148:3306 [] <null>
uscentral1c-3925422610 main -80 master 10.32.2.149:15000 10.32.2.149:3306 [] 2020-08-12T04:39:06Z
uscentral1f-0805900210 main 80- master 10.32.1.111:15000 10.32.1.111:3306 [] 2020-08-12T04:38:50Z
uscentral1f-2191363457 main -80 replica 10.32.1.112:15000 10.32.1.112:3306 [] <null>
"""
VITESSBACKUPS = """\
NAME                                                     AGE
example-main-80-x-20200812-043818-38875fa9-ae3cf855      49s
example-main-x-80-20200812-043833-e198004a-f2e040fe      50s
example-restore-80-x-20200812-043833-d46c6a64-cec703c3   49s
example-restore-x-80-20200812-043835-86d27b64-a19a3004   49s
"""
MYSQL = """\
+-----------+
| Databases |
+-----------+
| main      |
+-----------+
+---------+---------+
| user_id | name    |
+---------+---------+
|     101 | Jacques |
|     102 | Jacques |
+---------+---------+
"""


def test_the_procedure_s_own_listing_passes_its_checks() -> None:
    check_tablets(parse_tablets(LIST_ALL_TABLETS), TABLETS_WANTED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("main -80 master", "main -80 replica"),  # a shard without a master
        ("main 80- replica 10.32.0.183", "main 80- master 10.32.0.183"),  # a shard with two
        ("uscentral1f-2191363457", "uscentral1f-2191363458"),  # another tablet
        ("<null>", "2020-08-12T04:39:06Z"),  # a replica with a term
        ("restore 80- master", "restore 80- restore"),  # still restoring
    ],
)
def test_a_wrong_listing_fails_its_checks(old: str, new: str) -> None:
    assert old in LIST_ALL_TABLETS
    with pytest.raises(CheckFailedError):
        check_tablets(parse_tablets(LIST_ALL_TABLETS.replace(old, new)), TABLETS_WANTED)


def test_a_line_in_another_form_is_refused() -> None:
    with pytest.raises(CheckFailedError, match="not a line"):
        parse_tablets("zone1-101 main - primary 1.2.3.4:15000 1.2.3.4:3306 [] <null>")


def test_backups_are_counted_by_shard() -> None:
    counts = count_backups(parse_table(VITESSBACKUPS))
    assert counts == {
        ("main", "80-"): 1,
        ("main", "-80"): 1,
        ("restore", "80-"): 1,
        ("restore", "-80"): 1,
    }


def test_a_backup_table_with_more_columns_is_refused() -> None:
    with pytest.raises(CheckFailedError, match="columns"):
        count_backups(parse_table("NAME   SIZE   AGE\nx   1   2s\n"))


def test_the_last_table_of_a_mysql_session_is_read() -> None:
    assert parse_mysql_table(MYSQL) == (
        ("user_id", "name"),
        ("101", "Jacques"),
        ("102", "Jacques"),
    )
    assert parse_mysql_table("") == ()


def test_exports_become_an_environment() -> None:
    env = environment_of("export KUBECONFIG='/a b/kubeconfig'\nexport X=1\n")
    assert (env["KUBECONFIG"], env["X"]) == ("/a b/kubeconfig", "1")
