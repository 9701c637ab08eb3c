"""Modes of a server under which the same text means other tokens, or another order of operators.

We read SQL as a server does that has none of them. Pure.
"""

_OTHER_SQL = frozenset(
    """ANSI ANSI_QUOTES NO_BACKSLASH_ESCAPES HIGH_NOT_PRECEDENCE ORACLE MSSQL DB2 POSTGRESQL MAXDB
    PIPES_AS_CONCAT""".split()  # noqa: SIM905  a list of words reads best as words
)


def foreign_modes(sql_mode: str) -> list[str]:
    """Return those of a `sql_mode` under which we would misread statements."""
    return sorted(set(sql_mode.upper().split(",")) & _OTHER_SQL)
