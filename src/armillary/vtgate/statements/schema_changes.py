"""CREATE, ALTER, DROP, TRUNCATE and RENAME: on every shard of one keyspace. I/O."""

from armillary.model.tablet import TabletType
from armillary.routing.vschema import UnknownKeyspaceError
from armillary.sql.commands import Ddl, parse_ddl
from armillary.vtgate.answers.output import Output
from armillary.vtgate.answers.replies import answer_ok
from armillary.vtgate.errors import RefusedError, SqlError, no_database
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.statements.as_they_are import AsTheyAre, named_shards
from armillary.wire.scanner import ResponseSummary

_SHARDED_OBJECTS = ("TABLE", "INDEX", "VIEW", "")


async def run_schema_change(
    executor: Executor, as_they_are: AsTheyAre, sql: bytes, out: Output
) -> ResponseSummary:
    """Raises: RefusedError: not a change that every shard can make alike."""
    ddl = parse_ddl(sql.decode("latin-1"))
    session = executor.session
    if ddl.what == "INSTANCE":
        raise RefusedError(f"{ddl.verb} INSTANCE: it is of one server, not of a keyspace")
    keyspace, named = _keyspace_of(executor, ddl)
    if session.target.tablet_type != TabletType.PRIMARY:
        raise SqlError(1105, "VT09002: schema change with a replica target")
    if executor.gateway.cluster.vschema.keyspaces[keyspace].sharded:
        if ddl.temporary or ddl.what not in _SHARDED_OBJECTS:
            raise RefusedError(f"{ddl.verb} {ddl.what} in a sharded keyspace")
        if ddl.verb == "CREATE" and ddl.what == "TABLE" and ddl.selects:
            raise RefusedError("CREATE TABLE ... SELECT in a sharded keyspace")
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


def _keyspace_of(executor: Executor, ddl: Ddl) -> tuple[str, bool]:
    """Return the keyspace, and whether the statement itself names it."""
    if ddl.what in ("DATABASE", "SCHEMA"):
        raise RefusedError(f"{ddl.verb} DATABASE is not allowed here")
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
