"""Rows and columns of a table for any resource. Reads the clock, for ages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from armillary.base.clock import utc_now
from armillary.local.apiserver.kinds.resource import PrinterColumn, Resource
from armillary.local.apiserver.tables.cells import Column, age, find_values, show
from armillary.local.apiserver.tables.cluster import CLUSTER_TABLES, EVENT_TABLE
from armillary.local.apiserver.tables.workloads import WORKLOAD_TABLES

Value = Mapping[str, Any]

_NAME = Column("Name", description="Name must be unique within a namespace.", format="name")
_CREATED = Column("Created At", type="date", description="When the object was created.")
_AGE = PrinterColumn("Age", "date", ".metadata.creationTimestamp")


def render_table(
    values: Sequence[Value], resource: Resource
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Return the column definitions, and a row of cells for each object."""
    now = utc_now()
    if resource.is_custom:
        printed = resource.columns or (_AGE,)
        columns = [_NAME, *(_column(c) for c in printed)]
        rows = [
            [v["metadata"].get("name", ""), *(_custom_cell(v, c, now) for c in printed)]
            for v in values
        ]
    elif resource.storage_name == "events":
        columns, cells = list(EVENT_TABLE[0]), EVENT_TABLE[1]
        rows = [cells(v, now) for v in values]
    else:
        table = CLUSTER_TABLES.get(resource.storage_name) or WORKLOAD_TABLES.get(
            resource.storage_name
        )
        if table is None:
            columns = [_NAME, _CREATED]
            rows = [
                [v["metadata"].get("name", ""), v["metadata"].get("creationTimestamp")]
                for v in values
            ]
        else:
            more, cells = table
            columns = [_NAME, *more]
            rows = [[v["metadata"].get("name", ""), *cells(v, now)] for v in values]
    return [column.definition() for column in columns], rows


def _column(column: PrinterColumn) -> Column:
    description = column.description or f"Custom resource definition column: {column.json_path}"
    return Column(column.name, column.type, column.format, column.priority, description)


def _custom_cell(value: Value, column: PrinterColumn, now: datetime) -> Any:
    found = find_values(value, column.json_path)
    if not found or found[0] is None:
        return None
    first = found[0]
    match column.type:
        case "integer":
            return int(first) if isinstance(first, int | float) else None
        case "number":
            return first if isinstance(first, int | float) else None
        case "boolean":
            return first if isinstance(first, bool) else None
        case "date":
            return age(first, now)
    return ",".join(show(item) for item in found) if len(found) > 1 else show(first)
