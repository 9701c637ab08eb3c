"""Plans that rest on the order of a table's columns are confirmed before use. I/O to ask.

A change of the table of which nobody has told this gateway yet would put values into other columns
than the client means, and no server would mind.
"""

from armillary.vtgate.errors import RefusedError
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.execution.planning import plan_for
from armillary.vtgate.gateway import CachedPlan
from armillary.vtgate.planner.plan import InsertPlan
from armillary.vtgate.rendering import Statement

_ATTEMPTS = 3


async def confirmed_plan_for(
    executor: Executor, statement: Statement, *, keyspace: str
) -> CachedPlan:
    """As `plan_for`; an INSERT without a list of columns is planned for those that are there now.

    Raises:
        NotUnderstoodError: our parser does not follow it.
        RefusedError: it cannot be routed correctly; the table's columns change all the time, or
            differ between shards.
    """
    table = ""
    for _ in range(_ATTEMPTS):
        cached = await plan_for(executor.tables, statement, keyspace=keyspace)
        plan = cached.plan
        if not isinstance(plan, InsertPlan) or not plan.assumed:
            return cached
        if not executor.session.target.is_primary:
            return cached  # it is refused later
        if await _columns_now(executor, plan) == plan.assumed:
            return cached
        table = plan.table.name
        executor.gateway.cluster.tables_changed()
    raise RefusedError(
        f"INSERT into {table} without a list of columns while its columns change, or "
        "differ between shards: name the columns"
    )


async def _columns_now(executor: Executor, plan: InsertPlan) -> tuple[str, ...]:
    """Ask over the session's own connection, if it has one: another could wait for its locks."""
    table = plan.table
    shards = executor.resolver().partition(table.keyspace).shards
    name = table.name.replace("`", "``").encode()
    async with executor.transactions.describing(table.keyspace, shards) as connection:
        answer = await connection.query(b"select * from `" + name + b"` limit 0")
    codec = executor.session.codec
    return tuple(column.name.decode(codec, "replace").lower() for column in answer.columns)
