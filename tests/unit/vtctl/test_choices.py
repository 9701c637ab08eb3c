"""Pure decisions of single commands: who backs up, what is DDL, what is a vschema."""

import pytest

from armillary.base.errors import ArmillaryError, InputError, MysqlError, UnavailableError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import topodata_pb2
from armillary.vtctld.commands.backups import Fitness, choose_backup_tablet
from armillary.vtctld.commands.validate import shard_problems
from armillary.vtctld.commands.vschema import parse_vschema
from armillary.vtctld.schema_text import may_be_applied, parse_ddl, where_it_stands

A, B, C = (TabletAlias("zone1", uid) for uid in (1, 2, 3))
PRIMARY, REPLICA = TabletType.PRIMARY, TabletType.REPLICA


def test_the_replica_with_the_least_lag_backs_up() -> None:
    tablets = [Fitness(A, PRIMARY, None), Fitness(B, REPLICA, 7), Fitness(C, REPLICA, 3)]
    assert choose_backup_tablet(tablets, allow_primary=True)[0] == C


def test_the_primary_backs_up_only_when_allowed() -> None:
    tablets = [Fitness(A, PRIMARY, None), Fitness(B, REPLICA, None, "no lag")]
    assert choose_backup_tablet(tablets, allow_primary=True)[0] == A
    alias, reason = choose_backup_tablet(tablets, allow_primary=False)
    assert alias is None
    assert "zone1-0000000002 is replica (no lag)" in reason and "-allow_master" in reason


def test_a_primary_that_does_not_answer_backs_up_nothing() -> None:
    assert (
        choose_backup_tablet([Fitness(A, PRIMARY, None, "refused")], allow_primary=True)[0] is None
    )


def test_tablets_that_restore_or_are_drained_do_not_back_up() -> None:
    tablets = [Fitness(A, TabletType.RESTORE, 0), Fitness(B, TabletType.DRAINED, 0)]
    assert choose_backup_tablet(tablets, allow_primary=False)[0] is None
    assert choose_backup_tablet([], allow_primary=True)[1] == "the shard has no tablets"


def test_ddl_is_split_at_semicolons_outside_strings() -> None:
    assert parse_ddl("create table a (b text default ';'); drop table c;") == [
        "create table a (b text default ';')",
        "drop table c",
    ]
    assert parse_ddl("create table `größe` (a int)") == ["create table `größe` (a int)"]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("", "no SQL"),
        (" ; ", "no SQL"),
        ("insert into a values (1)", "INSERT"),
        ("create table a (b int); select 1", "statement 2 starts with 'SELECT'"),
        ("create table a (b text default ')", "'"),
    ],
)
def test_what_is_no_ddl_is_refused(sql: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        parse_ddl(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "drop database vt_main",
        "DROP SCHEMA vt_main",
        "create or replace database vt_main",
        "create table a (b int); alter database vt_main character set utf8mb4",
        "drop /*!50000 database */ vt_main",
        "create user 'a'@'%'",
        "drop user vt_app",
        "rename user a to b",
        "create role r",
        "alter instance rotate innodb master key",
        "create temporary table a (b int)",
        "drop table /*! mysql.user */",
        "create table mysql.a (b int)",
        "drop table a, `mysql`.user",
        "rename table a to MySQL.a",
        "truncate _vt.reparent_journal",
    ],
)
def test_a_schema_change_stays_in_the_keyspaces_database(sql: str) -> None:
    """What is dropped above it takes the shard along."""
    with pytest.raises(InputError, match="statement"):
        parse_ddl(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "create table user (role int, `database` int)",
        "create unique index server on t (a)",
        "drop tables if exists a, b",
        "create or replace algorithm = merge definer = 'a'@'b' sql security invoker view v as "
        "select table_name from information_schema.tables",
        "create definer = a@b trigger tr before insert on t for each row set new.c = 1",
        "create sequence s",
        "rename table a to b",
        "truncate t",
        "create tabel x (a int)",  # for the server to judge
        "create table a (b int) /*!50100 partition by hash (b) */",
        "alter ignore table t add unique (a)",
    ],
)
def test_whatever_a_database_holds_can_be_changed(sql: str) -> None:
    assert parse_ddl(sql) == [sql]


@pytest.mark.parametrize(
    ("shard", "number", "done", "rest", "is_unknown", "said"),
    [
        ("-80", 1, [], ["80-"], False, "this run has applied nothing on any shard"),
        ("-80", 2, [], ["80-"], False, "on -80 statement 1 of 3 is applied, nothing on 80-"),
        ("80-", 1, ["-80"], [], False, "HALF APPLIED: all of it is applied on -80;"),
        ("-80", 1, [], ["80-"], True, "whether statement 1 is applied on -80, or a part of it, is"),
    ],
)
def test_what_of_a_schema_change_was_applied_is_told(
    shard: str, number: int, done: list[str], rest: list[str], is_unknown: bool, said: str
) -> None:
    told = where_it_stands(shard, number, 3, done=done, rest=rest, is_unknown=is_unknown)
    assert said in told


UNKNOWN_TABLE = MysqlError(1051, "42S02", "Unknown table")


@pytest.mark.parametrize(
    ("statement", "error", "may_be"),
    [
        ("DROP TABLE a, missing", UNKNOWN_TABLE, True),
        ("drop view `größe`, missing", UNKNOWN_TABLE, True),
        ("DROP TABLE `a,b`", UNKNOWN_TABLE, False),
        ("CREATE TABLE a (b int, c int)", MysqlError(1050, "42S01", "exists"), False),
        ("DROP TABLE a, b", InputError("no primary"), False),
        ("DROP TABLE a", UnavailableError("no answer"), True),
    ],
)
def test_a_failed_drop_of_several_may_be_half_done(
    statement: str, error: ArmillaryError, may_be: bool
) -> None:
    assert may_be_applied(statement, error) is may_be


USERS = '"tables":{"users":{"column_vindexes":[{"column":"user_id","name":"%s"}]}}'


def test_a_vschema_is_read_in_either_spelling() -> None:
    for text in (
        '{"sharded":true,"vindexes":{"h":{"type":"hash"}},' + USERS % "h" + "}",
        '{"sharded":true,"vindexes":{"h":{"type":"hash"}},'
        + (USERS % "h").replace("column_vindexes", "columnVindexes")
        + "}",
    ):
        vschema, warning = parse_vschema("main", text)
        assert vschema.tables["users"].column_vindexes[0].name == "h" and not warning


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "wanted JSON"),
        ("[]", "found list"),
        ('{"sharded":1}', "vschema: "),
        ('{"sharded":true,"vindexes":{"h":{"type":"hush"}}}', "hush"),
        ('{"sharded":true,"vindexes":{"h":{"type":"hash"}},' + USERS % "x" + "}", "vindex x"),
        ('{"sharded":true,"tables":{"users":{}}}', "users"),
    ],
)
def test_a_vschema_that_makes_no_sense_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_vschema("main", text)


def test_unknown_fields_of_a_vschema_are_told() -> None:
    _, warning = parse_vschema("main", '{"shraded":true}')
    assert "shraded" in warning


def test_a_sound_shard_has_no_problems() -> None:
    tablet = topodata_pb2.Tablet(
        alias=topodata_pb2.TabletAlias(cell="zone1", uid=1), type=topodata_pb2.PRIMARY
    )
    tablet.primary_term_start_time.seconds = 5
    shard = topodata_pb2.Shard(primary_alias=tablet.alias)
    assert shard_problems("main/0", shard, {A: tablet}) == []
    assert shard_problems("main/0", topodata_pb2.Shard(), {}) == ["no master for shard main/0"]
    problems = shard_problems("main/0", shard, {})
    assert problems == [f"master {A} of shard main/0 has no tablet record"]
    tablet.type = topodata_pb2.REPLICA
    assert "has tablet type replica" in shard_problems("main/0", shard, {A: tablet})[0]
