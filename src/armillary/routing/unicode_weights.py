"""Primary collation weights of text, as Vitess's unicode_loose vindexes see it. Pure, but for
reading its own table once.

The table is frozen: CLDR 23 root order as in golang.org/x/text v0.14.0 (BSD licence), package
collate. Later tables give other weights, and other weights would send rows to other shards.
`unicode_weights.zlib`, made by `tools/generate_unicode_weights.py`, has lines `from-to+offset` for
code points with implicit weights, an empty line, then `codepoint[+codepoint...]=key` in hex, for
text in NFD.
"""

import zlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from unicodedata import combining, normalize

from armillary.base.errors import InputError

_GAP_MAX = 16  # combining marks that a contraction may skip
_LOOK_AHEAD = 32


class _Weights(NamedTuple):
    implicit: tuple[tuple[int, int, int], ...]
    keys: dict[str, bytes]
    starters: frozenset[str]  # first characters of contractions
    contraction_chars_max: int


@cache
def _weights() -> _Weights:
    packed = files("armillary.routing").joinpath("unicode_weights.zlib").read_bytes()
    ranges, _, entries = zlib.decompress(packed).decode("ascii").partition("\n\n")
    implicit = []
    for line in ranges.split():
        bounds, _, offset = line.partition("+")
        first, _, last = bounds.partition("-")
        implicit.append((int(first, 16), int(last, 16), int(offset, 16)))
    keys: dict[str, bytes] = {}
    for line in entries.split():
        points, _, key = line.partition("=")
        keys["".join(chr(int(point, 16)) for point in points.split("+"))] = bytes.fromhex(key)
    contractions = [text for text in keys if len(text) > 1]
    return _Weights(
        tuple(implicit),
        keys,
        frozenset(text[0] for text in contractions),
        max(len(text) for text in contractions),
    )


def weight_string(text: bytes) -> bytes:
    """Return the primary weights of UTF-8 `text`, trailing spaces left out.

    Raises:
        InputError: not valid UTF-8.
    """
    try:
        chars = normalize("NFD", text.decode("utf-8").rstrip(" "))
    except UnicodeDecodeError as error:
        raise InputError(f"valid UTF-8 wanted, found {error.reason} at {error.start}") from None
    weights = _weights()
    out = []
    pending = list(reversed(chars))
    while pending:
        char = pending.pop()
        if char in weights.starters:
            ahead = pending[: -_LOOK_AHEAD - 1 : -1]
            key, used, kept = _contraction(char, ahead, weights)
            out.append(key)
            del pending[len(pending) - used :]
            pending.extend(reversed(kept))
        else:
            out.append(weights.keys[char] if char in weights.keys else _implicit(char, weights))
    return b"".join(out)


def _contraction(start: str, rest: list[str], weights: _Weights) -> tuple[bytes, int, list[str]]:
    """Match the longest contraction, also over combining marks that do not block it.

    Returns the key, how many of `rest` it looked at, and those of them that it skipped.
    """
    best = weights.keys.get(start) or _implicit_or_empty(start, weights)
    used = 0
    text = start
    for length in range(1, weights.contraction_chars_max):
        text = start + "".join(rest[:length])
        if len(rest) >= length and text in weights.keys:
            best, used = weights.keys[text], length
    matched = start + "".join(rest[:used])
    skipped: list[str] = []
    at = used
    previous_class = 0
    while at < len(rest) and len(skipped) < _GAP_MAX and combining(rest[at]):
        char = rest[at]
        at += 1
        if combining(char) > previous_class and matched + char in weights.keys:
            matched += char
            best = weights.keys[matched]
            used = at
            kept = list(skipped)
            return best, used, kept
        previous_class = combining(char)
        skipped.append(char)
    return best, used, []


def _implicit_or_empty(char: str, weights: _Weights) -> bytes:
    return b"" if char in weights.keys else _implicit(char, weights)


def _implicit(char: str, weights: _Weights) -> bytes:
    point = ord(char)
    for first, last, offset in weights.implicit:
        if first <= point <= last:
            return _encode(point + offset)
    return b""


def _encode(weight: int) -> bytes:
    if weight <= 0x7FFF:
        return weight.to_bytes(2, "big")
    return (weight | 0x800000).to_bytes(3, "big")
