"""Questions that the gateway answers itself: SHOW of its own things, and what drivers ask first."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from armillary.model.tablet import TabletType
from armillary.mysqld.accounts import APP_PRIVILEGES
from armillary.routing.vschema import UnknownKeyspaceError, Vindex, VSchemaError
from armillary.sql.like import is_like
from armillary.sql.literals import unescape
from armillary.sql.tokens import Kind, Token, unquote_name
from armillary.vtgate.errors import RefusedError, SqlError, no_database
from armillary.vtgate.session import Session
from armillary.vtgate.tablets.cluster import Cluster
from armillary.wire.columns import ColumnDefinition, integer_column, text_column

_LOCAL_SELECT = re.compile(
    rb"^\s*select\s+(@@version_comment|@@(?:session\.)?autocommit|(?:database|schema)\s*\(\s*\)"
    rb"|connection_id\s*\(\s*\)|user\s*\(\s*\)|current_user(?:\s*\(\s*\))?|\$\$)"
    rb"(?:\s+limit\s+1)?\s*;?\s*$",
    re.I,
)

Rows = list[list[bytes | None]]
Answer = tuple[list[ColumnDefinition], Rows]


def _texts(rows: Sequence[Sequence[str | None]]) -> Rows:
    return [[None if cell is None else cell.encode() for cell in row] for row in rows]


def _columns(*names: str) -> list[ColumnDefinition]:
    return [text_column(name) for name in names]


def like_filter(tokens: Sequence[Token]) -> str | None:
    """Return the pattern behind LIKE, if there is one."""
    for index, token in enumerate(tokens[:-1]):
        if token.kind == Kind.WORD and token.upper == "LIKE":
            following = tokens[index + 1]
            if following.kind == Kind.STRING:
                return unescape(following.text.encode("latin-1")).decode("utf-8", "replace")
    return None


class LocalAnswers:
    def __init__(self, cluster: Cluster, session: Session, version_comment: str) -> None:
        self._cluster = cluster
        self._session = session
        self._version_comment = version_comment

    def select(self, sql: bytes) -> Answer | None:
        """Answer what clients ask when they connect, even while no tablet serves."""
        match = _LOCAL_SELECT.match(sql)
        if match is None:
            return None
        label = match.group(1).decode("ascii")
        asked = re.sub(r"\s", "", label.lower())
        session = self._session
        if asked.endswith("autocommit"):
            return [integer_column(label)], [[b"1" if session.autocommit else b"0"]]
        if asked.startswith("connection_id"):
            return [integer_column(label)], [[b"%d" % session.id]]
        if asked == "$$":
            raise SqlError(1054, "Unknown column '$$' in 'field list'")
        if asked.startswith(("database", "schema")):
            name = session.target.keyspace or None
            return _columns(label), _texts([[name]])
        text = self._version_comment if asked == "@@version_comment" else f"{session.user}@%"
        return _columns(label), _texts([[text]])

    def show(self, tokens: list[Token]) -> Answer | None:
        """Answer a SHOW, or return None when a server must."""
        words = tuple(token.upper for token in tokens[1:4])
        pattern = like_filter(tokens)
        match words:
            case ("DATABASES" | "SCHEMAS" | "KEYSPACES" | "VITESS_KEYSPACES", *_):
                names = [name for name in self._cluster.keyspaces() if is_like(name, pattern)]
                return _columns("Databases"), _texts([[name] for name in names])
            case ("VSCHEMA", *_):
                return self._vschema(tokens)
            case ("VITESS_TABLETS", *_):
                return self._tablets(pattern)
            case ("VITESS_SHARDS", *_):
                names = [name for name in self._shards() if is_like(name, pattern)]
                return _columns("Shards"), _texts([[name] for name in names])
            case ("VITESS_TARGET", *_):
                target = self._session.target
                return _columns("Target"), _texts([[str(target) if target.keyspace else ""]])
            case ("GRANTS", *_):
                return self._grants(tokens[2:])
            case ("CREATE", "USER", *_):
                raise RefusedError("SHOW CREATE USER: no server knows the gateway's users")
            case ("WARNINGS" | "ERRORS", *_):
                return self._warnings(errors_only=words[0] == "ERRORS")
            case ("COUNT", *_) if tokens[-1].upper in ("WARNINGS", "ERRORS"):
                return self._warning_count(tokens[-1].upper)
        return self._engines(words)

    def _grants(self, of: list[Token]) -> Answer:
        """What the gateway does for its users; its own account on the servers is nobody's business.

        Raises:
            SqlError: of somebody else, which nobody may ask.
        """
        user = f"`{self._session.user}`@`%`"
        named = "".join(token.text for token in of[1:])
        own = (user, user.replace("`", "'"), user.replace("`", ""), "CURRENT_USER")
        if named and named.upper().removesuffix("()") not in {name.upper() for name in own}:
            raise SqlError(1141, f"There is no such grant defined for user {named}")
        grants = [f"GRANT USAGE ON *.* TO {user}"]
        grants += [
            f"GRANT {APP_PRIVILEGES} ON `{name}`.* TO {user}" for name in self._cluster.keyspaces()
        ]
        return _columns(f"Grants for {self._session.user}@%"), _texts([[one] for one in grants])

    def _warning_count(self, what: str) -> Answer:
        name = f"@@session.{'warning' if what == 'WARNINGS' else 'error'}_count"
        return [integer_column(name)], [[b"%d" % len(self._session.warnings)]]

    def _engines(self, words: tuple[str, ...]) -> Answer | None:
        if words[:1] == ("PLUGINS",):
            row = ["InnoDB", "ACTIVE", "STORAGE ENGINE", None, "GPL"]
            return _columns("Name", "Status", "Type", "Library", "License"), _texts([row])
        if words[:1] != ("ENGINES",) and words[:2] != ("STORAGE", "ENGINES"):
            return None
        columns = _columns("Engine", "Support", "Comment", "Transactions", "XA", "Savepoints")
        comment = "Supports transactions, row-level locking, and foreign keys"
        return columns, _texts([["InnoDB", "DEFAULT", comment, "YES", "YES", "YES"]])

    def _warnings(self, *, errors_only: bool) -> Answer:
        rows: Rows = [
            [level.encode(), b"%d" % code, message.encode()]
            for level, code, message in self._session.warnings
            if not errors_only or level == "Error"
        ]
        return [text_column("Level"), integer_column("Code"), text_column("Message")], rows

    def _shards(self) -> list[str]:
        names = []
        for keyspace, layout in sorted(self._cluster.layouts.items()):
            partition = layout.partition(TabletType.PRIMARY)
            names += [f"{keyspace}/{shard}" for shard in (partition.shards if partition else ())]
        return names

    def _tablets(self, pattern: str | None) -> Answer:
        rows = []
        for tablet in self._cluster.tablets():
            if not is_like(tablet.hostname, pattern):
                continue
            term = ""
            if tablet.term_start_s and tablet.type == TabletType.PRIMARY:
                started = datetime.fromtimestamp(tablet.term_start_s, UTC)
                term = started.strftime("%Y-%m-%dT%H:%M:%SZ")
            rows.append(
                [
                    tablet.alias.cell,
                    tablet.keyspace,
                    tablet.shard,
                    tablet.type.name,
                    "SERVING" if tablet.serving else "NOT_SERVING",
                    str(tablet.alias),
                    tablet.hostname,
                    term,
                ]
            )
        columns = _columns(
            "Cell",
            "Keyspace",
            "Shard",
            "TabletType",
            "State",
            "Alias",
            "Hostname",
            "PrimaryTermStartTime",
        )
        return columns, _texts(rows)

    def _vschema(self, tokens: list[Token]) -> Answer:
        what = tokens[2].upper if len(tokens) > 2 else ""
        if what == "TABLES":
            return self._vschema_tables()
        if what == "KEYSPACES":
            return self._vschema_keyspaces()
        if what == "VINDEXES":
            names = [unquote_name(t) for t in tokens[4:] if t.kind in (Kind.WORD, Kind.QUOTED)]
            if len(tokens) > 4 and tokens[3].upper in ("ON", "FROM", "IN"):
                return self._vindexes_on(names)
            return self._vindexes()
        raise SqlError(1105, f"SHOW VSCHEMA {what}: wanted TABLES, VINDEXES or KEYSPACES")

    def _vschema_tables(self) -> Answer:
        keyspace = self._session.target.keyspace
        if not keyspace:
            raise no_database()
        schema = self._cluster.vschema.keyspaces.get(keyspace)
        if schema is None:
            raise UnknownKeyspaceError(keyspace)
        names = sorted({"dual", *schema.tables})
        return _columns("Tables"), _texts([[name] for name in names])

    def _vschema_keyspaces(self) -> Answer:
        rows = [
            [name, str(schema.sharded).lower(), "unmanaged", schema.error]
            for name, schema in sorted(self._cluster.vschema.keyspaces.items())
        ]
        return _columns("Keyspace", "Sharded", "Foreign Key", "Comment"), _texts(rows)

    def _vindexes(self) -> Answer:
        rows = []
        for keyspace, schema in sorted(self._cluster.vschema.keyspaces.items()):
            for name, vindex in sorted(schema.vindexes.items()):
                rows.append([keyspace, name, vindex.type, _params(vindex), vindex.owner])
        return _columns("Keyspace", "Name", "Type", "Params", "Owner"), _texts(rows)

    def _vindexes_on(self, names: list[str]) -> Answer:
        keyspace = names[-2] if len(names) > 1 else self._session.target.keyspace
        schema = self._cluster.vschema.keyspaces.get(keyspace)
        if schema is None:
            raise UnknownKeyspaceError(keyspace)
        table = schema.tables.get(names[-1])
        if table is None:
            raise VSchemaError(f"VT05005: table '{names[-1]}' does not exist in '{keyspace}'")
        rows = [
            [
                ", ".join(item.columns),
                item.vindex.name,
                item.vindex.type,
                _params(item.vindex),
                item.vindex.owner,
            ]
            for item in table.column_vindexes
        ]
        return _columns("Columns", "Name", "Type", "Params", "Owner"), _texts(rows)


def _params(vindex: Vindex) -> str:
    return "; ".join(f"{key}={value}" for key, value in vindex.params)
