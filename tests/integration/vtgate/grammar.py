"""Statements by chance that cover the whole of SELECT over the tables of `wide`, and its writes.

Everything that may hold an expression gets any expression, subqueries too, correlated or not and up
to three deep; most statements are refused over several shards, and those that are not must agree.
"""
# ruff: noqa: E501  a statement reads best on one line

import random
from dataclasses import dataclass

NUMBERS: dict[str, tuple[str, ...]] = {
    "a": ("id", "n", "d"),
    "b": ("bid", "id", "n", "g"),
    "c": ("n",),
    "l": ("id", "n"),
    "r": ("rid", "n"),
    "o": ("id", "z", "y", "bi"),
}
TEXTS: dict[str, tuple[str, ...]] = {
    "a": ("s",),
    "b": ("s",),
    "c": ("v", "s"),
    "l": ("code", "tag"),
    "r": ("s",),
    "o": ("e", "bl", "j"),
}
OTHERS: dict[str, tuple[str, ...]] = {"o": ("t", "ts", "u", "i")}
KEYS = {"a": "id", "b": "id", "c": "v", "l": "id", "o": "id"}
_LITERALS = ("0", "1", "2", "3", "5", "-1", "8", "20", "'1'", "1.5", "1e0", "NULL", "true", "'02'")
_WORDS = (
    "'a'",
    "'A'",
    "'b'",
    "'x'",
    "''",
    "'ss'",
    "'one'",
    "'t'",
    "NULL",
    "'ß'",
    "_utf8mb4'a'",
    "N'b'",
)


@dataclass(frozen=True)
class Seen:
    """A table as an expression may name it."""

    name: str  # the alias
    table: str

    def columns(self, kinds: tuple[dict[str, tuple[str, ...]], ...]) -> list[str]:
        return [f"{self.name}.{column}" for kind in kinds for column in kind.get(self.table, ())]


@dataclass(frozen=True)
class Asked:
    """A statement, and what of its answer is promised."""

    sql: str
    ordered: bool = False
    loose: bool = False  # which of several equal values stands for them is open


Scope = tuple[Seen, ...]


class Grammar:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._names = 0
        self._ids = 100

    # Chance

    def _pick(self, *choices: str) -> str:
        return self._chance.choice(choices)

    def _luck(self, share: float) -> bool:
        return self._chance.random() < share

    def _name(self) -> str:
        """A new alias; sometimes one that an outer table may have as well."""
        if self._luck(0.1):
            return self._pick("a", "b", "x", "A")
        self._names += 1
        return f"t{self._names}"

    # Expressions

    def _column(self, scope: Scope, *kinds: dict[str, tuple[str, ...]]) -> str:
        found = [column for seen in scope for column in seen.columns(kinds)]
        if not found:
            return self._pick(*_LITERALS)
        column = self._chance.choice(found)
        return column.partition(".")[2] if len(scope) == 1 and self._luck(0.4) else column

    def number(self, scope: Scope, depth: int = 0) -> str:
        roll = self._chance.random()
        if roll < 0.45 or depth > 2:
            return self._column(scope, NUMBERS)
        if roll < 0.6:
            return self._pick(*_LITERALS)
        if roll < 0.68 and depth < 2:
            return f"({self._scalar(scope, depth + 1, number=True)})"
        inner, other = self.number(scope, depth + 1), self.number(scope, depth + 1)
        return self._pick(
            f"({inner} + {other})", f"-{inner}" if inner[:1] != "-" else inner, f"abs({inner})",
            f"coalesce({inner}, {other})", f"({inner} in ({other}, 1))", f"length({self.text(scope, depth + 1)})",
            f"case when {self.condition(scope, depth + 1)} then {inner} else {other} end",
            f"if({self.condition(scope, depth + 1)}, {inner}, {other})", f"({inner} * 2)", f"(({inner}))",
            f"nullif({inner}, {other})", f"cast({inner} as signed)", f"greatest({inner}, 1)", f"({inner} <=> {other})",
            f"({inner} div 2)", f"mod({inner}, 3)", f"round({inner}, 1)", f"({inner} is null)", f"({inner} | 1)",
        )  # fmt: skip

    def text(self, scope: Scope, depth: int = 0) -> str:
        roll = self._chance.random()
        if roll < 0.5 or depth > 2:
            return self._column(scope, TEXTS)
        if roll < 0.65:
            return self._pick(*_WORDS)
        if roll < 0.72 and depth < 2:
            return f"({self._scalar(scope, depth + 1, number=False)})"
        inner = self.text(scope, depth + 1)
        return self._pick(
            f"upper({inner})", f"concat({inner}, {self.number(scope, depth + 1)})", f"left({inner}, 1)",
            f"ifnull({inner}, 'q')", f"trim({inner})", f"({inner} collate utf8mb4_bin)", f"hex({inner})",
            f"substring({inner} from 1 for 2)", f"cast({self.number(scope, depth + 1)} as char)", f"binary {inner}",
            f"convert({inner} using utf8mb4)", f"replace({inner}, 'a', 'z')", f"elt(1, {inner})",
        )  # fmt: skip

    def expression(self, scope: Scope, depth: int = 0) -> str:
        roll = self._chance.random()
        if roll < 0.55:
            return self.number(scope, depth)
        if roll < 0.93:
            return self.text(scope, depth)
        return self._column(scope, OTHERS, NUMBERS)

    def condition(self, scope: Scope, depth: int = 0) -> str:
        roll = self._chance.random()
        if roll < 0.22 and depth < 3:
            return self._question(scope, depth + 1)
        if roll < 0.34 and depth < 3:
            one, two = self.condition(scope, depth + 1), self.condition(scope, depth + 1)
            return self._pick(
                f"{one} and {two}", f"({one} or {two})", f"not ({one})", f"({one}) xor ({two})", f"{one} && {two}",
                f"({one}) is not true", f"({one} || {two})",
            )  # fmt: skip
        if roll < 0.6:
            return self._about_key(scope)
        number, other = self.number(scope, depth + 1), self.number(scope, depth + 1)
        text, word = self.text(scope, depth + 1), self.text(scope, depth + 1)
        compare = self._pick("=", "=", "<>", "<", ">=", "<=>", "!=")
        return self._pick(
            f"{number} {compare} {other}", f"{text} {compare} {word}", f"{number} in ({other}, 1, NULL)",
            f"{number} not in ({other}, 2)", f"{number} between {other} and 5", f"{text} like 'a%'",
            f"{number} is null", f"{text} is not null", f"({number}, {text}) = ({other}, {word})",
            f"({number}, {text}) in ((1, 'a'), ({other}, {word}))", f"{text} regexp '^[a-b]'", f"{number}",
            f"{text} not between 'a' and 'b'", f"{number} {compare} {other} = 1", f"not {number} = {other}",
        )  # fmt: skip

    def _about_key(self, scope: Scope) -> str:
        """A condition on a column by which rows are placed or looked up."""
        seen = self._chance.choice(scope) if scope else None
        if seen is None or seen.table not in KEYS:
            return f"{self.number(scope, 3)} = 1"
        dot = f"{seen.name}." if len(scope) > 1 or self._luck(0.5) else ""
        if seen.table == "c":
            value, other = self._pick(*_WORDS), self._pick("'a'", "'2'", "2", "'z'")
            return self._pick(
                f"{dot}v = {value}",
                f"{dot}v in ({value}, {other})",
                f"{value} = {dot}v",
                f"({dot}v) = {value}",
            )
        if seen.table == "l" and self._luck(0.5):
            column = self._pick("code", "tag")
            value = self._pick("'one'", "'TWO'", "'t'", "'u'", "'nobody'", "NULL", "5")
            return self._pick(f"{dot}{column} = {value}", f"{dot}{column} in ({value}, 'three')")
        partner = self._chance.choice(scope)
        value, other = self._pick(*_LITERALS), str(self._chance.randint(0, 9))
        if (
            partner is not seen
            and partner.table in KEYS
            and partner.table != "c"
            and self._luck(0.6)
        ):
            return f"{seen.name}.id = {partner.name}.id"
        return self._pick(
            f"{dot}id = {other}", f"{dot}id = {other}", f"{dot}id = {value}", f"{dot}id in ({other}, {value})",
            f"{other} = {dot}id", f"{dot}id between 1 and {other}", f"{dot}id <> {value}", f"{dot}id = (({other}))",
            f"{dot}id = {other} + 1", f"{dot}id <=> {value}", f"{dot}id = -{other}", f"({dot}id, 1) = ({other}, 1)",
        )  # fmt: skip

    # Subqueries

    def _question(self, scope: Scope, depth: int) -> str:
        word = self._pick("exists", "not exists", "in", "not in", "any", "all", "compare", "row")
        if word in ("exists", "not exists"):
            return f"{word} ({self._subquery(scope, depth, items=self._pick('1', '*', 'null'))})"
        number = self.number(scope, 3)
        if word == "compare":
            return f"{number} {self._pick('=', '>', '<=>')} ({self._scalar(scope, depth, number=True)})"
        inner = self._scope(depth)
        item = self.number(inner[1], 3)
        if word == "row":
            both = f"{item}, {self.number(inner[1], 3)}"
            return f"({number}, {self.number(scope, 3)}) in ({self._subquery(scope, depth, items=both, inner=inner)})"
        query = self._subquery(scope, depth, items=item, inner=inner, limit=False)
        if word in ("in", "not in"):
            return f"{number} {word} ({query})"
        return f"{number} {self._pick('=', '<', '>=', '<>')} {word} ({query})"

    def _scope(self, depth: int) -> tuple[str, Scope]:
        return self._from(depth, most=2 if depth < 2 else 1)

    def _subquery(
        self,
        scope: Scope,
        depth: int,
        *,
        items: str,
        inner: tuple[str, Scope] | None = None,
        limit: bool = True,
    ) -> str:
        """A query that may look at the tables around it, mostly by the column that places rows."""
        tables, own = inner or self._scope(depth)
        links = []
        if scope and self._luck(0.75):
            one, other = self._chance.choice(own), self._chance.choice(scope)
            both = all(seen.table in KEYS and seen.table != "c" for seen in (one, other))
            if both and self._luck(0.8):
                links.append(f"{one.name}.id = {other.name}.id")
            else:
                links.append(self.condition((*own, *scope), 3))
        if self._luck(0.6):
            links.append(self.condition((*own, *scope) if self._luck(0.3) else own, depth + 1))
        where = f" where {' and '.join(links)}" if links else ""
        tail = (
            self._pick("", "", "", " order by 1", " limit 1", " order by 1 limit 1")
            if limit
            else ""
        )
        return f"select {items} from {tables}{where}{tail}"

    def _scalar(self, scope: Scope, depth: int, *, number: bool) -> str:
        """A query of one value."""
        inner = self._scope(depth)
        own = inner[1]
        if number and self._luck(0.25) and scope:
            own = (*own, *scope)  # perhaps an aggregate of the rows outside
        if self._luck(0.05) and scope:
            return f"select {self._aggregate(scope)}"
        call = (
            self._aggregate(own) if number else f"{self._pick('min', 'max')}({self.text(own, 3)})"
        )
        return self._subquery(scope, depth, items=call, inner=inner, limit=False)

    # Tables

    def _table(self) -> Seen:
        return Seen(self._name(), self._pick("a", "a", "b", "b", "c", "l", "r", "o"))

    def _from(self, depth: int = 0, most: int = 3) -> tuple[str, Scope]:
        first = self._table()
        parts = [f"{first.table} {first.name}"]
        seen = [first]
        for _ in range(self._chance.choice((0, 0, 0, 1, 1, 2)) if most > 1 else 0):
            if len(seen) == most:
                break
            other = self._table()
            if other.name in [one.name for one in seen]:
                continue
            if self._luck(0.06) and depth < 2:
                parts.append(
                    f", (select id, n from a where {self._pick('id = 3', 'id < 4', '1')}) d{self._ids}"
                )
                continue
            parts.append(self._joined(seen, other))
            seen.append(other)
        return "".join(parts), tuple(seen)

    def _joined(self, seen: list[Seen], other: Seen) -> str:
        partner = self._chance.choice(seen)
        both = (*seen, other)
        keyed = [one for one in (partner, other) if one.table in KEYS and one.table != "c"]
        if len(keyed) == 2 and self._luck(0.8):
            on = self._pick(
                f"{partner.name}.id = {other.name}.id", f"{other.name}.id = {partner.name}.id"
            )
            if self._luck(0.25):
                on += f" and {self.condition(both, 3)}"
        else:
            on = self._pick(
                f"{partner.name}.n = {other.name}.n"
                if "o" not in (partner.table, other.table)
                else "1",
                self.condition(both, 3),
            )
        word = self._pick(
            "join",
            "inner join",
            "left join",
            "left outer join",
            "right join",
            "straight_join",
            "cross join",
        )
        name = f"{other.table} {self._pick('', 'as ')}{other.name}"
        if self._luck(0.06):
            return f" natural {self._pick('', 'left ', 'right ')}join {name}"
        if len(keyed) == 2 and self._luck(0.08):
            return f" {self._pick('join', 'left join', 'right join')} {name} using (id)"
        if word == "cross join":
            return f", {name}"
        return f" {word} {name} on {on}"

    # SELECT

    def _aggregate(self, scope: Scope, *, plain: bool = False) -> str:
        number, text = self.number(scope, 3), self.text(scope, 3)
        common = (f"sum({number})", f"avg({number})", f"count({text})", f"min({text})", f"max({number})",
                  "count(*)", f"count(distinct {number})", f"min({number})", f"sum(distinct {number})")  # fmt: skip
        if plain or self._luck(0.8):
            return self._pick(*common)
        return self._pick(f"group_concat({text} order by 1)", f"bit_or({number})", f"std({number})",
                          f"bit_xor({number})", f"max({number}) + 1", f"var_pop({number})",
                          f"count(distinct {number}, {text})", "if(count(*) > 2, 1, 0)")  # fmt: skip

    def _window(self, scope: Scope) -> str:
        by = self._column(scope, NUMBERS)
        return self._pick(f"dense_rank() over (order by {by})", f"rank() over (partition by {by} order by {self._column(scope, NUMBERS)})",
                          f"sum({by}) over ()", f"count({by}) over (partition by {by})")  # fmt: skip

    def _limit(self) -> str:
        count, offset = self._chance.randint(0, 6), self._chance.randint(0, 4)
        return self._pick("", "", "", f" limit {count}", f" limit {offset}, {count}", f" limit {count} offset {offset}",
                          f" limit {offset}, 1000000")  # fmt: skip

    def _where(self, scope: Scope) -> str:
        return f" where {self.condition(scope)}" if self._luck(0.6) else ""

    def select(self) -> Asked:
        roll = self._chance.random()
        if roll < 0.42:
            return self._rows()
        if roll < 0.72:
            return self._groups()
        if roll < 0.8:
            return self._union()
        if roll < 0.86:
            return self._derived()
        if roll < 0.92:
            return self._without_tables()
        return self._distinct()

    def _rows(self) -> Asked:
        tables, scope = self._from()
        items, names = [], []
        for number in range(self._chance.randint(1, 4)):
            expr = self.expression(scope) if self._luck(0.95) else self._window(scope)
            alias = self._pick("", "", f"k{number}", "n", "'s'", "`id`", f"'k{number}'")
            items.append(f"{expr} as {alias}" if alias else expr)
            if alias:
                names.append(alias.strip("'`"))
        if self._luck(0.1):
            items.append(f"{scope[0].name}.*")
        keys = []
        for _ in range(self._chance.choice((0, 0, 1, 1, 2))):
            key = self._pick(
                self.expression(scope, 1),
                self._column(scope, NUMBERS, TEXTS, OTHERS),
                "1",
                "(1)",
                *names,
            )
            if self._luck(0.04):
                key = self._window(scope)
            keys.append(key + self._pick("", " desc", " asc"))
        tail = ""
        if keys:
            every = [
                f"{one.name}.{'bid' if one.table == 'b' else 'rid' if one.table == 'r' else KEYS[one.table]}"
                for one in scope
            ]
            tail = f" order by {', '.join([*keys, *every])}{self._limit()}"
        locking = (
            self._pick("", "", "", "", " for update", " lock in share mode")
            if self._luck(0.2)
            else ""
        )
        sql = f"select {', '.join(items)} from {tables}{self._where(scope)}{tail}{locking}"
        return Asked(sql, bool(keys), loose=False)

    def _groups(self) -> Asked:
        tables, scope = self._from()
        count = self._chance.choice((0, 1, 1, 1, 2))
        keys = [self._group_key(scope) for _ in range(count)]
        items = [f"{key} as {self._pick('k', 'q', 'n')}{number}" for number, key in enumerate(keys)]
        items += [self._aggregate(scope) for _ in range(self._chance.randint(1, 3))]
        if self._luck(0.1):
            items.append(
                f"({self._scalar((), 2, number=True)})" if not keys else self._aggregate(scope)
            )
        having = ""
        if self._luck(0.25):
            aggregate = self._aggregate(scope, plain=True)
            having = f" having {self._pick(f'{aggregate} > 1', f'{aggregate} is not null', 'count(*) > 1', f'{aggregate} in ({self._scalar((), 2, number=True)})')}"
        if not keys:
            return Asked(
                f"select {', '.join(items)} from {tables}{self._where(scope)}{having}{self._limit()}",
                True,
                True,
            )
        shown = [item.rpartition(" ")[2] for item in items[:count]]
        group = self._chance.choice(
            (
                keys,
                shown,
                [str(number + 1) for number in range(count)],
                [f"({key})" for key in keys],
            )
        )
        rollup = " with rollup" if self._luck(0.05) else ""
        order = (
            ""
            if rollup
            else self._pick(
                "", f" order by {', '.join(self._pick(one, f'{one} desc') for one in shown)}"
            )
        )
        if order and self._luck(0.2):
            order += f", {self._aggregate(scope, plain=True)}"
        limit = self._limit() if order else ""
        sql = f"select {', '.join(items)} from {tables}{self._where(scope)} group by {', '.join(group)}{rollup}{having}{order}{limit}"
        return Asked(sql, bool(order), loose=True)

    def _group_key(self, scope: Scope) -> str:
        keyed = [one for one in scope if one.table in KEYS]
        if keyed and self._luck(0.45):
            one = self._chance.choice(keyed)
            return f"{one.name}.{KEYS[one.table]}"
        return (
            self._column(scope, NUMBERS, TEXTS, OTHERS)
            if self._luck(0.6)
            else self.expression(scope, 1)
        )

    def _distinct(self) -> Asked:
        tables, scope = self._from()
        items = [
            self._column(scope, NUMBERS, TEXTS, OTHERS) for _ in range(self._chance.randint(1, 2))
        ]
        order = self._pick(
            "",
            f" order by {', '.join(self._pick(one, f'{one} desc') for one in items)}{self._limit()}",
        )
        return Asked(
            f"select distinct {', '.join(items)} from {tables}{self._where(scope)}{order}",
            bool(order),
            loose=True,
        )

    def _part(self, *, one: bool) -> str:
        tables, scope = self._from(1)
        key = self._chance.randint(1, 9)
        pinned = [seen for seen in scope if seen.table in KEYS and seen.table != "c"]
        where = (
            " and ".join(f"{seen.name}.id = {key}" for seen in pinned) if one and pinned else "1"
        )
        return f"select {self.number(scope, 2)} as f, {self.text(scope, 3)} as g from {tables} where {where} and {self.condition(scope, 2)}"

    def _union(self) -> Asked:
        parts = [self._part(one=self._luck(0.9)) for _ in range(self._chance.choice((1, 2, 2, 3)))]
        if self._luck(0.3):
            parts = [
                f"({part}{self._pick('', ' order by 1 limit 2', ' limit 0')})" for part in parts
            ]
        if len(parts) == 1:
            parts = [f"({parts[0].strip('()')})" if parts[0][0] != "(" else parts[0]]
        words = [
            self._pick("union", "union all", "union distinct", "except", "intersect")
            for _ in parts[1:]
        ]
        sql = parts[0] + "".join(
            f" {word} {part}" for word, part in zip(words, parts[1:], strict=True)
        )
        tail = self._pick("", "", " order by 1, 2", " order by f desc, g limit 3",
                          f" order by (select count(*) from b where b.n = f), 1, 2 limit {self._chance.randint(1, 3)}")  # fmt: skip
        return Asked(sql + tail, "order by" in tail, loose=True)

    def _derived(self) -> Asked:
        query = self.select().sql if self._luck(0.3) else f"{self._part(one=True)}"
        key = self._chance.randint(1, 9)
        return Asked(self._pick(
            f"select * from ({query}) x", f"select count(*) from ({query}) x",
            f"select x.f, y.id from ({self._part(one=True)}) x, a y where y.id = {key}",
            f"select y.id, x.* from a y join (select {key} as id, count(*) c from b where id = {key}) x on x.id = y.id where y.id = {key}",
            f"select y.id from a y where y.id = {key} and exists (select 1 from (select {self._chance.randint(1, 9)} as id) {self._pick('x', 'y')}, b z where z.id = {self._pick('x', 'y')}.id)",
            f"with x as ({query}) select * from x",
            f"with recursive x as (select 1 n union all select n + 1 from x where n < {key}) select * from x, a where a.id = x.n",
            f"select (select max(f) from ({self._part(one=True)}) x)",
        ))  # fmt: skip

    def _without_tables(self) -> Asked:
        return Asked(self._pick(
            f"select {self._question((), 1)}", f"select ({self._scalar((), 1, number=True)}), 5",
            f"select {self._question((), 1)} from dual where {self._question((), 1)}",
            f"select 1 from r where {self._question((Seen('r', 'r'),), 1)}",
            f"select r.rid, ({self._scalar((Seen('r', 'r'),), 1, number=True)}) from r order by r.rid",
            "select database() is null, user() is null, connection_id() > 0, @@autocommit", "select @v, @w, @v + @w, found_rows() >= 0",
            "select @@sql_mode = 'x', @@session.autocommit, row_count()", "select 1 /*! + 1 */, 2 -- two", "select 'a' 'b', \"c\" as 'd'",
            "select x'41', 0x41, b'1000001', n'x', _latin1'y', 'it''s', 'a\\'b', \"q\"\"r\"", "select date'2020-01-01' + interval 1 day, {d'2020-01-01'}",
            "values (1, 2), (3, 4)", "select * from (values (1), (2)) x", "select 1 union select 2 order by 1 desc", "select 1 having 1",
        ), False)  # fmt: skip

    # Changes

    def change(self) -> str:
        """An INSERT, UPDATE, DELETE or REPLACE; what is taken is the same on both sides after."""
        self._ids += 1
        roll = self._chance.random()
        if roll < 0.45:
            return self._insert()
        return self._update() if roll < 0.8 else self._delete()

    def _insert(self) -> str:
        key, other, word = self._chance.randint(1, 14), self._ids, self._pick(*_WORDS[:8])
        number = self._pick(
            "1", "NULL", "-2", "1 + 1", "default", "length('abc')", "@v", "(select max(rid) from r)"
        )
        upsert = self._pick(
            "",
            "",
            "",
            " on duplicate key update n = n + 1",
            " on duplicate key update n = values(n), s = 'dup'",
        )
        head = self._pick(
            "insert into", "insert into", "insert ignore into", "replace into", "insert"
        )
        if head.startswith(("replace", "insert ignore")):
            upsert = ""
        return self._pick(
            f"{head} a values ({key}, {number}, {word}, 1.25){upsert}",
            f"{head} a (id, n) values ({key}, {number}), ({other}, 2){upsert}",
            f"{head} a (s, id) values ({word}, {other}), ({word}, {key}), ('q', {key + 1}){upsert}",
            f"{head} a set id = {key}, n = {number}{upsert}",
            f"{head} b (bid, id, n) values ({other + 1000}, {key}, {number}), ({other + 2000}, {key + 3}, 1){upsert}",
            f"{head} c values ({word}, {number}, 'w'){upsert}",
            f"{head} l values ({other}, 'c{other}', {word}, {number})",
            f"{head} l (id, code, tag) values ({key}, 'c{key}', 'm'), ({other}, 'd{other}', 'm')",
            f"{head} a (id) select {other}", f"{head} a () values ()", f"{head} a (n) values (1)",
            f"{head} a (id, n) values ('{other}', 1)", f"{head} a (id, n) values ({other}.0, 1)",
            f"{head} b (bid, id) values ({other + 3000}, {key}) returning bid",
        )  # fmt: skip

    def _update(self) -> str:
        table = self._pick("a", "a", "b", "c", "l")
        seen = Seen(table, table)
        value = self._pick(self.number((seen,), 2), "n + 1", "NULL", "5", "default")
        where = f" where {self.condition((seen,), 1)}" if self._luck(0.85) else ""
        tail = (
            self._pick("", "", "", f" order by {KEYS[table]} limit 2", " limit 1")
            if self._luck(0.3)
            else ""
        )
        word = self._pick("update", "update", "update", "update ignore")
        if table == "l" and self._luck(0.6):
            column = self._pick("code", "tag")
            return f"{word} l set {column} = {self._pick('upper(code)', repr(f'u{self._ids}'), repr('t'), repr('T'))}{where}{tail}"
        if self._luck(0.06):
            return f"{word} {table} set {KEYS[table]} = {KEYS[table]}, n = {value}{where}"
        if self._luck(0.06):
            return f"{word} a join b on a.id = b.id set a.n = b.n{where if table == 'a' else ''}"
        text = f", s = {self.text((seen,), 3)}" if table != "l" and self._luck(0.3) else ""
        return f"{word} {table} set n = {value}{text}{where}{tail}"

    def _delete(self) -> str:
        table = self._pick("a", "b", "c", "l", "b")
        seen = Seen(table, table)
        where = f" where {self.condition((seen,), 1)} and {self._about_key((seen,))}"
        tail = self._pick("", "", "", f" order by {KEYS[table]} limit 1")
        return self._pick(f"delete from {table}{where}{tail}", f"delete from {table}{where}{tail}",
                          f"delete {table} from {table} join r on r.n = {table}.n{where}", f"delete from {table}{where} returning n")  # fmt: skip
