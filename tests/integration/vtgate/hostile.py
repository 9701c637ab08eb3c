"""Statements by chance that look for trouble: NULLs, collations, types against types, aliases.

All are over one table of every type, `things`, whose rows repeat, nearly repeat and are NULL.
"""
# ruff: noqa: E501  a statement reads best on one line

import random
import unicodedata

COLUMNS: dict[str, str] = {
    "i": "int",
    "u": "bigint unsigned",
    "d": "decimal(20,6)",
    "f": "float",
    "g": "double",
    "dt": "date",
    "dtm": "datetime(6)",
    "ts": "timestamp(3) null",
    "t": "time(2)",
    "y": "year",
    "e": "enum('zeta','Alpha','mid')",
    "s": "set('x','b','a')",
    "c": "varchar(20)",
    "cb": "varchar(20) collate utf8mb4_bin",
    "cu": "varchar(20) collate utf8mb4_unicode_ci",
    "cn": "varchar(20) collate utf8mb4_unicode_nopad_ci",
    "cl": "varchar(20) character set latin1",
    "fx": "char(6)",
    "v": "varbinary(20)",
    "fb": "binary(4)",
    "bl": "blob",
    "tx": "text",
    "j": "json",
    "bi": "bit(12)",
    "b": "bool",
}
TABLE = (
    "create table things (id bigint primary key, "
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ")"
)
_TEXTS = [
    *("'a'", "'A'", "'a '", "'ä'", "'Ä'", "'b'", "'B'", "'ab'", "'aB'", "'ss'", "'ß'", "''", "' '"),
    *("'10'", "'9'", "'1x'", "'zoë'", "'Zoe'"),
]
_VALUES: dict[str, list[str]] = {
    "i": ["0", "1", "-1", "2147483647", "-2147483648", "5", "10"],
    "u": ["0", "1", "18446744073709551615", "9223372036854775808", "10", "9"],
    "d": ["0", "0.1", "-0.1", "99999999999999.999999", "1.500000", "2.5", "-3.333333"],
    "f": ["0", "0.1", "-1.5", "16777216", "1e-10", "3.4e38"],
    "g": ["0", "0.1", "-0.0", "1e300", "1e-300", "123456789.123", "1e15", "1e16"],
    "dt": ["'2020-01-01'", "'1999-12-31'", "'2020-02-29'", "'0001-01-01'", "'9999-12-31'"],
    "dtm": ["'2020-01-01 00:00:00'", "'2020-01-01 00:00:00.000001'", "'1999-12-31 23:59:59'"],
    "ts": ["'2020-01-01 00:00:00'", "'2020-01-01 00:00:00.001'", "'1999-12-31 23:59:59'"],
    "t": ["'00:00:00'", "'-00:00:00.5'", "'838:59:59'", "'-838:59:59'", "'12:00'", "'99:00'"],
    "y": ["1999", "2000", "2155", "1901"],
    "e": ["'zeta'", "'Alpha'", "'mid'"],
    "s": ["''", "'x'", "'a'", "'x,a'", "'b'", "'x,b,a'"],
    "v": ["'a'", "'A'", "'a '", "'a\\0'", "x'ff'", "''"],
    "fb": ["'a'", "'A'", "'ab'", "x'ff00'"],
    "bl": ["'a'", "'A'", "'a '", "x'ff'", "''"],
    "j": ["'1'", "'{\"a\": 1}'", "'[1, 2]'", "'null'", "'\"x\"'"],
    "bi": ["b'0'", "b'1'", "b'111111111111'", "b'1010'"],
    "b": ["0", "1"],
}
_ODD = ["NULL", "0", "1", "-1", "'1'", "'5x'", "'a'", "'A '", "1.0", "1e0", "0x41", "x'61'", "true",
        "'2020-01-01'", "20200101", "''", "18446744073709551615", "'ä'", "b'1'"]  # fmt: skip
_TEXT_COLUMNS = ("c", "cb", "cu", "cn", "cl", "fx", "tx")


def rows(chance: random.Random, count: int) -> str:
    """Return the INSERT that fills the table."""
    lines = []
    for number in range(1, count + 1):
        cells = [str(number)]
        for name in COLUMNS:
            pool = _VALUES.get(name, _TEXTS)
            if name == "cl":
                pool = [text for text in pool if text.isascii() or "ä" in text.lower()]
            cells.append("NULL" if chance.random() < 0.2 else chance.choice(pool))
        lines.append(f"({', '.join(cells)})")
    return "insert into things values " + ", ".join(lines)


def fold(cell: str) -> str:
    """Take away what collations may not tell apart: which of several equals is shown is open."""
    text = unicodedata.normalize("NFKD", cell.casefold().replace("ß", "ss"))
    return "".join(char for char in text if not unicodedata.combining(char) and char != " ")


class HostileStatements:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def _pick(self, *choices: str) -> str:
        return self._chance.choice(choices)

    def _column(self) -> str:
        return self._chance.choice(["id", *COLUMNS])

    def statement(self) -> tuple[str, bool, bool]:
        """Return a query, whether its order is fixed, and whether equals may stand for equals."""
        kind = self._chance.random()
        if kind < 0.4:
            return self._rows()
        if kind < 0.75:
            return self._groups()
        if kind < 0.85:
            return self._distinct()
        return self._joined()

    def _predicate(self, table: str = "") -> str:
        column = table + self._column()
        literal = self._chance.choice([*_ODD, *_VALUES.get(column.removeprefix(table), _TEXTS)])
        other = self._chance.choice(_ODD)
        key = self._chance.randint(-1, 70)
        return self._pick(
            f"{column} = {literal}",
            f"{column} <=> {literal}",
            f"{column} <> {literal}",
            f"{column} < {literal}",
            f"{column} in ({literal}, {other}, {literal})",
            f"{column} not in ({literal}, {other})",
            f"{column} between {literal} and {other}",
            f"{column} is null",
            f"{column} like {literal}",
            f"{table}id = {key}",
            f"{table}id = '{key}'",
            f"{table}id = {key}.0",
            f"{table}id = '{key}x'",
            f"{table}id = ' {key}'",
            f"{table}id in ({key}, NULL, {key}, '{key + 1}')",
            f"{table}id in ({literal}, {key})",
            f"({table}id, {column}) = ({key}, {literal})",
            f"{table}id = {key} + 1",
            f"{table}id = {key} or {column} = {literal}",
            f"{table}id = {key} = 1",
            f"{table}id = {key} in (1)",
            f"not {table}id = {key}",
            f"{table}id = -'{key}'",
            f"{key} = {table}id and {column} is not null",
            f"{table}id = {key} xor {column} is null",
            f"coalesce({column}, {other}) = {literal}",
        )

    def _where(self) -> str:
        depth = self._chance.random()
        if depth < 0.4:
            return ""
        one = self._predicate()
        if depth < 0.7:
            return f" where {one}"
        return f" where {one} {self._pick('and', 'or')} {self._predicate()}"

    def _expr(self) -> str:
        column, other = self._column(), self._column()
        return self._pick(
            column, column, column, f"{column} + 1", f"-{column}", f"concat({column}, '!')",
            f"upper({column})", f"coalesce({column}, {other})", f"if({column} > 1, 'p', 'q')",
            f"length({column})", f"{column} is null", f"ifnull({column}, 0)", f"hex({column})",
            f"case when {column} < 5 then {other} end", f"cast({column} as char)", f"abs({column})",
            f"({column})", f"{column} div 2", f"left({column}, 1)", f"cast({column} as decimal(10,2))",
        )  # fmt: skip

    def _limit(self) -> str:
        count, offset = self._chance.randint(0, 9), self._chance.randint(0, 9)
        return self._pick("", "", f" limit {count}", f" limit {offset}, {count}",
                          f" limit {count} offset {offset}")  # fmt: skip

    def _rows(self) -> tuple[str, bool, bool]:
        items = []
        aliases = []
        for _ in range(self._chance.randint(1, 4)):
            expr = self._expr()
            alias = self._pick("", "", "n1", "n2", self._column())
            items.append(f"{expr} as {alias}" if alias else expr)
            aliases += [alias] if alias else []
        keys = []
        for _ in range(self._chance.randint(1, 3)):
            key = self._pick(
                self._column(), self._expr(), str(self._chance.randint(1, len(items))),
                *aliases, f"things.{self._column()}",
            )  # fmt: skip
            keys.append(key + self._pick("", " desc", " asc"))
        tail = f" order by {', '.join(keys)}, things.id{self._limit()}"
        return f"select {', '.join(items)} from things{self._where()}{tail}", True, False

    def _aggregate(self) -> str:
        column = self._column()
        call = self._pick("count", "sum", "avg", "min", "max", "count", "min", "max", "sum")
        return self._pick(
            f"{call}({column})", f"{call}({column})", "count(*)", f"{call}(distinct {column})",
            f"{call}(distinct id)", "avg(distinct id)", f"{call}({column}) + 1",
            f"group_concat({column} order by id)", f"bit_or({column})", f"{call}({column} + 0)",
            f"count(distinct {column}, id)", f"{call}(if({column} is null, 1, 0))", f"std({column})",
            f"round({call}({column}), 2)",
        )  # fmt: skip

    def _groups(self) -> tuple[str, bool, bool]:
        aggregates = [self._aggregate() for _ in range(self._chance.randint(1, 3))]
        if self._chance.random() < 0.3:
            having = self._pick("", "", "", f" having {aggregates[0]} > 0")
            text = f"select {', '.join(aggregates)} from things{self._where()}{having}"
            return text + self._pick("", "", " limit 1", " limit 1, 1", " limit 0"), True, True
        keys = [self._expr() for _ in range(self._chance.randint(1, 2))]
        labelled = [f"{key} as k{number}" for number, key in enumerate(keys)]
        shown = [f"k{number}" for number in range(len(keys))]
        group = shown if self._chance.random() < 0.5 else keys
        having = self._pick("", "", "", "", " having count(*) > 1", " having k0 is not null")
        order = ", ".join(key + self._pick("", " desc") for key in shown)
        first = f"{aggregates[0]}, " if self._chance.random() < 0.2 else ""
        tail = self._pick("", f" order by {first}{order}{self._limit()}")
        text = (
            f"select {', '.join([*labelled, *aggregates])} from things{self._where()} "
            f"group by {', '.join(group)}{having}{tail}"
        )
        return text, bool(tail), True

    def _distinct(self) -> tuple[str, bool, bool]:
        names = self._chance.sample(list(COLUMNS), self._chance.randint(1, 2))
        order = ", ".join(name + self._pick("", " desc") for name in names)
        tail = self._pick("", f" order by {order}{self._limit()}")
        return (
            f"select distinct {', '.join(names)} from things{self._where()}{tail}",
            bool(tail),
            True,
        )

    def _joined(self) -> tuple[str, bool, bool]:
        key = self._chance.randint(1, 60)
        column, other = self._column(), self._column()
        join = self._pick("join", "left join", "right join")
        text = self._pick(
            f"select a.id, b.{column} from things a {join} things b on a.id = b.id "
            f"where {self._predicate('a.')}",
            f"select a.id, b.id from things a {join} things b on a.id = b.id and b.{column} is null "
            f"where a.{other} is not null",
            f"select a.id, b.id from things a {join} things b on a.id = b.{column}",
            f"select a.id, b.id from things a {join} things b on a.id = b.id and a.id = {key}",
            f"select a.id from things a {join} things b on a.id = b.id and a.id = {key} "
            f"where b.id = {key}",
            f"select id from things where id in (select id from things where {self._predicate()})",
            f"select id from things a where exists (select 1 from things b where b.id = a.id and "
            f"{self._predicate('b.')})",
            f"select id from things a where id = {key} or exists (select 1 from things b where "
            f"b.id = a.id and b.{column} is null)",
            f"select id, (select max(b.{column}) from things b where b.id = a.id) from things a",
            f"select id from things where id = {key} union select id from things where id = {key}",
            f"select id from things where id = {key} union all select i from things where id = {key}",
            f"select * from (select id, {column} from things where id = {key}) x",
            f"select id from things where {column} = (select {column} from things where id = {key})",
            f"select count(*) from things a {join} things b on a.{column} = b.{column} and a.id = b.id",
            f"select a.id from things a {join} things b using (id) where a.id = {key}",
        )
        return text, False, False
