"""A place in a list of tokens, and the small questions a parser asks there. Pure."""

from armillary.base.errors import InputError
from armillary.sql.tokens import Kind, Token, tokenize, unquote_name


class NotUnderstoodError(InputError):
    """Our parser does not follow the statement: it is bad SQL, or SQL beyond what we route."""

    errno = 1235
    sqlstate = "42000"


class Cursor:
    def __init__(self, text: str) -> None:
        self.text = text
        tokens = tokenize(text).tokens
        self._tokens = [token for token in tokens if token.kind != Kind.HINT]
        self._tokens.append(Token(Kind.END, "", len(text), len(text)))
        self._at = 0
        self.params_seen = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def peek(self, ahead: int = 1) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    @property
    def last_end(self) -> int:
        """Where the token before this one ended."""
        return self._tokens[self._at - 1].end if self._at else 0

    def advance(self) -> Token:
        token = self.token
        if token.kind != Kind.END:
            self._at += 1
        if token.kind == Kind.PARAM:
            self.params_seen += 1
        return token

    def mark(self) -> tuple[int, int]:
        return self._at, self.params_seen

    def back_to(self, mark: tuple[int, int]) -> None:
        self._at, self.params_seen = mark

    def is_word(self, *words: str) -> bool:
        token = self.token
        return token.kind == Kind.WORD and token.text.upper() in words

    def is_words(self, first: str, second: str) -> bool:
        following = self.peek()
        return self.is_word(first) and following.kind == Kind.WORD and following.upper == second

    def is_op(self, *ops: str) -> bool:
        token = self.token
        return token.kind == Kind.OP and token.text in ops

    def take_word(self, *words: str) -> bool:
        if self.is_word(*words):
            self.advance()
            return True
        return False

    def take_op(self, *ops: str) -> bool:
        if self.is_op(*ops):
            self.advance()
            return True
        return False

    def expect_op(self, op: str) -> Token:
        if not self.is_op(op):
            raise self.unexpected(f"'{op}'")
        return self.advance()

    def expect_word(self, word: str) -> Token:
        if not self.is_word(word):
            raise self.unexpected(word)
        return self.advance()

    def is_name(self) -> bool:
        return self.token.kind in (Kind.WORD, Kind.QUOTED)

    def take_name(self) -> str:
        if not self.is_name():
            raise self.unexpected("a name")
        return unquote_name(self.advance())

    def at_end(self) -> bool:
        return self.token.kind == Kind.END

    def skip_brackets(self) -> None:
        """Go from just inside a bracket to its closing one, and stop before it."""
        depth = 0
        while not self.at_end():
            if self.is_op("("):
                depth += 1
            elif self.is_op(")"):
                if depth == 0:
                    return
                depth -= 1
            elif self.is_word("SELECT"):
                raise self.unexpected("no subquery here")
            self.advance()
        raise self.unexpected("')'")

    def unexpected(self, wanted: str) -> NotUnderstoodError:
        near = self.text[self.token.start : self.token.start + 60]
        return NotUnderstoodError(f"{wanted} wanted near '{near}'")
