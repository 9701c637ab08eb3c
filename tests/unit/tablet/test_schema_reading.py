"""Tables are read although a view among them is broken; a change that ran is not told as failed."""

from typing import cast

import pytest

from armillary.base.errors import MysqlError, UnavailableError
from armillary.mysqld.connection import Column, Connection, Rows
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.vttablet import schema_rpcs
from armillary.vttablet.schema_rpcs import read_schema

pytestmark = pytest.mark.anyio

WHOLE = pb.GetSchemaRequest(include_views=True)


class Server:
    """Answers the queries of `read_schema`: one table, one view, one of which cannot be read."""

    def __init__(self, broken: str, error: Exception) -> None:
        self._broken, self._error = broken, error

    async def query(self, sql: str, args: object = ()) -> Rows:
        if "information_schema.tables" in sql:
            return Rows((), (("a_view", "VIEW", 0, 0), ("users", "BASE TABLE", 10, 1)))
        if "information_schema" in sql:
            return Rows((), (("id",),))
        if sql.startswith("SHOW CREATE"):
            return Rows((), (("name", f"CREATE {sql.split()[2]} of it"),))
        if self._broken in sql:
            raise self._error
        return Rows((Column("id", 3, 0, 63, 11, 0),), ())


def server(broken: str, error: Exception) -> Connection:
    return cast(Connection, Server(broken, error))


@pytest.mark.parametrize("errno", [1356, 1449], ids=["tables gone", "definer gone"])
async def test_a_view_that_is_not_valid_hides_no_table(errno: int) -> None:
    invalid = MysqlError(errno, "HY000", "the view cannot be read")
    schema = await read_schema(server("a_view", invalid), "vt_main", WHOLE)
    assert [(t.name, list(t.columns)) for t in schema.table_definitions] == [
        ("a_view", []),
        ("users", ["id"]),
    ]
    assert schema.table_definitions[0].schema == "CREATE VIEW of it"


@pytest.mark.parametrize(
    ("broken", "errno"), [("a_view", 1142), ("users", 1356)], ids=["other error", "a table"]
)
async def test_nothing_else_is_tolerated(broken: str, errno: int) -> None:
    with pytest.raises(MysqlError):
        await read_schema(server(broken, MysqlError(errno, "HY000", "no")), "vt_main", WHOLE)


async def test_a_change_that_ran_stands_when_the_tables_cannot_be_read_after_it() -> None:
    gone = server("users", UnavailableError("mysqld went away"))
    assert await schema_rpcs._read_after(gone, "vt_main", WHOLE) == pb.SchemaDefinition()
