"""What a trigger's body does to the row that fires it. Pure."""

from armillary.sql.tokens import Kind, SqlSyntaxError, tokenize, unquote_name


def columns_set(body: str) -> frozenset[str]:
    """Return the columns, in lower case, that a body sets: `SET NEW.a = 1`, `INTO NEW.a`."""
    try:
        tokens = tokenize(body).tokens
    except SqlSyntaxError:
        return frozenset()
    found: set[str] = set()
    depth = 0
    assigning = False  # between SET or INTO and what ends the clause
    for index, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if token.upper in ("SET", "INTO") and token.kind == Kind.WORD:
            assigning = True
        elif token.text == ";" or token.upper in ("FROM", "WHERE", "THEN", "DO"):
            assigning = False
        before = tokens[index - 1].upper if index else ""
        is_target = assigning and depth == 0 and before in ("SET", "INTO", ",")
        if is_target and token.upper == "NEW" and index + 2 < len(tokens):
            found.add(unquote_name(tokens[index + 2]).lower())
    return frozenset(found)
