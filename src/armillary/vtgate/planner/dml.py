"""Plans for UPDATE and DELETE on sharded tables. Pure."""

from collections.abc import Sequence

from armillary.routing.lookup import LookupVindex
from armillary.routing.vschema import ColumnVindex, TableSchema
from armillary.sql.ast import Assignment, Delete, Derived, Expr, Update
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.owned_rows import OwnedRows, read_owned_rows
from armillary.vtgate.planner.plan import (
    DmlPlan,
    OwnedChange,
    Route,
    Splice,
)
from armillary.vtgate.planner.routes import BlockFinder, TableUse, find_route, source_of
from armillary.vtgate.planner.text import build_template


class DmlPlanner:
    def __init__(
        self, key: str, splices: tuple[Splice, ...], finder: BlockFinder, *, rewritten: bool
    ) -> None:
        self._key = key
        self._splices = splices
        self._finder = finder
        self._template = build_template(key, splices) if rewritten else None

    def update(self, update: Update) -> DmlPlan:
        """Raises: RefusedError: it cannot be done correctly."""
        exprs = [item.value for item in update.assignments]
        use, route = self._route(update, exprs)
        if use is None:
            raise RefusedError("UPDATE of several tables in a sharded keyspace")
        table = use.schema
        self._refuse_reference(table)
        changes = self._changes(table, update)
        if changes and update.limit is not None:
            raise RefusedError("UPDATE with LIMIT of a column with an owned lookup vindex")
        if changes and update.ignore:
            raise RefusedError("UPDATE IGNORE of a column with an owned lookup vindex")
        owned = tuple(change.vindex for change in changes)
        rows = self._owned_rows(use, owned, update)
        return DmlPlan(
            route=route,
            template=self._template,
            verb="UPDATE",
            table=table,
            owned=owned,
            changes=changes,
            select_owned=rows.template if rows is not None else None,
            reads_clock=rows is not None and rows.reads_clock,
            single_only=self._single_only(update),
        )

    def delete(self, delete: Delete) -> DmlPlan:
        """Raises: RefusedError: it cannot be done correctly."""
        use, route = self._route(delete, [])
        if use is None or delete.multi:
            raise RefusedError("DELETE from several tables in a sharded keyspace")
        self._refuse_reference(use.schema)
        owned = use.schema.owned
        if owned and delete.limit is not None:
            raise RefusedError("DELETE with LIMIT from a table with owned lookup vindexes")
        if owned and delete.ignore:
            raise RefusedError("DELETE IGNORE from a table with owned lookup vindexes")
        rows = self._owned_rows(use, owned, delete)
        return DmlPlan(
            route=route,
            template=self._template,
            verb="DELETE",
            table=use.schema,
            owned=owned,
            select_owned=rows.template if rows is not None else None,
            reads_clock=rows is not None and rows.reads_clock,
            single_only=self._single_only(delete),
        )

    def _owned_rows(
        self, use: TableUse, owned: Sequence[ColumnVindex], statement: Update | Delete
    ) -> OwnedRows | None:
        if not owned:
            return None
        found = self._finder.found
        return read_owned_rows(self._key, self._splices, found, use, owned, statement)

    def _route(
        self, statement: Update | Delete, exprs: Sequence[Expr]
    ) -> tuple[TableUse | None, Route]:
        finder = self._finder
        exprs = [*exprs, *(item.expr for item in statement.order_by)]
        finder.add_block(statement.tables, statement.where, None, exprs)
        tables = statement.tables.tables
        keyspace = finder.found.uses[0].schema.keyspace
        route = find_route(keyspace, finder.found)
        if finder.found.derived or finder.found.union:
            self._derived = True
        else:
            self._derived = False
        if len(tables) > 1 or isinstance(tables[0], Derived):
            return None, route
        return finder.found.all[0].uses[tables[0].visible_name.lower()], route

    def _single_only(self, statement: Update | Delete) -> RefusedError | None:
        if statement.limit is not None:
            return RefusedError(f"{type(statement).__name__.upper()} with LIMIT on several shards")
        if self._derived:
            return RefusedError("a derived table in a statement on several shards")
        return None

    def _refuse_reference(self, table: TableSchema) -> None:
        if table.type == "reference":
            raise RefusedError(f"changing the reference table {table.name} through a shard")

    def _changes(self, table: TableSchema, update: Update) -> tuple[OwnedChange, ...]:
        """Find the vindexes whose columns change; only owned lookups may."""
        assigned: dict[str, Assignment] = {
            item.column.name.lower(): item for item in update.assignments
        }
        changes = []
        for index, item in enumerate(table.column_vindexes):
            touched = [column for column in item.columns if column in assigned]
            if not touched:
                continue
            if index == 0:
                raise RefusedError(
                    "you cannot UPDATE primary vindex columns; invalid update on vindex: "
                    f"{item.vindex.name}"
                )
            if not isinstance(item.vindex, LookupVindex) or not item.owned:
                raise RefusedError(
                    "you can only UPDATE owned lookup vindexes; invalid update on vindex: "
                    f"{item.vindex.name}"
                )
            values = []
            for column in touched:
                source = source_of(assigned[column].value)
                if source is None:
                    raise RefusedError(
                        f"only values are supported; invalid update on column: {column}"
                    )
                values.append((column, source))
            changes.append(OwnedChange(item, tuple(values)))
        return tuple(changes)
