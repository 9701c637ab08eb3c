"""What belongs to one client: target, settings, transaction, prepared statements. No I/O."""

from dataclasses import dataclass, field, replace

from armillary.base.errors import MysqlError
from armillary.model.tablet import TabletType
from armillary.vtgate.errors import SqlError
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.vtgate.tablets.pool import PoolKey, TabletPool
from armillary.vtgate.targets import Target
from armillary.wire.protocol import Capability, Status

# Character sets whose every byte below 0x80 is that ASCII character; Python's name of each.
CODECS = {
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "utf8": "utf-8",
    "ascii": "ascii",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "binary": "",
}
_LATIN1_IDS = frozenset({5, 8, 15, 31, 47, 48, 49, 94})
_LATIN2_IDS = frozenset({9, 21, 27, 77})
_UTF8_IDS = frozenset({33, 45, 46, 76, 83, *range(192, 216), *range(223, 248), *range(255, 324)})
_ASCII_IDS = frozenset({11, 65})


def charset_of_collation(collation_id: int) -> str:
    """Return the character set that a client's collation byte names.

    Raises:
        SqlError: one that we cannot read SQL text in.
    """
    if collation_id in _UTF8_IDS:
        return "utf8mb4"
    if collation_id in _LATIN1_IDS or collation_id == 0:
        return "latin1"
    if collation_id in _LATIN2_IDS:
        return "latin2"
    if collation_id in _ASCII_IDS:
        return "ascii"
    if collation_id == 63:
        return "binary"
    raise SqlError(1115, f"Unknown character set of collation id {collation_id}; use utf8mb4")


ROWS_MAX = (1 << 64) - 1  # sql_select_limit where there is none

PinKey = tuple[str, str, TabletType, str]  # keyspace, shard, type, group


ServerKey = tuple[str, str, TabletType]  # keyspace, shard, type


@dataclass(slots=True, eq=False)
class Reserved:
    """A connection that belongs to one session until it ends: something of its is left there."""

    connection: BackendConnection
    pool: TabletPool
    key: PoolKey  # what of the session's settings the connection has
    autocommit: bool = True  # as the connection has it
    holds: set[str] = field(default_factory=set)  # in words: table locks, temporary tables, ...


@dataclass(slots=True, eq=False)
class Pin:
    """A connection that belongs to one session until its transaction ends."""

    keyspace: str
    shard: str
    group: str  # pre, normal or post: the order of commits
    connection: BackendConnection
    pool: TabletPool
    key: PoolKey
    savepoint: str = ""
    writes: list[bytes] = field(default_factory=list)  # of a transaction of one statement
    used: bool = False  # a statement has run on it: the transaction cannot move elsewhere
    reserved: Reserved | None = None  # whose connection it is; it stays the session's afterwards


@dataclass(slots=True)
class PreparedStatement:
    id: int
    sql: bytes
    parameter_count: int
    target: Target = field(default_factory=Target)  # when it was prepared: whose tables it names
    key: str = ""
    slots: tuple[bytes | int, ...] = ()  # each `?` of the key: a literal, or a parameter
    counts: frozenset[int] = frozenset()  # parameters of LIMIT and OFFSET
    types: bytes = b""
    long_data: dict[int, bytearray] = field(default_factory=dict)
    long_bytes: int = 0
    long_data_refused: bool = False  # all statements of a session share one limit

    def target_in(self, now: Target) -> Target:
        """Return where it runs in a session whose target is `now`.

        As on a server, USE of another keyspace does not move a statement that is prepared. A shard
        of its own, or a type of tablet, is no other database: a server knows nothing of them.
        """
        if self.target.keyspace in ("", now.keyspace):
            return now
        return replace(self.target, tablet_type=now.tablet_type)

    @property
    def has_long_data(self) -> bool:
        return bool(self.long_data or self.long_data_refused)

    def forget_long_data(self) -> None:
        self.long_data.clear()
        self.long_bytes = 0
        self.long_data_refused = False


@dataclass(slots=True)
class Session:
    id: int
    user: str = ""
    capabilities: int = 0
    collation_id: int = 45
    charset: str = "utf8mb4"
    target: Target = field(default_factory=Target)
    autocommit: bool = True
    in_transaction: bool = False
    begin_sql: bytes = b"BEGIN"
    has_snapshot: bool = False  # of one moment: no further shard may join the transaction
    transaction_mode: str = "MULTI"
    settings: tuple[tuple[str, str], ...] = ()  # variable -> SET statement, in order
    select_limit: int | None = None  # sql_select_limit, which no server is told
    once: tuple[str, ...] = ()  # SET TRANSACTION for the next transaction alone
    variables: dict[str, bytes] = field(default_factory=dict)  # user variables as SQL literals
    last_insert_id: int = 0
    found_rows: int = 0
    row_count: int = -1
    warnings: list[tuple[str, int, str]] = field(default_factory=list)
    new_warnings: list[tuple[str, int, str]] = field(default_factory=list)  # of this statement
    pins: dict[PinKey, Pin] = field(default_factory=dict)
    reserved: dict[ServerKey, Reserved] = field(default_factory=dict)
    named_locks: Reserved | None = None
    statements: dict[int, PreparedStatement] = field(default_factory=dict)
    named_statements: dict[str, PreparedStatement] = field(default_factory=dict)  # of PREPARE
    next_statement_id: int = 1
    last_statement_id: int = 0  # of the last COM_STMT_PREPARE; 0: it failed
    savepoints: list[str] = field(default_factory=list)
    created_lookups: set[object] = field(default_factory=set)  # by this transaction
    standing_lookups: set[object] = field(default_factory=set)  # that it found there, and needs
    # Values of those that it took away, by vindex, and their keyspace ids.
    freed_lookups: dict[tuple[str, tuple[bytes, ...]], set[bytes]] = field(default_factory=dict)
    killed: bool = False
    write_left: bool = False  # a statement that commits by itself was interrupted at work
    first_transaction_mode: str = field(init=False)
    # What the key of the pool was made of, and the key: every statement asks for it.
    _pool_key: tuple[tuple[tuple[str, str], ...], int, int, PoolKey] | None = None

    def __post_init__(self) -> None:
        self.first_transaction_mode = self.transaction_mode

    @property
    def codec(self) -> str:
        return CODECS[self.charset]

    @property
    def pins_connections(self) -> bool:
        """Whether statements go through connections of this session alone."""
        return self.in_transaction or not self.autocommit

    @property
    def leaves_state(self) -> bool:
        """Whether something of this session is on a connection of its own."""
        return bool(self.reserved) or self.named_locks is not None

    @property
    def keeps_zero(self) -> bool:
        """Whether 0 is a value like others for columns that count."""
        return any(
            name == "sql_mode" and "NO_AUTO_VALUE_ON_ZERO" in sql.upper()
            for name, sql in self.settings
        )

    @property
    def status(self) -> int:
        status = Status.AUTOCOMMIT if self.autocommit else 0
        if self.in_transaction or (self.pins and not self.autocommit):
            status |= Status.IN_TRANS
        return status

    @property
    def pool_key(self) -> PoolKey:
        known = self._pool_key
        if (
            known is None
            or known[0] is not self.settings
            or known[1] != self.collation_id
            or known[2] != self.capabilities
        ):
            key = PoolKey(
                self.collation_id,
                bool(self.capabilities & Capability.FOUND_ROWS),
                tuple(sql for _, sql in self.settings),
            )
            known = self._pool_key = (self.settings, self.collation_id, self.capabilities, key)
        return known[3]

    def set_setting(self, variable: str, sql: str) -> None:
        kept = tuple(item for item in self.settings if item[0] != variable)
        self.settings = (*kept, (variable, sql))

    def spend_once(self, *, writing: bool) -> None:
        """SET TRANSACTION is for this statement, a transaction of its own, and none after it.

        Raises:
            SqlError: it was set to only read; then no transaction has begun.
        """
        if writing and any("READ ONLY" in sql.upper() for sql in self.once):
            raise SqlError(1792, "Cannot execute statement in a READ ONLY transaction")
        self.once = ()

    def note_error(self, error: MysqlError | Exception) -> None:
        errno = getattr(error, "errno", 1105)
        message = getattr(error, "message", None) or str(error)
        self.warnings = [("Error", errno, message)]
        self.row_count = -1

    def reset(self) -> None:
        """Back to what a new connection has; the caller has ended the transaction."""
        self.settings = ()
        self.select_limit = None
        self.once = ()
        self.variables.clear()
        self.autocommit = True
        self.in_transaction = False
        self.transaction_mode = self.first_transaction_mode
        self.charset = charset_of_collation(self.collation_id)
        self.last_insert_id = 0
        self.found_rows = 0
        self.row_count = -1
        self.warnings = []
        self.statements.clear()
        self.named_statements.clear()
        self.last_statement_id = 0
        self.savepoints.clear()
