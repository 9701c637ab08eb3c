"""Statements end at semicolons, bodies of stored programs at the end of their last block."""

import pytest

from armillary.sql.executable_comments import (
    UncertainCommentError,
    unwrap_executable_comments,
)
from armillary.sql.splitting import split_statements

BODIES = (
    "create procedure p() begin select 1; select 2; end",
    "create or replace procedure p(n int) comment 'x' begin end",
    "create definer=`a`@`%` procedure p() begin if 1 then select 1; end if; end",
    "create definer='a'@'%' trigger t before insert on x for each row begin set new.a = 1; end",
    "create definer=current_user() trigger t after delete on x for each row set @a = 1",
    "create trigger t before insert on x for each row if new.a then set new.b = 1; end if",
    "create trigger if not exists t before insert on x for each row set new.a = if(1, 2, 3)",
    "create function f(a int) returns int deterministic return case a when 1 then 2 else 3 end",
    "create function f(a int) returns int return if(a, repeat('x', 3), 1)",
    "create function f() returns int begin declare i int default 0; "
    "l: while i < 3 do set i = i + 1; end while l; return i; end",
    "create procedure p() begin repeat set @i = 1; until 1 end repeat; end",
    "create procedure p() begin loop select 1; end loop; end",
    "create procedure p() begin case @a when 1 then begin end; else select 2; end case; "
    "select case when 1 then 2 end, if(1, 2, 3); end",
    "create procedure p() begin drop table if exists t; create table if not exists t (a int); end",
    "create procedure p() begin declare exit handler for sqlexception begin rollback; end; "
    "start transaction; insert into t values (1); commit; end",
    "create procedure p() begin for i in 1 .. 3 do select i; end for; select 1 for update; end",
    "create procedure p() case 1 when 1 then select 1; end case",
    "create event e on schedule every 1 day do begin delete from t; delete from u; end",
    "alter event e do begin delete from t; end",
    "begin not atomic select 1; select 2; end",
)
OTHERS = (
    "begin",
    "create table t (a int, `begin` int)",
    "select case when 1 then 2 end",
    "create table if not exists function_of (a int)",
    "select 'create procedure p() begin'",
    "create view v as select if(1, 2, 3)",
    "drop procedure if exists p",
    "commit",
)


@pytest.mark.parametrize("body", BODIES)
def test_a_body_is_one_statement_and_others_follow_it(body: str) -> None:
    assert split_statements(f"{body};") == [body]
    assert split_statements(f"select 1; {body}; select 2") == ["select 1", f" {body}", " select 2"]
    assert split_statements(f"{body};{body}") == [body, body]


def test_what_has_no_body_ends_at_each_semicolon() -> None:
    assert split_statements("; ".join(OTHERS)) == [
        statement if number == 0 else f" {statement}" for number, statement in enumerate(OTHERS)
    ]


def test_empty_statements_are_dropped() -> None:
    assert split_statements(" ;; /* x */ ; select 1;") == [" select 1"]
    assert split_statements("select 1") == ["select 1"]
    assert split_statements(" ") == []
    assert split_statements("select 1; /*! set @a = 1 */; -- x") == [
        "select 1",
        " /*! set @a = 1 */",
    ]


def test_a_dump_s_trigger_is_one_statement_in_its_comments() -> None:
    dump = (
        "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON x "
        "FOR EACH ROW BEGIN SET NEW.a = 1; SET NEW.b = 2; END */"
    )
    parts = split_statements(unwrap_executable_comments(f"select 1; {dump}; select 2"))
    assert [" ".join(part.split()) for part in parts] == [
        "select 1",
        "CREATE DEFINER=`a`@`b` TRIGGER t BEFORE INSERT ON x "
        "FOR EACH ROW BEGIN SET NEW.a = 1; SET NEW.b = 2; END",
        "select 2",
    ]
    with pytest.raises(UncertainCommentError, match="semicolon that ends a statement"):
        unwrap_executable_comments("select 1 /*!40101 ; drop table t */")
