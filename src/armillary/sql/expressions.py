"""Parse MySQL expressions. Pure.

The tree is exact where routing looks (AND, comparison, IN, columns, calls) and loose elsewhere:
operators of one level are one node, and odd argument lists keep only what they contain.
"""

from collections.abc import Callable

from armillary.sql.ast import (
    Call,
    Column,
    Constant,
    Expr,
    Operation,
    Param,
    Row,
    Star,
    Subquery,
    Variable,
)
from armillary.sql.cursor import Cursor
from armillary.sql.tokens import Kind, unquote_name

ParseQuery = Callable[[Cursor], Subquery]

_RESERVED = """
    ALL ALTER ANALYZE AND AS ASC BEFORE BETWEEN BIGINT BINARY BLOB BOTH BY CALL CASCADE CASE CHANGE
    CHAR CHARACTER CHECK COLLATE COLUMN CONDITION CONSTRAINT CONTINUE CONVERT CREATE CROSS CURSOR
    DATABASE DATABASES DECIMAL DECLARE DEFAULT DELAYED DELETE DESC DESCRIBE DISTINCT DISTINCTROW
    DIV DOUBLE DROP DUAL EACH ELSE ELSEIF ENCLOSED ESCAPED EXCEPT EXISTS EXIT EXPLAIN FALSE FETCH
    FLOAT FOR FORCE FOREIGN FROM FULLTEXT GRANT GROUP HAVING HIGH_PRIORITY IF IGNORE IN INDEX
    INFILE INNER INOUT INSENSITIVE INSERT INT INTEGER INTERSECT INTERVAL INTO IS ITERATE JOIN KEY
    KEYS KILL LATERAL LEADING LEAVE LEFT LIKE LIMIT LINES LOAD LOCK LONG LONGBLOB LONGTEXT LOOP
    LOW_PRIORITY MATCH MEDIUMBLOB MEDIUMINT MEDIUMTEXT MOD MODIFIES NATURAL NOT NULL NUMERIC ON
    OPTIMIZE OPTION OPTIONALLY OR ORDER OUT OUTER OUTFILE OVER PARTITION PRECISION PRIMARY
    PROCEDURE PURGE RANGE READ READS REAL RECURSIVE REFERENCES REGEXP RELEASE RENAME REPEAT REPLACE
    REQUIRE RESTRICT RETURN RETURNING REVOKE RIGHT RLIKE SCHEMA SCHEMAS SELECT SEPARATOR SET SHOW
    SMALLINT SPATIAL SQL SQL_BIG_RESULT SQL_CALC_FOUND_ROWS SQL_SMALL_RESULT STARTING STRAIGHT_JOIN
    TABLE TERMINATED THEN TINYBLOB TINYINT TINYTEXT TO TRAILING TRIGGER TRUE UNDO UNION UNIQUE
    UNLOCK UNSIGNED UPDATE USAGE USE USING VALUES VARBINARY VARCHAR VARYING WHEN WHERE WHILE
    WINDOW WITH WRITE XOR ZEROFILL
"""
RESERVED = frozenset(_RESERVED.split())

# Reserved words that may begin an expression as the name of a function.
_CALLABLE_WORDS = """
    CHAR CONVERT DATABASE DEFAULT IF INSERT INTERVAL LEFT MOD REPEAT REPLACE RIGHT SCHEMA VALUES
    MATCH
"""
_CALLABLE = frozenset(_CALLABLE_WORDS.split())
_BARE_CALL_WORDS = """
    CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER LOCALTIME LOCALTIMESTAMP UTC_DATE
    UTC_TIME UTC_TIMESTAMP
"""
_BARE_CALLS = frozenset(_BARE_CALL_WORDS.split())
_CHARSETS = """
    armscii8 ascii big5 binary cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 cp932 dec8 eucjpms
    euckr gb18030 gb2312 gbk geostd8 greek hebrew hp8 keybcs2 koi8r koi8u latin1 latin2 latin5
    latin7 macce macroman sjis swe7 tis620 ucs2 ujis utf16 utf16le utf32 utf8 utf8mb3 utf8mb4
"""
# A word that makes one literal with the text behind it; any other word is named by that text.
_BEFORE_LITERALS = frozenset(
    ["DATE", "TIME", "TIMESTAMP", *(f"_{name.upper()}" for name in _CHARSETS.split())]
)
_GLUE_WORDS = "FROM FOR ORDER BY SEPARATOR LEADING TRAILING BOTH DISTINCT ASC DESC IN LIMIT UNIQUE"
_GLUE = frozenset(_GLUE_WORDS.split())
_COMPARISONS = frozenset({"=", "<=>", ">=", ">", "<=", "<", "<>", "!="})
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"|"}),
    frozenset({"&"}),
    frozenset({"<<", ">>"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%", "DIV", "MOD"}),
    frozenset({"^"}),
)
_DEPTH_MAX = 40  # of brackets in brackets; each costs some 15 frames of the stack


class Expressions:
    """Parses expressions at a cursor; `parse_query` parses a subquery after its `(`."""

    def __init__(self, cursor: Cursor, parse_query: ParseQuery) -> None:
        self._cursor = cursor
        self._parse_query = parse_query
        self._depth = 0

    def parse(self) -> Expr:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise self._cursor.unexpected("less deeply nested brackets")
        expr = self._assignment()
        self._depth -= 1
        return expr

    def parse_list(self) -> tuple[Expr, ...]:
        items = [self.parse()]
        while self._cursor.take_op(","):
            items.append(self.parse())
        return tuple(items)

    def _assignment(self) -> Expr:
        left = self._or()
        if self._cursor.take_op(":="):
            right = self._assignment()
            return Operation(op=":=", args=(left, right), start=left.start, end=right.end)
        return left

    def _or(self) -> Expr:
        return self._words("OR", frozenset({"OR"}), frozenset({"||"}), self._xor)

    def _xor(self) -> Expr:
        return self._words("XOR", frozenset({"XOR"}), frozenset(), self._and)

    def _and(self) -> Expr:
        return self._words("AND", frozenset({"AND"}), frozenset({"&&"}), self._not)

    def _words(
        self, op: str, words: frozenset[str], ops: frozenset[str], below: Callable[[], Expr]
    ) -> Expr:
        args = [below()]
        while self._cursor.is_word(*words) or self._cursor.is_op(*ops):
            self._cursor.advance()
            args.append(below())
        if len(args) == 1:
            return args[0]
        return Operation(op=op, args=tuple(args), start=args[0].start, end=self._cursor.last_end)

    def _not(self) -> Expr:
        if self._cursor.is_word("NOT"):
            start = self._cursor.advance().start
            arg = self._not()
            return Operation(op="NOT", args=(arg,), start=start, end=arg.end)
        return self._comparison()

    def _comparison(self) -> Expr:
        left = self._binary(0)
        cursor = self._cursor
        while True:
            if cursor.token.kind == Kind.OP and cursor.token.text in _COMPARISONS:
                left = self._compare(left)
            elif cursor.is_word("IS"):
                left = self._is(left)
            elif cursor.is_word(
                "IN", "LIKE", "BETWEEN", "REGEXP", "RLIKE", "NOT", "SOUNDS", "MEMBER"
            ):
                left = self._predicate(left)
            else:
                return left

    def _compare(self, left: Expr) -> Expr:
        cursor = self._cursor
        op = cursor.advance().text
        if cursor.is_word("ALL", "ANY", "SOME") and cursor.peek().text == "(":
            op += " " + cursor.advance().upper
        right = self._binary(0)
        return Operation(op=op, args=(left, right), start=left.start, end=right.end)

    def _is(self, left: Expr) -> Expr:
        cursor = self._cursor
        cursor.advance()
        negated = cursor.take_word("NOT")
        if not cursor.is_word("NULL", "TRUE", "FALSE", "UNKNOWN"):
            raise cursor.unexpected("NULL, TRUE, FALSE or UNKNOWN")
        word = cursor.advance()
        op = f"IS {'NOT ' if negated else ''}{word.upper}"
        return Operation(op=op, args=(left,), start=left.start, end=word.end)

    def _predicate(self, left: Expr) -> Expr:
        cursor = self._cursor
        negated = "NOT " if cursor.take_word("NOT") else ""
        word = cursor.advance().upper
        args: tuple[Expr, ...]
        if word == "IN" and not cursor.is_op("("):
            word, args = "POSITION IN", (left, self._binary(0))  # of POSITION(a IN b)
        elif word == "IN":
            args = (left, self._in_list())
        elif word == "BETWEEN":
            low = self._binary(0)
            cursor.expect_word("AND")
            args = (left, low, self._binary(0))
        elif word in ("LIKE", "REGEXP", "RLIKE"):
            args = (left, self._binary(0))
            if cursor.take_word("ESCAPE"):
                args = (*args, self._binary(0))
        elif word in ("SOUNDS", "MEMBER"):
            cursor.take_word("LIKE", "OF")
            args = (left, self._binary(0))
        else:
            raise cursor.unexpected("an operator after NOT")
        return Operation(op=negated + word, args=args, start=left.start, end=cursor.last_end)

    def _in_list(self) -> Expr:
        start = self._cursor.expect_op("(").start
        if self._cursor.is_word("SELECT", "WITH"):
            query = self._parse_query(self._cursor)
            end = self._cursor.expect_op(")").end
            return Subquery(query=query.query, start=start, end=end)
        args = self.parse_list()
        return Row(args=args, start=start, end=self._cursor.expect_op(")").end)

    def _binary(self, level: int) -> Expr:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        cursor = self._cursor
        while (cursor.token.kind == Kind.OP and cursor.token.text in _LEVELS[level]) or (
            cursor.token.kind == Kind.WORD and cursor.token.upper in _LEVELS[level]
        ):
            op = cursor.advance().upper
            right = self._binary(level + 1)
            left = Operation(op=op, args=(left, right), start=left.start, end=right.end)
        return left

    def _unary(self) -> Expr:
        cursor = self._cursor
        token = cursor.token
        if cursor.is_op("-", "+", "~", "!"):
            cursor.advance()
            arg = self._unary()
            if token.text == "-" and isinstance(arg, Param) and not arg.negative:
                return Param(index=arg.index, negative=True, start=token.start, end=arg.end)
            if token.text == "+" and isinstance(arg, Param):
                return Param(index=arg.index, negative=arg.negative, start=token.start, end=arg.end)
            return Operation(op=f"unary {token.text}", args=(arg,), start=token.start, end=arg.end)
        if cursor.is_word("BINARY") and cursor.peek().text not in (",", ")"):
            cursor.advance()
            arg = self._unary()
            return Operation(op="BINARY", args=(arg,), start=token.start, end=arg.end)
        expr = self._primary()
        while True:
            if cursor.is_word("COLLATE"):
                cursor.advance()
                cursor.take_name() if cursor.is_name() else cursor.advance()
                expr = Operation(op="COLLATE", args=(expr,), start=expr.start, end=cursor.last_end)
            elif cursor.is_op("->", "->>"):
                op = cursor.advance().text
                right = self._primary()
                expr = Operation(op=op, args=(expr, right), start=expr.start, end=right.end)
            else:
                return expr

    def _primary(self) -> Expr:
        cursor = self._cursor
        token = cursor.token
        match token.kind:
            case Kind.PARAM:
                index = cursor.params_seen
                cursor.advance()
                return Param(index=index, start=token.start, end=token.end)
            case Kind.STRING | Kind.NUMBER | Kind.HEX | Kind.BIT:
                cursor.advance()
                return Constant(text=token.text, start=token.start, end=token.end)
            case Kind.VARIABLE:
                cursor.advance()
                return Variable(name=token.text, start=token.start, end=token.end)
            case Kind.QUOTED:
                return self._name()
            case Kind.WORD:
                return self._word()
            case Kind.OP if token.text == "(":
                return self._brackets()
            case Kind.OP if token.text == "*":
                cursor.advance()
                return Star(start=token.start, end=token.end)
        raise cursor.unexpected("an expression")

    def _brackets(self) -> Expr:
        cursor = self._cursor
        start = cursor.advance().start
        if cursor.is_word("SELECT", "WITH", "VALUES") or cursor.is_op("("):
            mark = cursor.mark()
            if not cursor.is_op("("):
                query = self._parse_query(cursor)
                return Subquery(query=query.query, start=start, end=cursor.expect_op(")").end)
            cursor.back_to(mark)
        items = self.parse_list()
        end = cursor.expect_op(")").end
        if len(items) == 1:
            # An own node, so that a rewrite takes the brackets along.
            return Operation(op="AND", args=items, start=start, end=end)
        return Row(args=items, start=start, end=end)

    def _word(self) -> Expr:
        cursor = self._cursor
        token = cursor.token
        word = token.upper
        following = cursor.peek()
        if word in ("NULL", "TRUE", "FALSE") or (word == "DEFAULT" and following.text != "("):
            cursor.advance()
            return Constant(text=word, start=token.start, end=token.end)
        if word == "CASE":
            return self._case()
        if word == "EXISTS" and following.text == "(":
            cursor.advance()
            inner = self._brackets()
            return Operation(op="EXISTS", args=(inner,), start=token.start, end=inner.end)
        if word == "INTERVAL":
            return self._interval()
        if word == "ROW" and following.text == "(":
            cursor.advance()
            row = self._brackets()
            return Row(args=(row,), start=token.start, end=row.end)
        if following.kind in (Kind.PARAM, Kind.STRING) and (
            word in _BEFORE_LITERALS or (word == "N" and following.start == token.end)
        ):
            cursor.advance()
            cursor.advance()
            return Call(name=f"LITERAL {word}", plain=False, start=token.start, end=following.end)
        if following.text == "(" and (word not in RESERVED or word in _CALLABLE):
            return self._call()
        if word in _BARE_CALLS:
            cursor.advance()
            return Call(name=word, start=token.start, end=token.end)
        if word in RESERVED:
            raise cursor.unexpected("an expression")
        return self._name()

    def _name(self) -> Expr:
        cursor = self._cursor
        start = cursor.token.start
        parts = [cursor.take_name()]
        while cursor.is_op(".") and len(parts) < 3:
            cursor.advance()
            if cursor.is_op("*"):
                end = cursor.advance().end
                return Star(table=parts[-1], start=start, end=end)
            parts.append(cursor.take_name())
        if cursor.is_op("("):
            raise cursor.unexpected("a function without a schema")
        keyspace, table, name = ["", "", *parts][-3:]
        return Column(name=name, table=table, keyspace=keyspace, start=start, end=cursor.last_end)

    def _case(self) -> Expr:
        cursor = self._cursor
        start = cursor.advance().start
        args: list[Expr] = []
        if not cursor.is_word("WHEN"):
            args.append(self.parse())
        while cursor.take_word("WHEN"):
            args.append(self.parse())
            cursor.expect_word("THEN")
            args.append(self.parse())
        if cursor.take_word("ELSE"):
            args.append(self.parse())
        end = cursor.expect_word("END").end
        return Operation(op="CASE", args=tuple(args), start=start, end=end)

    def _interval(self) -> Expr:
        cursor = self._cursor
        start = cursor.advance().start
        if cursor.is_op("("):
            args: tuple[Expr, ...] = (self._brackets(),)
        else:
            args = (self._binary(0),)
        is_function = isinstance(args[0], Row)  # INTERVAL(n, 1, 5), not INTERVAL (n) DAY
        if not is_function and cursor.is_name() and not cursor.is_word(*RESERVED):
            cursor.advance()
        return Operation(op="INTERVAL", args=args, start=start, end=cursor.last_end)

    def _call(self) -> Expr:
        cursor = self._cursor
        token = cursor.advance()
        name = unquote_name(token).upper()
        cursor.expect_op("(")
        args: list[Expr] = []
        distinct = star = False
        plain = True
        while not cursor.is_op(")"):
            if cursor.is_word("DISTINCT"):
                distinct = True
                cursor.advance()
            elif cursor.take_op(","):
                plain &= not self._skip_type(name)
            elif cursor.is_op("*") and cursor.peek().text == ")":
                star = True
                cursor.advance()
            elif cursor.is_word("AS", "USING", "AGAINST"):
                plain = False
                cursor.skip_brackets()
            elif cursor.is_word(*_GLUE):
                plain = False
                cursor.advance()
            elif cursor.is_word("SELECT", "WITH"):
                args.append(self._parse_query(cursor))
            elif cursor.at_end():
                raise cursor.unexpected("')'")
            else:
                args.append(self.parse())
        end = cursor.advance().end
        if name == "MATCH" and cursor.take_word("AGAINST"):
            cursor.expect_op("(")
            cursor.skip_brackets()
            end = cursor.expect_op(")").end
        window = self._window()
        return Call(
            name=name,
            args=tuple(args),
            distinct=distinct,
            star=star,
            window=window,
            plain=plain,
            start=token.start,
            end=cursor.last_end if window else end,
        )

    def _skip_type(self, function: str) -> bool:
        """Go past the type behind CONVERT's comma; other functions have none there."""
        if function != "CONVERT":
            return False
        self._cursor.skip_brackets()
        return True

    def _window(self) -> bool:
        cursor = self._cursor
        if not cursor.is_word("OVER"):
            return False
        cursor.advance()
        if cursor.take_op("("):
            cursor.skip_brackets()
            cursor.expect_op(")")
        else:
            cursor.take_name()
        return True
