"""Statements with `?`s, whichever way they come: taken apart, described, filled in.

I/O only to describe. Their literals and parameters together make the key that the statement has as
text, so both have one plan.
"""

from armillary.base.errors import WireError
from armillary.sql.commands import Verb, verb_of
from armillary.sql.cursor import NotUnderstoodError
from armillary.sql.literals import NotAValue, literal_value
from armillary.sql.tokens import LITERAL_KINDS, Kind, tokenize
from armillary.vtgate.errors import AssignedError, NamedLockError
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.execution.planning import plan_for
from armillary.vtgate.planner.plan import InsertPlan
from armillary.vtgate.rendering import Statement
from armillary.vtgate.session import PreparedStatement
from armillary.vtgate.tablets.preparing import close_statement, read_prepare
from armillary.vtgate.targets import Target
from armillary.wire.statements import parse_prepare_ok

_BEFORE_COUNT = frozenset({"LIMIT", "OFFSET", "FIRST", "NEXT"})  # FETCH FIRST ? ROWS ONLY
_COUNT = "LIMIT ?"


async def describe(executor: Executor, statement: PreparedStatement) -> list[bytes]:
    """Let a server describe parameters and columns; nothing for what it would not know.

    Returns:
        The payloads of the server's answer to COM_STMT_PREPARE.
    Raises:
        ArmillaryError: no server would take the statement, or we do not route it.
    """
    target = executor.session.target
    if verb_of(statement.sql) != Verb.ROUTED or target.is_direct:
        return []
    marks = [b"?" if isinstance(slot, int) else slot for slot in statement.slots]
    probe = Statement(b"", statement.key, marks)
    try:
        cached = await plan_for(executor.tables, probe, keyspace=target.keyspace)
    except (NotUnderstoodError, NamedLockError, AssignedError):
        return []
    plan = cached.plan
    keyspace = plan.table.keyspace if isinstance(plan, InsertPlan) else plan.route.keyspace
    template = plan.whole if isinstance(plan, InsertPlan) else plan.template
    if isinstance(plan, InsertPlan) and plan.increment is not None:
        return []
    text = executor.texts.text_of(template, probe)
    shards = executor.resolver().partition(keyspace).shards
    async with executor.transactions.describing(keyspace, shards) as connection:
        payloads = await read_prepare(connection, text)
        ok = parse_prepare_ok(payloads[0])
        close_statement(connection, ok.statement_id)
    return payloads if ok.parameter_count == statement.parameter_count else []


def take_apart(statement_id: int, sql: bytes, target: Target) -> PreparedStatement:
    """Make the key that the statement's text form has, and note which `?` is a parameter."""
    text = sql.decode("latin-1")
    parts = []
    slots: list[bytes | int] = []
    parameters = 0
    counts = set()
    at = 0
    before = ("", "")  # the last two tokens: LIMIT ?, ?
    for token in tokenize(text).tokens:
        gap = text[at : token.start]
        parts.append(gap if gap.isspace() or not gap else " ")
        at = token.end
        if token.kind == Kind.PARAM:
            slots.append(parameters)
            if before[1] in _BEFORE_COUNT or (before[1] == "," and before[0] == _COUNT):
                counts.add(parameters)
            parameters += 1
            parts.append("?")
        elif token.kind in LITERAL_KINDS:
            slots.append(token.text.encode("latin-1"))
            parts.append("?")
        else:
            parts.append(token.text)
        is_count = token.text == "?" and parameters - 1 in counts
        before = (before[1], _COUNT if is_count else token.upper)
    return PreparedStatement(
        statement_id, sql, parameters, target, "".join(parts), tuple(slots), frozenset(counts)
    )


def fill_in(sql: bytes, literals: list[bytes]) -> bytes:
    """Write the literals where a text has its `?`s."""
    out: list[bytes] = []
    at = 0
    number = 0
    for token in tokenize(sql.decode("latin-1")).tokens:
        if token.kind == Kind.PARAM:
            out += (sql[at : token.start], literals[number])
            at = token.end
            number += 1
    if number != len(literals):
        raise WireError("as many parameters as `?`s wanted")
    return b"".join((*out, sql[at:]))


def as_count(literal: bytes) -> bytes:
    """Return a number of rows as the integer that LIMIT wants; drivers send doubles and text."""
    try:
        value = literal_value(literal)
    except NotAValue:
        return literal
    if isinstance(value, bytes) and value.isdigit():
        return value
    return b"%d" % value if isinstance(value, int) else literal
