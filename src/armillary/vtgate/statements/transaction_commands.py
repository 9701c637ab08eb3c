"""BEGIN, COMMIT, ROLLBACK and SAVEPOINT as clients write them. I/O, through the transaction."""

import anyio

from armillary.sql.commands import Verb
from armillary.sql.tokens import Kind, Token, tokenize, unquote_name
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.execution.executor import Executor

_CHARACTERISTICS = frozenset(
    {(), ("READ", "ONLY"), ("READ", "WRITE"), ("WITH", "CONSISTENT", "SNAPSHOT")}
)
_ENDS = {
    (): False,
    ("AND", "NO", "CHAIN"): False,
    ("AND", "NO", "CHAIN", "NO", "RELEASE"): False,
    ("NO", "RELEASE"): False,
    ("AND", "CHAIN"): True,
    ("AND", "CHAIN", "NO", "RELEASE"): True,
}


async def run_transaction_command(executor: Executor, verb: Verb, sql: bytes) -> None:
    """Raises: RefusedError: a form that we do not carry out. ArmillaryError: what went wrong."""
    text = sql.decode("latin-1")
    tokens = [token for token in tokenize(text).tokens if token.text != ";"]
    words = tuple(token.upper for token in tokens)
    transactions = executor.transactions
    match verb:
        case Verb.BEGIN:
            _check_begin(text, words)
            servers = _snapshot_servers(executor) if "CONSISTENT" in words else []
            await transactions.begin(sql.rstrip().rstrip(b";"))
            if servers:
                await _take_snapshots(executor, servers)
        case Verb.COMMIT | Verb.ROLLBACK if "TO" not in words:
            chain = _chains(text, words)
            begin_sql = executor.session.begin_sql
            was_open = executor.session.in_transaction
            if verb == Verb.COMMIT:
                await transactions.commit()
            else:
                await transactions.rollback()
            if chain:
                same = was_open and b"CONSISTENT" not in begin_sql.upper()
                await transactions.begin(begin_sql if same else b"BEGIN")
        case Verb.ROLLBACK:
            await transactions.rollback_to(sql, _last_name(tokens))
        case Verb.SAVEPOINT:
            await transactions.savepoint(sql, _last_name(tokens))
        case _:
            await transactions.release_savepoint(sql, _last_name(tokens))


def _check_begin(text: str, words: tuple[str, ...]) -> None:
    if words[0] == "BEGIN":
        if words[1:] not in ((), ("WORK",)):
            raise RefusedError(f"{text[:60]}: BEGIN or BEGIN WORK wanted")
        return
    if words[1:2] != ("TRANSACTION",):
        raise RefusedError(text[:60])
    parts: list[tuple[str, ...]] = [()]
    for word in words[2:]:
        parts = [*parts, ()] if word == "," else [*parts[:-1], (*parts[-1], word)]
    if not set(parts) <= _CHARACTERISTICS:
        raise SqlError(1064, f"You have an error in your SQL syntax near '{text[:60]}'")


def _chains(text: str, words: tuple[str, ...]) -> bool:
    """Whether another transaction begins at once."""
    tail = words[2:] if words[1:2] == ("WORK",) else words[1:]
    chain = _ENDS.get(tail)
    if chain is None:
        raise RefusedError(f"{text[:60]}: COMMIT or ROLLBACK [AND [NO] CHAIN] wanted")
    return chain


def _snapshot_servers(executor: Executor) -> list[tuple[str, str]]:
    """Return keyspaces and their only shards: the one in use, or all where none is (mysqldump).

    Raises:
        RefusedError: several shards cannot see one moment.
    """
    target = executor.session.target
    cluster = executor.gateway.cluster
    keyspaces = [target.keyspace] if target.keyspace else cluster.keyspaces()
    servers = []
    for keyspace in keyspaces:
        layout = cluster.layouts.get(keyspace)
        partition = layout.partition(target.tablet_type) if layout is not None else None
        if partition is not None and len(partition.shards) == 1:
            servers.append((keyspace, partition.shards[0]))
    if not servers:
        raise RefusedError("WITH CONSISTENT SNAPSHOT over several shards")
    return servers


async def _take_snapshots(executor: Executor, servers: list[tuple[str, str]]) -> None:
    """Begin everywhere now: what others commit from here on is not to be seen."""
    try:
        for keyspace, shard in servers:
            async with executor.using(keyspace, shard, "normal"):
                pass
    except BaseException:
        with anyio.CancelScope(shield=True):
            await executor.transactions.rollback()
        raise
    executor.session.has_snapshot = True


def _last_name(tokens: list[Token]) -> str:
    names = [token for token in tokens if token.kind in (Kind.WORD, Kind.QUOTED)]
    return unquote_name(names[-1])
