"""Transactions that a primary has not."""

from armillary.model.gtid import MariadbGtidSet, MysqlGtidSet
from armillary.mysqld.errant import errant_mariadb, errant_mysql

A = "00000000-0000-0000-0000-00000000000a"
B = "00000000-0000-0000-0000-00000000000b"


def mysql(mine: str, primary: str) -> str:
    return str(errant_mysql(MysqlGtidSet.parse(mine), MysqlGtidSet.parse(primary)))


def test_mysql_sets_are_subtracted() -> None:
    assert mysql(f"{A}:1-5", f"{A}:1-5,{B}:1") == ""
    assert mysql(f"{A}:1-6", f"{A}:1-5") == f"{A}:6"
    assert mysql(f"{A}:1-5,{B}:1", f"{A}:1-9") == f"{B}:1"
    assert mysql(f"{A}:1-10", f"{A}:3:5-6") == f"{A}:1-2:4:7-10"
    assert mysql(f"{A}:4-10", f"{A}:1-4:10-12") == f"{A}:5-9"


def mariadb(last: str, state: str, base: str = "") -> str:
    parsed = errant_mariadb(MariadbGtidSet.parse(last), state, MariadbGtidSet.parse(base))
    return str(parsed)


def test_a_replica_behind_or_level_is_no_stranger() -> None:
    assert mariadb("0-1-5", "0-1-5") == ""
    assert mariadb("0-1-3", "0-1-5") == ""
    assert mariadb("0-1-5", "0-1-5,0-2-9") == ""
    assert mariadb("", "0-1-5") == ""


def test_a_higher_number_of_the_primary_hides_nothing() -> None:
    """The dead primary 1 wrote 105; the new primary 2 went on from 103."""
    assert mariadb("0-1-105", "0-1-103,0-2-107") == "0-1-105"


def test_a_server_that_the_primary_never_heard_of_is_a_stranger() -> None:
    assert mariadb("0-2-6", "0-1-6") == "0-2-6"
    assert mariadb("0-2-6", "") == "0-2-6"
    assert mariadb("1-2-6", "0-2-9", "0-2-9") == "1-2-6"


def test_what_lies_before_the_primary_s_binlogs_is_not_judged() -> None:
    """The primary was restored at 50, when another server had written; this one at 1."""
    assert mariadb("0-9-1", "0-3-50,0-2-60", "0-3-50") == ""
    assert mariadb("0-9-50", "0-3-50,0-2-60", "0-3-50") == ""
    assert mariadb("0-9-51", "0-3-50,0-2-60", "0-3-50") == "0-9-51"
