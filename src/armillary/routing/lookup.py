"""Lookup vindexes: from a column value to keyspace ids by way of a table. Pure.

A lookup vindex describes its queries, with `?` for values; the executor runs them.
Source: Vitess go/vt/vtgate/vindexes/{lookup,lookup_hash,consistent_lookup}.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from armillary.base.errors import InputError
from armillary.routing.vindexes import null_key_decrypt, null_key_encrypt

_UNIQUE_COST, _COST = 10, 20


@dataclass(frozen=True, slots=True)
class _Kind:
    unique: bool
    hashed_to: bool = False  # `to` holds the unhashed number, not the keyspace id
    consistent: bool = False


LOOKUP_KINDS: Mapping[str, _Kind] = {
    "lookup": _Kind(unique=False),
    "lookup_unique": _Kind(unique=True),
    "lookup_hash": _Kind(unique=False, hashed_to=True),
    "lookup_hash_unique": _Kind(unique=True, hashed_to=True),
    "consistent_lookup": _Kind(unique=False, consistent=True),
    "consistent_lookup_unique": _Kind(unique=True, consistent=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupVindex:
    name: str
    type: str
    cost: int
    unique: bool
    hashed_to: bool
    consistent: bool
    table: str
    from_columns: tuple[str, ...]
    to: str
    owner: str = ""
    params: tuple[tuple[str, str], ...] = ()
    ignore_nulls: bool = False
    autocommit: bool = False
    read_lock: str = "exclusive"
    write_only: bool = False

    by_number = False

    def keyspace_id(self, to_cell: bytes) -> bytes:
        """Return the keyspace id that a lookup row's `to` cell means.

        Raises:
            InputError: the cell is no number where one is wanted.
        """
        if not self.hashed_to:
            return to_cell
        try:
            return null_key_encrypt(int(to_cell) % 2**64)
        except ValueError:
            raise InputError(
                f"lookup vindex {self.name}: a number wanted in {self.table}.{self.to}"
            ) from None

    def to_literal(self, keyspace_id: bytes) -> bytes:
        """Return the SQL literal that `to` gets for a keyspace id."""
        if self.hashed_to:
            return b"%d" % null_key_decrypt(keyspace_id)
        return b"x'" + keyspace_id.hex().encode() + b"'"

    def map_sql(self, value_count: int, *, locking: str = "") -> str:
        marks = ", ".join("?" * value_count)
        column = quote_name(self.from_columns[0])
        return (
            f"select {column}, {quote_name(self.to)} from {self._table} "
            f"where {column} in ({marks}){locking}"
        )

    def create_sql(self, row_count: int, *, upsert: bool = False) -> str:
        """`upsert` leaves a row that is there; not IGNORE, which would also cut long values."""
        row = "(" + ", ".join("?" * (len(self.from_columns) + 1)) + ")"
        columns = ", ".join(quote_name(column) for column in (*self.from_columns, self.to))
        values = ", ".join([row] * row_count)
        to = quote_name(self.to)
        tail = f" on duplicate key update {to} = values({to})" if upsert else ""
        return f"insert into {self._table}({columns}) values {values}{tail}"

    def delete_sql(self) -> str:
        return f"delete from {self._table} where {self._where((*self.from_columns, self.to))}"

    def select_for_update_sql(self) -> str:
        return (
            f"select {quote_name(self.to)} from {self._table} "
            f"where {self._where(self.from_columns)} for update"
        )

    def find_sql(self, columns: Sequence[str], *, locking: str = "") -> str:
        to = quote_name(self.to)
        return f"select {to} from {self._table} where {self._where(columns)}{locking}"

    def update_to_sql(self) -> str:
        return (
            f"update {self._table} set {quote_name(self.to)} = ? "
            f"where {self._where(self.from_columns)}"
        )

    @property
    def _table(self) -> str:
        return ".".join(quote_name(part) for part in self.table.split("."))

    def _where(self, columns: Sequence[str]) -> str:
        return " and ".join(f"{quote_name(column)} = ?" for column in columns)


def quote_name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def make_lookup(
    *, name: str, kind: str, params: Mapping[str, str], owner: str
) -> LookupVindex | None:
    """Return the vindex, or None when `kind` is not a lookup.

    Raises:
        InputError: a parameter is missing or has a wrong value.
    """
    made = LOOKUP_KINDS.get(kind)
    if made is None:
        return None
    missing = [key for key in ("table", "from", "to") if not params.get(key)]
    if missing:
        raise InputError(f"vindex {name}: lookup: missing parameters: {', '.join(missing)}")
    read_lock = params.get("read_lock", "exclusive")
    if read_lock not in ("exclusive", "shared", "none"):
        raise InputError(f"vindex {name}: invalid read_lock value: {read_lock}")
    autocommit = _flag(name, params, "autocommit")
    if autocommit and made.consistent:
        raise InputError(f"vindex {name}: {kind} does not take autocommit")
    return LookupVindex(
        name=name,
        type=kind,
        cost=_UNIQUE_COST if made.unique else _COST,
        unique=made.unique,
        hashed_to=made.hashed_to,
        consistent=made.consistent,
        table=params["table"],
        from_columns=tuple(column.strip() for column in params["from"].split(",")),
        to=params["to"],
        owner=owner,
        params=tuple(sorted(params.items())),
        ignore_nulls=_flag(name, params, "ignore_nulls"),
        autocommit=autocommit,
        read_lock=read_lock,
        write_only=_flag(name, params, "write_only"),
    )


def _flag(vindex: str, params: Mapping[str, str], key: str) -> bool:
    value = params.get(key, "false")
    if value not in ("true", "false"):
        raise InputError(f"vindex {vindex}: {key} value must be 'true' or 'false': '{value}'")
    return value == "true"
