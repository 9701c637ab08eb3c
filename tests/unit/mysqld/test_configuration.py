"""my.cnf, accounts, credentials, flavors: text in, text out."""

from dataclasses import replace
from pathlib import Path

import pytest

from armillary.base.errors import InputError, IntegrityError
from armillary.model.gtid import MariadbGtidSet, MysqlGtidSet, Position
from armillary.mysqld.accounts import database_grant_statements, init_file_text
from armillary.mysqld.config import render_my_cnf
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.flavors.flavor import (
    Flavor,
    ReplicationSource,
    ServerVersion,
    ThreadState,
)
from armillary.mysqld.flavors.mariadb import MariadbFlavor
from armillary.mysqld.flavors.mysql import MysqlFlavor
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.server_id import read_server_id, renew_server_id
from armillary.mysqld.spec import AccountNames, ServerSpec

MARIADB = MariadbFlavor(
    Path("/usr/sbin/mariadbd"),
    ServerVersion.parse("mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu"),
    Path("/usr/bin/mariadb-install-db"),
)
MYSQL = MysqlFlavor(
    Path("/usr/sbin/mysqld"), ServerVersion.parse("/usr/sbin/mysqld  Ver 9.7.4-2 for Linux")
)
MYSQL80 = replace(MYSQL, version=ServerVersion.parse("mysqld  Ver 8.0.36 for Linux"))
SPEC = ServerSpec(
    tablet=TabletDir(Path("/data"), 2191363457),
    socket=Path("/vt/socket/mysql.sock"),
    bind_address="127.1.2.3",
    credentials=Credentials({"vt_dba": "it's", "vt_app": "b\\c", "vt_repl": "r"}),
)
FLAVORS = pytest.mark.parametrize("flavor", [MARIADB, MYSQL], ids=["mariadb", "mysql"])


def options(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if " = " in line]
    return dict(line.split(" = ", 1) for line in lines)


@FLAVORS
def test_a_server_always_starts_read_only_and_durable(flavor: Flavor) -> None:
    found = options(render_my_cnf(flavor, SPEC))
    assert found["read_only"] == "1"
    assert found["server_id"] == "2191363457"
    assert found["binlog_format"] == "ROW"
    assert (found["sync_binlog"], found["innodb_flush_log_at_trx_commit"]) == ("1", "1")
    assert found["bind_address"] == "127.1.2.3"
    assert found["log_bin"] == "/data/vt_2191363457/bin-logs/vt-2191363457-bin"
    assert "innodb_log_file_size" in found or flavor.name == "MySQL"


@FLAVORS
def test_triggers_and_functions_are_made_without_super(flavor: Flavor) -> None:
    """The gateway's account has no such right; with rows in the binlog none is needed."""
    assert options(render_my_cnf(flavor, SPEC))["log_bin_trust_function_creators"] == "1"


def test_the_user_s_lines_come_last() -> None:
    text = render_my_cnf(MARIADB, replace(SPEC, extra_cnf=("innodb_buffer_pool_size=2G",)))
    assert text.rstrip().endswith("innodb_buffer_pool_size=2G")


def test_a_uid_of_zero_still_gives_a_server_id_that_replicates() -> None:
    assert replace(SPEC, tablet=TabletDir(Path("/data"), 0)).default_server_id == 1


def test_a_data_directory_keeps_the_server_id_that_it_was_filled_with(tmp_path: Path) -> None:
    """Until it is filled anew: a server skips transactions that carry its own id."""
    tablet = TabletDir(tmp_path, 7)
    tablet.path.mkdir()
    assert read_server_id(tablet) is None
    first = renew_server_id(tablet)
    assert read_server_id(tablet) == first != 7
    assert options(render_my_cnf(MARIADB, SPEC, server_id=first))["server_id"] == str(first)
    assert renew_server_id(tablet) != first


def test_a_damaged_server_id_is_refused(tmp_path: Path) -> None:
    tablet = TabletDir(tmp_path, 7)
    tablet.path.mkdir()
    tablet.server_id.write_text("")
    with pytest.raises(IntegrityError, match="wanted a server id"):
        read_server_id(tablet)


@FLAVORS
def test_the_init_file_has_one_statement_a_line_and_stays_out_of_the_binlog(
    flavor: Flavor,
) -> None:
    lines = init_file_text(flavor, SPEC).splitlines()
    assert lines[0] == "SET sql_log_bin = 0;"
    assert all(line.endswith(";") for line in lines)
    assert any("'vt_dba'@'localhost' IDENTIFIED BY 'it''s'" in line for line in lines)
    assert any("'vt_app'@'%' IDENTIFIED BY 'b\\\\c'" in line for line in lines)


def test_accounts_without_password_are_local() -> None:
    text = init_file_text(MARIADB, replace(SPEC, credentials=Credentials()))
    assert "'vt_repl'@'localhost'" in text
    assert "CREATE USER IF NOT EXISTS 'vt_repl'@'%'" not in text


def test_only_the_administrator_has_rights_everywhere() -> None:
    grants = [line for line in init_file_text(MARIADB, SPEC).splitlines() if "ON *.*" in line]
    assert "GRANT ALL PRIVILEGES ON *.* TO 'vt_dba'@'localhost' WITH GRANT OPTION;" in grants
    assert "GRANT USAGE ON *.* TO 'vt_app'@'%';" in grants
    assert "GRANT REPLICATION SLAVE ON *.* TO 'vt_repl'@'%';" in grants


def test_a_grant_names_one_database_not_a_pattern() -> None:
    statements = database_grant_statements(AccountNames(), "%", "vt_a`b")
    assert all("`vt\\_a``b`.*" in statement for statement in statements)


def test_credentials_are_parsed_and_never_shown() -> None:
    parsed = Credentials.parse('{"vt_app": ["new", "old"]}')
    assert parsed.password("vt_app") == "new"
    assert parsed.password("nobody") == ""
    assert "new" not in repr(parsed)
    for text in ("{secret", '["secret"]', '{"a": "secret"}', '{"a": []}', '{"a": [1]}'):
        with pytest.raises(InputError) as caught:
            Credentials.parse(text)
        assert "secret" not in str(caught.value)


def test_versions_choose_the_words() -> None:
    assert MYSQL.reset_binlogs() == "RESET BINARY LOGS AND GTIDS"
    assert MYSQL80.reset_binlogs() == "RESET MASTER"
    assert MYSQL80.primary_status_query() == "SHOW MASTER STATUS"
    assert ServerVersion.parse("x Ver 8.4.10-foo bar").at_least(8, 4, 9)
    with pytest.raises(InputError):
        ServerVersion.parse("no version here")


def test_a_replica_starts_where_it_stands() -> None:
    source = ReplicationSource(host="h", port=3306, user="vt_repl", password="p")
    position = Position(MariadbGtidSet.parse("0-1-7"))
    first, second = MARIADB.set_source_statements(source, position, lambda text: f"'{text}'")
    assert first == "SET GLOBAL gtid_slave_pos = '0-1-7'"
    assert "MASTER_PASSWORD='p'" in second
    assert second.endswith("MASTER_USE_GTID=slave_pos")
    (only,) = MYSQL.set_source_statements(source, Position(), lambda text: f"'{text}'")
    assert "SOURCE_AUTO_POSITION=1" in only


def test_a_restored_position_is_in_binlogs_and_replication_alike() -> None:
    statements = MARIADB.set_position_statements(Position.parse("MariaDB/0-1-7"))
    assert tuple(statements)[-2:] == (
        "SET GLOBAL gtid_slave_pos = '0-1-7'",
        "SET GLOBAL gtid_binlog_state = '0-1-7'",
    )


def test_mysql_s_status_is_read() -> None:
    uuid = "00000000-0000-0000-0000-00000000000a"
    row = {
        "Executed_Gtid_Set": f"{uuid}:1-5",
        "Retrieved_Gtid_Set": f"{uuid}:4-8",
        "Seconds_Behind_Source": None,
        "Source_Host": "h",
        "Source_Port": 3306,
        "Source_User": "vt_repl",
        "Source_Server_Id": 7,
        "Source_UUID": uuid,
        "Replica_IO_Running": "Connecting",
        "Replica_SQL_Running": "Yes",
        "Last_IO_Error": "refused",
        "Last_SQL_Error": "",
        "Connect_Retry": 2,
        "SQL_Delay": 0,
        "Relay_Source_Log_File": "b.1",
        "Exec_Source_Log_Pos": 4,
        "Source_Log_File": "b.2",
        "Read_Source_Log_Pos": 5,
        "Auto_Position": 1,
        "Source_SSL_Allowed": "No",
        "Replicate_Do_DB": "",
        "Replicate_Ignore_DB": "",
    }
    status = MYSQL.parse_status(row)
    assert status.relay_position == Position(MysqlGtidSet.parse(f"{uuid}:1-8"))
    assert (status.io_state, status.lag_s) == (ThreadState.CONNECTING, None)
    assert not status.is_healthy
    assert not status.is_stopped
    assert status.file_position == "FilePos/b.1:4"
