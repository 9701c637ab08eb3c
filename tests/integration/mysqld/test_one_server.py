"""One real server: making its data directory, starting, stopping, dying, being orphaned."""

import os
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from armillary.base.errors import MysqlError, UnavailableError
from armillary.model.gtid import Position
from armillary.mysqld import admin, process, replication
from armillary.mysqld.bootstrap import ensure_template
from armillary.mysqld.connection import MysqlParams, connect
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.flavors.detect import detect_flavor
from armillary.mysqld.flavors.flavor import Flavor, ReplicationSource
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.process import MysqldProcess
from armillary.mysqld.server_id import read_server_id
from armillary.mysqld.spec import ServerSpec
from tests.addresses import block
from tests.integration.tablet.shard import PASSWORDS, TEMPLATE_CACHE

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

Make = Callable[..., MysqldProcess]


@pytest.fixture
async def flavor() -> Flavor:
    return await detect_flavor()


@pytest.fixture
async def make(flavor: Flavor) -> AsyncIterator[Make]:
    """Return a maker of servers, told by their uid; all of them are stopped at the end."""
    made: list[MysqldProcess] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="armh4-")))
        network = block()

        def make_one(uid: int = 1, **changes: object) -> MysqldProcess:
            spec = ServerSpec(
                tablet=TabletDir(folder, uid),
                socket=folder / f"{uid}.sock",
                bind_address=f"{network}.{uid}",
                credentials=Credentials(PASSWORDS),
                template_cache=TEMPLATE_CACHE,
                start_timeout_s=30,
            )
            made.append(MysqldProcess(flavor, replace(spec, **changes)))  # type: ignore[arg-type]
            return made[-1]

        yield make_one
        for server in reversed(made):
            if server.is_running:
                await server.shutdown(timeout_s=20)
            server.release()


async def test_a_server_starts_from_nothing_stops_and_starts_again(make: Make) -> None:
    server = make()
    await server.start()
    assert stat.S_IMODE(server.spec.tablet.my_cnf.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.spec.tablet.path.stat().st_mode) == 0o700
    async with await connect(server.spec.dba_params()) as connection:
        assert await admin.is_read_only(connection)
        await admin.create_database(connection, "kept")
    await server.shutdown()
    assert not server.is_running
    await server.start()
    await server.start()
    async with await connect(server.spec.dba_params()) as connection:
        assert "kept" in await admin.list_databases(connection)


async def test_nobody_gets_in_without_a_password(make: Make) -> None:
    server = make()
    await server.start()
    socket, host = server.spec.socket, server.spec.bind_address
    for user in (*PASSWORDS, "nobody"):
        with pytest.raises(MysqlError):
            await connect(MysqlParams(user=user, socket=socket))
    for user in ("vt_dba", "vt_allprivs", "vt_monitor", "root"):
        password = PASSWORDS.get(user, "")
        with pytest.raises(MysqlError):
            await connect(MysqlParams(user=user, password=password, host=host))
    async with await connect(
        MysqlParams(user="vt_app", password=PASSWORDS["vt_app"], host=host)
    ) as connection:
        with pytest.raises(MysqlError):
            await connection.query("SELECT * FROM mysql.user")


async def test_an_orphan_is_stopped_before_a_second_server_starts(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "die_with_parent_prefix", lambda: ())
    server = make()
    await server.start()
    orphan_pid = int(server.spec.tablet.pid_file.read_text())
    server.release()  # as the kernel does for a parent that was killed
    heir = make()
    await heir.start()
    assert int(heir.spec.tablet.pid_file.read_text()) != orphan_pid
    assert server.is_running is False


async def test_two_parents_never_share_a_directory(make: Make) -> None:
    first, second = make(), make()
    await first.start()
    with pytest.raises(UnavailableError, match="another process"):
        await second.start()


async def test_a_crash_is_noticed_a_requested_stop_is_not(make: Make) -> None:
    server = make()
    await server.start()
    noticed: list[int] = []

    async def notice() -> None:
        noticed.append(await server.wait_crash())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notice)
        await server.shutdown()
        await server.start()
        tasks.cancel_scope.cancel()
    assert noticed == []
    os.kill(int(server.spec.tablet.pid_file.read_text()), signal.SIGKILL)
    with anyio.fail_after(5):
        assert await server.wait_crash() == -signal.SIGKILL
    await server.start()


async def test_a_start_that_fails_is_an_error_not_a_crash(make: Make) -> None:
    server = make(extra_cnf=("no_such_option=1",))
    with pytest.raises(UnavailableError, match="while starting"):
        await server.start()
    with anyio.move_on_after(0.5) as scope:
        await server.wait_crash()
    assert scope.cancelled_caught


async def test_a_disk_that_takes_no_file_is_named_as_the_reason(make: Make) -> None:
    server = make(1)
    server.spec.tablet.path.mkdir(parents=True)
    server.spec.tablet.tmp.write_text("a file where a directory should be")
    with pytest.raises(UnavailableError, match=r"cannot prepare a start of mysqld: .*tmp"):
        await server.start()


async def test_the_user_s_script_runs_once_and_a_broken_one_stops_everything(
    make: Make, tmp_path: Path
) -> None:
    script = (
        "-- as Vitess's init_db.sql begins\nSET sql_log_bin = 0;\n"
        "CREATE USER 'vt_dba'@'localhost';\n"
        "CREATE DATABASE extra; CREATE TABLE extra.t (a INT); INSERT INTO extra.t VALUES (1);\n"
        "RESET MASTER;\n"
    )
    server = make(init_db_sql=script, template_cache=tmp_path)
    for _ in range(2):
        await server.start()
        async with await connect(server.spec.dba_params()) as connection:
            assert (await connection.query("SELECT COUNT(*) FROM extra.t")).scalar() == 1
            assert (await replication.executed_position(connection, server.flavor)) == Position()
            users = await connection.query("SELECT user FROM mysql.user")
            assert "armillary_init" not in users.column()
        await server.shutdown()
    broken = make(2, init_db_sql="CREATE TABEL x", template_cache=tmp_path)
    with pytest.raises(MysqlError, match="1064"):
        await broken.start()


async def test_many_ask_for_one_template_and_it_is_made_once(
    flavor: Flavor, make: Make, tmp_path: Path
) -> None:
    spec = make().spec
    found: list[Path] = []

    async def ask() -> None:
        found.append(await ensure_template(flavor, spec, tmp_path))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
    assert len(set(found)) == 1
    names = {name for name in os.listdir(tmp_path) if not name.endswith(".lock")}
    assert names == {found[0].name}


async def test_a_half_made_data_directory_is_made_anew(make: Make) -> None:
    server = make()
    tablet = server.spec.tablet
    (tablet.data / "mysql").mkdir(parents=True)
    tablet.initializing.touch()
    await server.start()
    assert not tablet.initializing.exists()


async def test_a_restored_position_goes_on_and_replicates(make: Make) -> None:
    """Two servers set to one position: one writes, the other follows from there."""
    first, second = make(1), make(2)
    await first.start()
    await second.start()
    async with (
        await connect(first.spec.dba_params()) as primary,
        await connect(second.spec.dba_params()) as replica,
    ):
        restored = Position.parse("MariaDB/0-77-100")
        for connection in (primary, replica):
            await replication.set_position(connection, first.flavor, restored)
            assert await replication.executed_position(connection, first.flavor) == restored
        await primary.execute("CREATE DATABASE one")
        position = await replication.executed_position(primary, first.flavor)
        assert str(position) == f"MariaDB/0-{read_server_id(first.spec.tablet)}-101"
        source = ReplicationSource(
            host=first.spec.bind_address,
            port=3306,
            user="vt_repl",
            password=PASSWORDS["vt_repl"],
        )
        await replication.set_source(replica, first.flavor, source)
        await replication.start_replication(replica, first.flavor)
        await replication.wait_for_position(replica, first.flavor, position, timeout_s=10)
        status = await replication.replication_status(replica, first.flavor)
        assert status is not None
        assert (status.position, status.is_healthy) == (position, True)
        assert "one" in await admin.list_databases(replica)


async def test_the_file_with_the_password_of_replication_is_for_its_owner_only(make: Make) -> None:
    server = make()
    await server.start()
    password = PASSWORDS["vt_repl"]
    source = ReplicationSource(host="127.0.0.1", port=1, user="vt_repl", password=password)
    async with await connect(server.spec.dba_params()) as connection:
        await replication.set_source(connection, server.flavor, source)
    files = [path for path in server.spec.tablet.data.iterdir() if path.is_file()]
    holding = [path for path in files if password.encode() in path.read_bytes()]
    assert [path.name for path in holding] == ["master.info"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in holding] == [0o600]


async def test_a_cancelled_statement_ends_on_the_server_too(make: Make) -> None:
    server = make()
    await server.start()
    slow = await connect(server.spec.dba_params())
    with anyio.move_on_after(0.2) as scope:
        await slow.query("SELECT SLEEP(30)")
    assert scope.cancelled_caught
    async with await connect(server.spec.dba_params()) as connection:
        sleeping = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"
        with anyio.fail_after(40):
            while (await connection.query(sleeping)).values:  # noqa: ASYNC110  # poll it
                await anyio.sleep(0.1)


async def test_tasks_that_share_a_session_each_get_their_own_answers(make: Make) -> None:
    server = make()
    await server.start()
    answers: dict[int, object] = {}
    async with await connect(server.spec.dba_params()) as connection:

        async def ask(number: int) -> None:
            answers[number] = (await connection.query(f"SELECT {number}")).scalar()

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(ask, number)
    assert answers == {number: number for number in range(20)}


async def test_closing_a_session_ends_what_another_task_asks_through_it(make: Make) -> None:
    server = make()
    await server.start()
    connection = await connect(server.spec.dba_params())
    refused: list[str] = []

    async def ask() -> None:
        try:
            await connection.query("SELECT SLEEP(60)")
        except UnavailableError as error:
            refused.append(str(error))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.sleep(0.2)
            await connection.close()
    assert len(refused) == 1


async def test_a_server_that_hangs_is_not_waited_for_at_the_login(make: Make) -> None:
    server = make()
    await server.start()
    pid = int(server.spec.tablet.pid_file.read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        with anyio.fail_after(40), pytest.raises(UnavailableError):
            await connect(replace(server.spec.dba_params(), connect_timeout_s=0.5))
    finally:
        os.kill(pid, signal.SIGCONT)
    async with await connect(
        replace(server.spec.dba_params(), connect_timeout_s=0.5)
    ) as connection:
        assert (await connection.query("SELECT SLEEP(1)")).scalar() == 0
