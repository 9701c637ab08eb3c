"""CREATE, ALTER, DROP, TRUNCATE and RENAME: on every shard of one keyspace. I/O."""

from armillary.model.tablet import TabletType
from armillary.routing.vschema import UnknownKeyspaceError
from armillary.sql.commands import Ddl, parse_ddl
from armillary.sql.tokens import tokenize, unquote_name
from armillary.vtgate.answers.output import Output
from armillary.vtgate.answers.replies import answer_ok
from armillary.vtgate.errors import RefusedError, SqlError, no_database
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.statements.as_they_are import AsTheyAre, named_shards
from armillary.wire.responses import OkPacket
from armillary.wire.scanner import ResponseSummary

_SHARDED_OBJECTS = ("TABLE", "INDEX", "VIEW", "")


async def run_schema_change(
    executor: Executor, as_they_are: AsTheyAre, sql: bytes, out: Output
) -> ResponseSummary:
    """Raises: RefusedError: not a change that every shard can make alike."""
    ddl = parse_ddl(sql.decode("latin-1"))
    session = executor.session
    if ddl.what in ("DATABASE", "SCHEMA"):
        return _database(executor, ddl, sql, out)
    keyspace, named = _keyspace_of(executor, ddl)
    if session.target.tablet_type != TabletType.PRIMARY:
        raise SqlError(1105, "VT09002: schema change with a replica target")
    if executor.gateway.cluster.vschema.keyspaces[keyspace].sharded:
        _refuse_sharded(ddl, one_shard=bool(session.target.shard) and not named)
    body = as_they_are.kept(ddl, sql, keyspace)
    partition = executor.resolver().partition(keyspace)
    shards = partition.shards
    if session.target.is_direct and not named:
        shards = named_shards(session.target, partition)
    if ddl.temporary:
        if len(shards) != 1:
            raise RefusedError(f"temporary tables on {len(shards)} shards")
        if ddl.verb == "DROP":
            return await executor.on_shard(keyspace, shards[0], body, out)
        return await executor.transactions.reserving.leave(
            keyspace,
            shards[0],
            "temporary tables",
            lambda: executor.on_shard(keyspace, shards[0], body, out),
        )
    await executor.transactions.commit()
    try:
        await executor.on_all(keyspace, shards, body)
    finally:
        await executor.gateway.schema_changed(keyspace)
    return answer_ok(session, out)


def _database(executor: Executor, ddl: Ddl, sql: bytes, out: Output) -> ResponseSummary:
    """CREATE DATABASE of a keyspace that is there, which dumps and drivers begin with.

    Raises:
        RefusedError: any other change of a database.
        SqlError: it is there, and the statement does not allow for that.
    """
    tokens = [token for token in tokenize(sql.decode("latin-1")).tokens[2:] if token.text != ";"]
    tolerant = tuple(token.upper for token in tokens[:3]) == ("IF", "NOT", "EXISTS")
    name = unquote_name(tokens[3 * tolerant]) if len(tokens) > 3 * tolerant else ""
    if ddl.verb != "CREATE" or name not in executor.gateway.cluster.vschema.keyspaces:
        raise RefusedError(f"{ddl.verb} DATABASE is not allowed here")
    message = f"Can't create database '{name}'; database exists"
    if not tolerant:
        raise SqlError(1007, message)
    session = executor.session
    session.new_warnings = [("Note", 1007, message)]
    out.ok(OkPacket(status=session.status, warnings=1))
    return ResponseSummary(status=session.status, warnings=1)


def _refuse_sharded(ddl: Ddl, *, one_shard: bool) -> None:
    """Raises: RefusedError: several shards would not have the same; one that is named may."""
    if ddl.temporary or (ddl.what not in _SHARDED_OBJECTS and not one_shard):
        raise RefusedError(f"{ddl.verb} {ddl.what} in a sharded keyspace")
    if ddl.verb == "CREATE" and ddl.what == "TABLE" and ddl.selects and not one_shard:
        raise RefusedError("CREATE TABLE ... SELECT in a sharded keyspace")


def _keyspace_of(executor: Executor, ddl: Ddl) -> tuple[str, bool]:
    """Return the keyspace, and whether the statement itself names it."""
    if ddl.what == "INSTANCE":
        raise RefusedError(f"{ddl.verb} INSTANCE: it is of one server, not of a keyspace")
    keyspaces = executor.gateway.cluster.vschema.keyspaces
    named = {name for name in ddl.keyspaces if name in keyspaces}
    if len(named) > 1:
        raise RefusedError("a schema change over several keyspaces")
    keyspace = next(iter(named), executor.session.target.keyspace)
    if not keyspace:
        raise no_database()
    if keyspace not in keyspaces:
        raise UnknownKeyspaceError(keyspace)
    return keyspace, bool(named)
