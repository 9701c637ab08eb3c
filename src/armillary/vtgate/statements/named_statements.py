"""PREPARE, EXECUTE and DEALLOCATE PREPARE as text: the gateway keeps the statements itself. I/O.

No server knows of them, so they run on every shard and through every change of primary.
"""

from typing import Protocol

from armillary.sql.commands import Verb, verb_of
from armillary.sql.executable_comments import unwrap_executable_comments
from armillary.sql.splitting import split_statements
from armillary.sql.tokens import Kind, Token, tokenize, unquote_name
from armillary.vtgate.answers.output import Output
from armillary.vtgate.answers.replies import answer_ok
from armillary.vtgate.errors import SqlError
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.execution.planning import check_syntax
from armillary.vtgate.planner.text import variable_name
from armillary.vtgate.rendering import plain_integer
from armillary.vtgate.session import PreparedStatement
from armillary.vtgate.statements.prepared import describe, take_apart
from armillary.vtgate.statements.set_statement import value_of
from armillary.wire.scanner import ResponseSummary

_STATEMENTS_MAX = 16_382  # as a server's max_prepared_stmt_count


class Runner(Protocol):
    """Runs statements that were prepared."""

    async def run_prepared(
        self, statement: PreparedStatement, parameters: list[bytes], out: Output
    ) -> ResponseSummary: ...


class NamedStatements:
    def __init__(self, executor: Executor, runner: Runner) -> None:
        self._executor = executor
        self._session = executor.session
        self._runner = runner

    async def run(self, sql: bytes, out: Output) -> ResponseSummary:
        """Carry out `PREPARE name FROM text`, `EXECUTE name [USING values]`,
        `EXECUTE IMMEDIATE text [USING values]` or `{DEALLOCATE|DROP} PREPARE name`.

        Raises:
            SqlError: no such statement, another number of values wanted, or not that syntax.
            ArmillaryError: what is wrong with the statement prepared.
        """
        text = sql.decode("latin-1")
        tokens = [token for token in tokenize(text).tokens if token.text != ";"]
        words = [token.upper for token in tokens]
        match words[:3]:
            case ["PREPARE", _, "FROM"] if len(words) > 3:
                await self._prepare(unquote_name(tokens[1]), text[tokens[3].start : tokens[-1].end])
            case ["EXECUTE", "IMMEDIATE", _, *_]:
                return await self._execute_at_once(text, tokens, out)
            case ["EXECUTE", _] | ["EXECUTE", _, "USING"]:
                statement = self._find(unquote_name(tokens[1]), "EXECUTE")
                values = _list_of(text, tokens[3:])
                return await self._execute(statement, values, out)
            case ["DEALLOCATE" | "DROP", "PREPARE", _] if len(words) == 3:
                name = unquote_name(tokens[2])
                self._find(name, "DEALLOCATE PREPARE")
                del self._session.named_statements[name.lower()]
            case _:
                raise SqlError(1064, f"You have an error in your SQL syntax near '{text[:80]}'")
        return answer_ok(self._session, out)

    async def _prepare(self, name: str, expression: str) -> None:
        statements = self._session.named_statements
        statements.pop(name.lower(), None)  # also when the new one fails, as on a server
        if len(statements) >= _STATEMENTS_MAX:
            raise SqlError(1461, "Can't create more prepared statements on this connection")
        statements[name.lower()] = await self._made_of(expression)

    async def _made_of(self, expression: str) -> PreparedStatement:
        ((cell, _),) = await self._executor.evaluate(expression.encode("latin-1"))
        text = (cell if cell is not None else b"NULL").decode("latin-1")
        kind = self._executor.gateway.server_kind
        parts = split_statements(unwrap_executable_comments(text, kind))
        if len(parts) != 1:
            raise SqlError(1064, f"one statement to prepare wanted, {len(parts)} found")
        sql = parts[0].encode("latin-1")
        if verb_of(sql) == Verb.PREPARE:
            raise SqlError(
                1295, "This command is not supported in the prepared statement protocol yet"
            )
        statement = take_apart(0, sql, self._session.target)
        await describe(self._executor, statement)
        if verb_of(sql) == Verb.OTHER:
            await check_syntax(self._executor.gateway, sql, self._session.target.keyspace)
        return statement

    async def _execute_at_once(
        self, text: str, tokens: list[Token], out: Output
    ) -> ResponseSummary:
        using = next((at for at, token in enumerate(tokens) if token.upper == "USING"), len(tokens))
        statement = await self._made_of(text[tokens[2].start : tokens[using - 1].end])
        return await self._execute(statement, _list_of(text, tokens[using + 1 :]), out)

    async def _execute(
        self, statement: PreparedStatement, values: list[str], out: Output
    ) -> ResponseSummary:
        if len(values) != statement.parameter_count:
            raise SqlError(1210, "Incorrect arguments to EXECUTE")
        parameters = [await self._value(value) for value in values]
        return await self._runner.run_prepared(statement, parameters, out)

    async def _value(self, expression: str) -> bytes:
        tokens = tokenize(expression).tokens
        if len(tokens) == 1 and tokens[0].kind == Kind.VARIABLE and expression[:2] != "@@":
            value = self._session.variables.get(variable_name(expression), b"NULL")
        else:
            value = await value_of(self._executor, expression)
        return plain_integer(value)

    def _find(self, name: str, command: str) -> PreparedStatement:
        statement = self._session.named_statements.get(name.lower())
        if statement is None:
            raise SqlError(1243, f"Unknown prepared statement handler ({name}) given to {command}")
        return statement


def _list_of(text: str, tokens: list[Token]) -> list[str]:
    """Return the texts of expressions with commas between them."""
    found: list[str] = []
    depth = 0
    start = 0
    for index, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            found.append(text[tokens[start].start : token.start].strip())
            start = index + 1
    if start < len(tokens):
        found.append(text[tokens[start].start : tokens[-1].end])
    return found
