"""Names of Kubernetes objects. Pure.

A name is its parts joined by dashes, then a dash and 8 hex digits of md5 over the original parts,
each followed by a NUL byte. Parts are cleaned for Kubernetes only after hashing, and a name over
the limit is cut, so two different lists of parts never share a name in practice.
Source: Vitess operator `names` (v2.0.1, and its later constraints, which agree on all valid names).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_HASH_CHARS = 8


@dataclass(frozen=True, slots=True)
class NameRule:
    chars_max: int
    first_char: str  # a regex character class


OBJECT_NAME = NameRule(253, "[a-z0-9]")
SERVICE_NAME = NameRule(63, "[a-z]")
LOCKSERVER_NAME = NameRule(56, "[a-z]")  # leaves room for "-client" in a Service name


def parts_hash(parts: Sequence[str], *, salt: Sequence[str] = ()) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for part in (*salt, *parts):
        digest.update(part.encode() + b"\x00")
    return digest.hexdigest()[:_HASH_CHARS]


def join_name(*parts: str, salt: Sequence[str] = (), rule: NameRule = OBJECT_NAME) -> str:
    """Return the object name for `parts`, at most `rule.chars_max` long.

    `join_name("hello", "world")` is `hello-world-1dd41005`.
    """
    assert parts and rule.chars_max >= 12
    cleaned = [re.sub("[^a-z0-9-]", "-", part.lower()) for part in parts]
    if not re.match(rule.first_char, cleaned[0]):
        cleaned[0] = "x" + cleaned[0]
    joined = "-".join(cleaned)
    suffix = parts_hash(parts, salt=salt)
    predicted = len(joined) + 1 + len(suffix)
    if predicted <= rule.chars_max:
        return f"{joined}-{suffix}"
    kept = joined[: len(joined) - (predicted - rule.chars_max + 2)]
    return f"{kept}---{suffix}"
