"""SET: what a session may change, and how it reaches the tablets. I/O only to evaluate."""

from typing import TYPE_CHECKING

from armillary.base.errors import ArmillaryError
from armillary.sql.commands import Setting, parse_set
from armillary.sql.executable_comments import unwrap_executable_comments
from armillary.sql.modes import foreign_modes
from armillary.sql.tokens import Kind, tokenize
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.session import CODECS, ROWS_MAX
from armillary.vtgate.statements.variable_values import literal_of_cell, literal_of_text
from armillary.wire.protocol import DECIMAL_TYPES, FLOAT_TYPES, INTEGER_TYPES
from armillary.wire.statements import quote

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor

_OURS = frozenset(
    """workload ddl_strategy migration_context session_uuid enable_system_settings
    client_found_rows skip_query_plan_cache read_after_write_gtid read_after_write_timeout
    query_timeout session_track_gtids transaction_timeout""".split()  # noqa: SIM905
)
# What one connection does once, remembers by itself, or does behind the gateway's back.
_CONNECTION_ONLY = frozenset(
    """insert_id last_insert_id identity rand_seed1 rand_seed2 pseudo_thread_id sql_auto_is_null
    completion_type profiling profiling_history_size skip_replication gtid_seq_no
    gtid_next""".split()  # noqa: SIM905
)
# What clients set to say that they do not want it, which is so already.
_NOTHING_CHANGES = {
    "sql_auto_is_null": frozenset({"0", "off", "false", "default"}),
    "profiling": frozenset({"0", "off", "false", "default"}),
    "completion_type": frozenset({"0", "no_chain", "default"}),
}
_QUERY_WORDS = frozenset({"WITH", "TABLE", "VALUES"})
_WIDE_CHARSETS = frozenset({"ucs2", "utf16", "utf16le", "utf32"})


async def run_set(executor: "Executor", text: str) -> None:
    """Carry out a SET statement.

    Raises:
        RefusedError: a setting that would change what statements mean, or that is global.
        MysqlError: the servers do not take it.
    """
    session = executor.session
    before = (session.settings, session.charset, dict(session.variables), session.autocommit)
    limit_before = session.select_limit
    try:
        settings = parse_set(text)
        values = await _user_variables(executor, settings)
        for setting in settings:
            if setting.scope != "USER":
                await _run_one(executor, setting)
        session.variables = {**session.variables, **values}
    except BaseException:
        # All of it or nothing, as one server does.
        session.settings, session.charset, session.variables, session.autocommit = before
        session.select_limit = limit_before
        for pin in session.pins.values():  # may have got what the session has not, nor any key
            if pin.reserved is not None:
                continue
            pin.connection.tainted = True
            if pin.connection.busy:
                pin.connection.abort()
        raise


async def _run_one(executor: "Executor", setting: Setting) -> None:
    match setting.scope:
        case "NAMES" | "CHARSET":
            await _set_charset(executor, setting)
        case "TRANSACTION":
            await _set_transaction(executor, setting)
        case "SESSION":
            await _set_variable(executor, setting)
        case _:
            raise RefusedError(f"SET {setting.scope}: system-wide settings")


async def _user_variables(executor: "Executor", settings: list[Setting]) -> dict[str, bytes]:
    """Return what the user variables of a SET will hold.

    A server computes all values before it sets any: `set @a = 1, @b = @a` gives b the old a.

    Raises:
        RefusedError: a value has a subquery, or cannot be kept as it is.
    """
    values = {}
    for setting in settings:
        if setting.scope != "USER":
            continue
        values[setting.name] = await value_of(executor, setting.value)
    return values


async def value_of(executor: "Executor", expression: str) -> bytes:
    """Return what a user variable set to this expression holds, as a SQL literal.

    Raises:
        RefusedError: it has a subquery, or its value cannot be kept as it is.
        MysqlError: no server takes it.
    """
    refuse_query(expression)
    literal = literal_of_text(expression)
    if literal is not None:
        return literal
    text = expression.encode("latin-1")
    (cell, column), (_, plain) = await executor.evaluate(text, b"''")
    return literal_of_cell(
        cell, column, connection_collation=plain.collation_id, codec=executor.session.codec
    )


def refuse_query(expression: str) -> None:
    """Refuse a subquery that reads rows: whichever server is asked would answer from its own.

    Raises:
        RefusedError: there is one.
    """
    tokens = tokenize(unwrap_executable_comments(expression)).tokens
    words = {token.upper for token in tokens if token.kind == Kind.WORD}
    if words & _QUERY_WORDS or {"SELECT", "FROM"} <= words:
        raise RefusedError("a subquery in SET; select the value first")


def changes_nothing(setting: Setting) -> bool:
    """Whether a setting of one connection is what it is anyway."""
    value = setting.value.strip().lower().strip("'\"")
    return value in _NOTHING_CHANGES.get(setting.name, ())


async def evaluate(executor: "Executor", expression: str) -> bytes:
    """Return the value of an expression as a SQL literal, asking a server unless it is one.

    Raises:
        RefusedError: it has a subquery.
    """
    refuse_query(expression)
    tokens = tokenize(expression).tokens
    if len(tokens) == 1 and tokens[0].kind in (Kind.STRING, Kind.NUMBER):
        return expression.strip().encode("latin-1")
    if len(tokens) == 1 and tokens[0].upper == "NULL":
        return b"NULL"
    ((cell, column),) = await executor.evaluate(expression.encode("latin-1"))
    if cell is None:
        return b"NULL"
    if column.type in INTEGER_TYPES | DECIMAL_TYPES | FLOAT_TYPES:
        return cell
    return quote(cell)


async def _set_charset(executor: "Executor", setting: Setting) -> None:
    charset = setting.value
    if charset == "default":
        charset = "utf8mb4"
    if charset not in CODECS:
        raise SqlError(1115, f"Unknown character set: '{charset}' (not supported here)")
    await _apply(executor, setting.name, setting.sql)
    executor.session.charset = charset


async def _set_transaction(executor: "Executor", setting: Setting) -> None:
    session = executor.session
    if setting.name == "global":
        raise RefusedError("SET GLOBAL: system-wide settings")
    if setting.name == "next":
        if executor.transactions.pinning and session.pins:
            raise SqlError(
                1568,
                "Transaction characteristics can't be changed while a transaction is in progress",
            )
        session.once = (*session.once, setting.sql)
        return
    kind = "access" if "READ ONLY" in setting.sql.upper() else "isolation"
    kind = "access" if "READ WRITE" in setting.sql.upper() else kind
    await _apply(executor, f"transaction {kind}", setting.sql)


async def _set_variable(executor: "Executor", setting: Setting) -> None:
    if changes_nothing(setting):
        return
    if setting.name in _CONNECTION_ONLY:
        raise RefusedError(f"SET {setting.name}: a value of one connection to one server")
    if setting.name not in _OURS:
        await _set_known(executor, setting)


async def _set_known(executor: "Executor", setting: Setting) -> None:
    session = executor.session
    name = setting.name
    sql, constant = await _constant(executor, setting)
    value = constant.strip().lower().strip("'\"")
    if name == "autocommit":
        await _set_autocommit(executor, value)
    elif name == "transaction_mode":
        mode = value.upper()
        if mode not in ("SINGLE", "MULTI"):
            raise SqlError(1231, f"invalid transaction_mode: {mode}; wanted single or multi")
        session.transaction_mode = mode
    elif name == "sql_select_limit":
        session.select_limit = _row_limit(value)
    elif name == "character_set_results" and (value in _WIDE_CHARSETS or value.isdigit()):
        raise RefusedError(f"character_set_results {value}: digits must be those of ASCII")
    elif name in ("character_set_client", "character_set_connection", "character_set_database"):
        if value != "default" and value not in CODECS:
            raise SqlError(1115, f"Unknown character set: '{value}' (not supported here)")
        await _apply(executor, name, sql)
        if name == "character_set_client":
            session.charset = "utf8mb4" if value == "default" else value
    else:
        await _apply(executor, name, sql)


def _row_limit(value: str) -> int | None:
    if value == "default":
        return None
    if not value.isdigit():
        raise SqlError(1232, "Incorrect argument type to variable 'sql_select_limit'")
    return int(value) if int(value) < ROWS_MAX else None


async def _constant(executor: "Executor", setting: Setting) -> tuple[str, str]:
    """Return the SET statement and its value, computed: every connection must get the same one.

    `@@x + 1` would be another value on each connection, and one more with each SET.
    """
    tokens = tokenize(setting.value).tokens
    signed = len(tokens) == 2 and tokens[0].text in ("-", "+")
    if signed or (len(tokens) == 1 and tokens[0].kind != Kind.VARIABLE):
        return setting.sql, setting.value
    value = (await evaluate(executor, setting.value)).decode("latin-1")
    return f"SET {setting.scope} `{setting.name}` = {value}", value


async def _set_autocommit(executor: "Executor", value: str) -> None:
    words = {"1": True, "on": True, "true": True, "default": True, "0": False, "off": False}
    words["false"] = False
    if value not in words:
        raise SqlError(1231, f"Variable 'autocommit' can't be set to the value of '{value}'")
    session = executor.session
    if words[value] and not session.autocommit:
        await executor.transactions.commit()
    session.autocommit = words[value]


async def _apply(executor: "Executor", name: str, sql: str) -> None:
    """Try the setting on a server, then let the session's connections have it.

    Connections that the session's transaction holds already get it at once; those that it has
    reserved, when they are next used.
    """
    session = executor.session
    rendered = executor.texts.with_session_values(sql)
    before = session.settings
    session.set_setting(name, rendered)
    try:
        ((cell, _),) = await executor.evaluate(b"@@sql_mode")
    except BaseException:
        session.settings = before
        raise
    foreign = foreign_modes((cell or b"").decode("ascii", "replace"))
    if name == "sql_mode" and foreign:
        session.settings = before
        raise RefusedError(f"sql_mode {', '.join(foreign)}")
    for pin in session.pins.values():
        if pin.reserved is not None:
            continue
        try:
            await pin.connection.query(rendered.encode("latin-1"))
        except ArmillaryError:
            pin.connection.abort()  # it has not the session's settings; nobody may use it
            raise
        pin.key = session.pool_key
