"""SQL's LIKE. Pure."""

import re


def is_like(text: str, pattern: str | None) -> bool:
    """SQL's LIKE, without regard to case."""
    if pattern is None:
        return True
    parts = re.split(r"(\\.|%|_)", pattern)
    regex = "".join(
        ".*"
        if part == "%"
        else "."
        if part == "_"
        else re.escape(part[1:] if part.startswith("\\") else part)
        for part in parts
    )
    return re.fullmatch(regex, text, re.IGNORECASE | re.DOTALL) is not None


def as_pattern(text: str) -> str:
    """Return the pattern that only `text` is like."""
    return re.sub(r"([\\%_])", r"\\\1", text)
