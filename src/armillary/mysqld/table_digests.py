"""One digest a table of what makes its columns and triggers what they are. I/O: one query."""

from armillary.mysqld.connection import Connection

# NULL and the empty text differ, and no value runs into the next one.
_COLUMN_FACTS = (
    "ordinal_position",
    "column_name",
    "column_type",
    "collation_name",
    "is_nullable",
    "column_key",
    "column_default",
    "extra",
    "generation_expression",
)
_TRIGGER_FACTS = (
    "trigger_name",
    "event_manipulation",
    "action_timing",
    "action_order",
    "action_statement",
    "sql_mode",
)


def _digests(name: str, source: str, schema: str, facts: tuple[str, ...]) -> str:
    texts = ", ".join(f"COALESCE(QUOTE({fact}), 'NULL')" for fact in facts)
    # Not a checksum like CRC32: of two columns that change places those cancel each other out.
    one = f"CAST(CONV(LEFT(SHA2(CONCAT_WS(',', {texts}), 256), 16), 16, 10) AS UNSIGNED)"
    return (
        f"SELECT {name}, CONCAT(COUNT(*), '.', BIT_XOR({one})) "
        f"FROM information_schema.{source} WHERE {schema} = %s GROUP BY {name}"
    )


_QUERY = (
    _digests("table_name", "columns", "table_schema", _COLUMN_FACTS)
    + " UNION ALL "
    + _digests("event_object_table", "triggers", "event_object_schema", _TRIGGER_FACTS)
)


async def read_table_digests(connection: Connection, database: str) -> dict[str, str]:
    """Return by table of `database` a text that changes when its columns or triggers do.

    Raises:
        MysqlError: mysqld refuses.
    """
    rows = await connection.query(_QUERY, (database, database))
    digests: dict[str, str] = {}
    for table, digest in rows.values:
        digests[table] = f"{digests[table]} {digest}" if table in digests else str(digest)
    return digests


def changed_tables(before: dict[str, str], after: dict[str, str]) -> frozenset[str]:
    """Return the tables that are new, gone or different."""
    return frozenset(
        table for table in before.keys() | after.keys() if before.get(table) != after.get(table)
    )
