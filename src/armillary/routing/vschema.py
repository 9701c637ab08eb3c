"""VSchema: how each keyspace's tables are sharded. Pure.

Parsed from Vitess's JSON or from topology's `SrvVSchema`. A keyspace whose schema is broken is kept
with its error: its tables cannot be routed, and others go on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from armillary.base.errors import InputError, NotFoundError
from armillary.routing.lookup import LookupVindex, make_lookup
from armillary.routing.vindexes import FunctionalVindex, make_functional

Vindex = FunctionalVindex | LookupVindex


class VSchemaError(InputError):
    """The VSchema does not make sense; the message says where."""


class UnknownTableError(NotFoundError):
    errno = 1109
    sqlstate = "42S02"

    def __init__(self, name: str) -> None:
        super().__init__(f"VT05004: table '{name}' does not exist")


class UnknownKeyspaceError(NotFoundError):
    errno = 1049
    sqlstate = "42000"

    def __init__(self, name: str) -> None:
        super().__init__(f"VT05003: unknown database '{name}' in vschema")


@dataclass(frozen=True, slots=True)
class ColumnVindex:
    columns: tuple[str, ...]
    vindex: Vindex
    owned: bool


@dataclass(frozen=True, slots=True)
class AutoIncrement:
    column: str
    sequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    keyspace: str
    name: str
    type: str = ""  # "", "sequence" or "reference"
    column_vindexes: tuple[ColumnVindex, ...] = ()
    auto_increment: AutoIncrement | None = None
    columns: tuple[str, ...] = ()
    column_list_authoritative: bool = False
    pinned: bytes | None = None

    @property
    def primary(self) -> ColumnVindex | None:
        return self.column_vindexes[0] if self.column_vindexes else None

    @property
    def owned(self) -> tuple[ColumnVindex, ...]:
        return tuple(item for item in self.column_vindexes if item.owned)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyspaceSchema:
    name: str
    sharded: bool = False
    vindexes: Mapping[str, Vindex] = field(default_factory=dict)
    tables: Mapping[str, TableSchema] = field(default_factory=dict)
    require_explicit_routing: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class VSchema:
    keyspaces: Mapping[str, KeyspaceSchema] = field(default_factory=dict)
    routing_rules: Mapping[str, str] = field(default_factory=dict)

    def find_table(self, keyspace: str | None, name: str) -> TableSchema:
        """Return the table, named with or without its keyspace.

        Raises:
            NotFoundError: no such keyspace or table.
            VSchemaError: the keyspace's schema is broken, or the bare name is in several keyspaces.
        """
        rule = self.routing_rules.get(f"{keyspace}.{name}" if keyspace else name)
        if rule is not None:
            keyspace, _, name = rule.rpartition(".")
        if keyspace:
            return self._in_keyspace(keyspace, name)
        found = [
            schema.tables[name]
            for schema in self.keyspaces.values()
            if name in schema.tables and not schema.require_explicit_routing
        ]
        if len(found) > 1:
            raise VSchemaError(f"VT09011: ambiguous table reference: {name}")
        if found:
            return self._in_keyspace(found[0].keyspace, name)
        if len(self.keyspaces) == 1:
            return self._in_keyspace(next(iter(self.keyspaces)), name)
        raise UnknownTableError(name)

    def _in_keyspace(self, keyspace: str, name: str) -> TableSchema:
        schema = self.keyspaces.get(keyspace)
        if schema is None:
            raise UnknownKeyspaceError(keyspace)
        if schema.error:
            raise VSchemaError(schema.error)
        table = schema.tables.get(name)
        if table is not None:
            return table
        if schema.sharded:
            raise UnknownTableError(name)
        return TableSchema(keyspace=keyspace, name=name)


def parse_keyspace_json(name: str, text: str) -> KeyspaceSchema:
    """Parse one keyspace's `vschema.json`.

    Raises:
        VSchemaError: broken JSON, or a schema that does not make sense.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise VSchemaError(f"vschema: JSON wanted: {error}") from None
    if not isinstance(document, dict):
        raise VSchemaError("vschema: a JSON object wanted")
    return build_keyspace(name, document)


def build_keyspace(name: str, document: Mapping[str, Any]) -> KeyspaceSchema:
    """Raises: VSchemaError: the schema does not make sense."""
    sharded = bool(document.get("sharded"))
    vindexes = {
        vindex: _build_vindex(vindex, body) for vindex, body in _map(document, "vindexes").items()
    }
    tables = {
        table: _build_table(name, table, body, sharded=sharded, vindexes=vindexes)
        for table, body in _map(document, "tables").items()
    }
    return KeyspaceSchema(
        name=name,
        sharded=sharded,
        vindexes=vindexes,
        tables=tables,
        require_explicit_routing=bool(
            document.get("require_explicit_routing", document.get("requireExplicitRouting"))
        ),
    )


def _map(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, Mapping):
        raise VSchemaError(f"vschema: {key}: an object wanted")
    return value


def _build_vindex(name: str, body: Mapping[str, Any]) -> Vindex:
    kind = body.get("type", "")
    params = {str(key): str(value) for key, value in (body.get("params") or {}).items()}
    owner = body.get("owner") or ""
    try:
        made = make_functional(name=name, kind=kind, params=params, owner=owner) or make_lookup(
            name=name, kind=kind, params=params, owner=owner
        )
    except VSchemaError:
        raise
    except InputError as error:
        raise VSchemaError(str(error)) from None
    if made is None:
        raise VSchemaError(f'vindexType "{kind}" not found')
    return made


def _build_table(
    keyspace: str,
    name: str,
    body: Mapping[str, Any],
    *,
    sharded: bool,
    vindexes: Mapping[str, Vindex],
) -> TableSchema:
    kind = body.get("type") or ""
    if kind not in ("", "sequence", "reference"):
        raise VSchemaError(f"unidentified table type {kind}")
    pinned = _pinned(body.get("pinned") or "")
    if kind == "sequence" and sharded and pinned is None:
        raise VSchemaError(
            f"sequence table has to be in an unsharded keyspace or must be pinned: {name}"
        )
    column_vindexes = tuple(
        _build_column_vindex(name, index, entry, vindexes)
        for index, entry in enumerate(_either(body, "column_vindexes", "columnVindexes") or ())
    )
    if sharded and kind != "reference" and pinned is None and not column_vindexes:
        raise VSchemaError(f"missing primary col vindex for table: {name}")
    columns = tuple(str(column["name"]).lower() for column in body.get("columns") or ())
    duplicates = {column for column in columns if columns.count(column) > 1}
    if duplicates:
        raise VSchemaError(f"duplicate column name '{min(duplicates)}' for table: {name}")
    increment = _either(body, "auto_increment", "autoIncrement")
    return TableSchema(
        keyspace=keyspace,
        name=name,
        type=kind,
        column_vindexes=column_vindexes,
        auto_increment=(
            AutoIncrement(str(increment["column"]).lower(), str(increment["sequence"]))
            if increment
            else None
        ),
        columns=columns,
        column_list_authoritative=bool(
            _either(body, "column_list_authoritative", "columnListAuthoritative")
        ),
        pinned=pinned,
    )


def _either(body: Mapping[str, Any], snake: str, camel: str) -> Any:
    return body.get(snake, body.get(camel))


def _pinned(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) if text else None
    except ValueError:
        raise VSchemaError(f"could not decode the keyspace id for pin: {text}") from None


def _build_column_vindex(
    table: str, index: int, entry: Mapping[str, Any], vindexes: Mapping[str, Vindex]
) -> ColumnVindex:
    name = entry.get("name") or ""
    vindex = vindexes.get(name)
    if vindex is None:
        raise VSchemaError(f"vindex {name} not found for table {table}")
    column, columns = entry.get("column"), entry.get("columns")
    if column and columns:
        raise VSchemaError(
            f"can't use column and columns at the same time in vindex ({name}) and table ({table})"
        )
    names = tuple(str(item).lower() for item in ([column] if column else columns or ()))
    if not names:
        raise VSchemaError(
            f"must specify at least one column for vindex ({name}) and table ({table})"
        )
    owned = isinstance(vindex, LookupVindex) and vindex.owner == table
    if index == 0:
        if not vindex.unique:
            raise VSchemaError(f"primary vindex {name} is not Unique for table {table}")
        if owned:
            raise VSchemaError(f"primary vindex {name} cannot be owned for table {table}")
    if isinstance(vindex, LookupVindex):
        if owned and len(names) != len(vindex.from_columns):
            raise VSchemaError(
                f"vindex {name}: {len(vindex.from_columns)} columns wanted for table {table}, "
                f"found {len(names)}"
            )
    elif len(names) > 1:
        raise VSchemaError(f"vindex {name} takes one column; table {table} gives {len(names)}")
    return ColumnVindex(names, vindex, owned)


def build_vschema(srv_vschema: Any) -> VSchema:
    """Build from topology's `vschema.SrvVSchema` message. Never raises for one bad keyspace."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415  only with topology

    keyspaces: dict[str, KeyspaceSchema] = {}
    for name, message in srv_vschema.keyspaces.items():
        document = MessageToDict(message, preserving_proto_field_name=True)
        try:
            keyspaces[name] = build_keyspace(name, document)
        except VSchemaError as error:
            keyspaces[name] = KeyspaceSchema(
                name=name,
                sharded=bool(document.get("sharded")),
                require_explicit_routing=bool(document.get("require_explicit_routing")),
                error=str(error),
            )
    rules = {
        rule.from_table: rule.to_tables[0]
        for rule in srv_vschema.routing_rules.rules
        if len(rule.to_tables) == 1
    }
    return VSchema(dict(sorted(keyspaces.items())), rules)
