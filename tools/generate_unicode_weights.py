"""Make `src/armillary/routing/unicode_weights.zlib` from the collation tables of golang.org/x/text.

    python tools/generate_unicode_weights.py DIRECTORY [OUTPUT]

DIRECTORY is the unpacked module golang.org/x/text, version v0.14.0 (its tables are those of CLDR 23
and have not changed for years; another version is refused, for other weights would send rows to
other shards). The output is the root order's primary weights and nothing else; without OUTPUT, the
file in the source tree is compared with what would be written.
"""

import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

MODULE_VERSION = "v0.14.0"
CLDR_VERSION = "23"
TARGET = Path(__file__).parents[1] / "src" / "armillary" / "routing" / "unicode_weights.zlib"

_BLOCK = 64
_NO_INDEX = 0xFF
_ROOT_LOOKUP_BLOCK = 0x15  # of the locale "und", which "en" shares
# The property Ideographic in Unicode 15.0, which Go's standard library brings; only those that
# the tables do not list.
_IDEOGRAPHIC = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFA6D), (0xFA70, 0xFAD9), (0x16FE4, 0x16FE4)),
    *((0x17000, 0x187F7), (0x18800, 0x18CD5), (0x18D00, 0x18D08), (0x1B170, 0x1B2FB)),
    *((0x20000, 0x2A6DF), (0x2A700, 0x2B739), (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1)),
    *((0x2CEB0, 0x2EBE0), (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF)),
)
_COMMON, _RARE, _OTHER = 0x10000, 0x20000, 0x50000


class Tables(NamedTuple):
    values: list[int]
    lookup: list[int]
    expansions: list[int]
    contractions: list[int]
    states: list[tuple[int, int, int, int]]


def read_tables(directory: Path) -> Tables:
    """Raises: SystemExit: not the module's version that these weights are frozen at."""
    text = (directory / "collate" / "tables.go").read_text()
    found = re.search(r'CLDRVersion = "([^"]+)"', text)
    if found is None or found.group(1) != CLDR_VERSION:
        raise SystemExit(f"tables of CLDR {CLDR_VERSION} wanted (x/text {MODULE_VERSION})")
    return Tables(
        _array(text, "mainValues"),
        _array(text, "mainLookup"),
        _array(text, "mainExpandElem"),
        _array(text, "mainContractElem"),
        _states(text),
    )


def _body(text: str, name: str) -> tuple[int, str]:
    start = re.search(rf"^var {name} = \[(\d+)\][^\n]*\{{$", text, re.MULTILINE)
    if start is None:
        raise SystemExit(f"the array {name} wanted in collate/tables.go")
    body = text[start.end() : text.index("\n}\n", start.end())]
    return int(start.group(1)), re.sub(r"//[^\n]*", "", body)


def _array(text: str, name: str) -> list[int]:
    size, body = _body(text, name)
    array = [0] * size
    at = 0
    for item in re.finditer(r"(?:(\w+)\s*:\s*)?(\w+)\s*,", body):
        if item.group(1):
            at = int(item.group(1), 0)
        array[at] = int(item.group(2), 0)
        at += 1
    return array


def _states(text: str) -> list[tuple[int, int, int, int]]:
    _, body = _body(text, "mainCTEntries")
    entries = re.findall(r"\{(\w+),\s*(\w+),\s*(\w+),\s*(\w+)\}", body)
    return [(int(low, 0), int(high, 0), int(n, 0), int(i, 0)) for low, high, n, i in entries]


class Weights:
    """Primary weights of code points and contractions, as the tables give them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def element(self, char: str) -> int:
        """Return the table's entry of one character; 0 when it has none."""
        data = char.encode("utf-8", "surrogatepass")
        tables = self._tables
        if len(data) == 1:
            return tables.values[data[0]]
        block = tables.lookup[_BLOCK * _ROOT_LOOKUP_BLOCK + data[0]]
        for byte in data[1:-1]:
            block = tables.lookup[_BLOCK * block + byte]
        return tables.values[_BLOCK * block + data[-1]]

    def primaries(self, text: str) -> list[int]:
        """Return the primary weights of a text in which nothing contracts but what it begins."""
        out: list[int] = []
        at = 0
        while at < len(text):
            entry = self.element(text[at])
            at += 1
            if entry >= 0xF0000000:
                out += self.primaries(normalize("NFKD", text[at - 1]))
            elif 0xC0000000 <= entry <= 0xDFFFFFFF:
                following = dict(self.contracted(entry))
                length = max(
                    (n for n in range(1, len(text) - at + 1) if text[at : at + n] in following),
                    default=0,
                )
                out += self._expanded(following[text[at : at + length]])
                at += length
            elif entry == 0:
                out.append(implicit_weight(ord(text[at - 1])))
            else:
                out += self._expanded(entry)
        return [weight for weight in out if weight]

    def _expanded(self, entry: int) -> list[int]:
        if entry < 0xE0000000:
            return [_primary(entry)]
        at = entry & 0xFFFF
        count = self._tables.expansions[at]
        return [_primary(one) for one in self._tables.expansions[at + 1 : at + 1 + count]]

    def contracted(self, entry: int) -> Iterator[tuple[str, int]]:
        """Yield what may follow a starter, and the entry that both then have; nothing first."""
        offset = entry >> 16 & 0x1FFF
        yield "", self._tables.contractions[offset]
        for tail, index in self._walk(entry >> 4 & 0xFFF, entry & 0xF, b""):
            yield tail.decode("utf-8"), self._tables.contractions[offset + index]

    def _walk(self, base: int, count: int, before: bytes) -> Iterator[tuple[bytes, int]]:
        for low, high, following, index in self._tables.states[base : base + count]:
            text = before + bytes((low,))
            if index != _NO_INDEX:
                yield text, index
            if following:
                yield from self._walk(base + count + high, following, text)
            else:
                for byte in range(low + 1, high + 1):
                    yield before + bytes((byte,)), index + byte - low


def _primary(entry: int) -> int:
    if entry >= 0x80000000:
        return 0 if entry > 0xA0000000 else entry & 0xFFFF
    return (entry & 0x3FFFFE00) >> 9


def implicit_weight(point: int) -> int:
    return point + _implicit_offset(point)


def _implicit_offset(point: int) -> int:
    if not any(first <= point <= last for first, last in _IDEOGRAPHIC):
        return _OTHER
    common = 0x4E00 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF
    return _COMMON if common else _RARE


def encode(weights: list[int]) -> str:
    """Return a sort key's bytes in hex: two, or three with the top bit set."""
    return "".join(
        f"{weight:04x}" if weight <= 0x7FFF else f"{weight | 0x800000:06x}" for weight in weights
    )


def generate(weights: Weights) -> str:
    ranges: list[tuple[int, int, int]] = []
    lines: list[str] = []
    for point in range(0x110000):
        char = chr(point)
        if 0xD800 <= point <= 0xDFFF or normalize("NFD", char) != char:
            continue
        entry = weights.element(char)
        if entry == 0:
            offset = _implicit_offset(point)
            if ranges and ranges[-1][2] == offset:
                ranges[-1] = (ranges[-1][0], point, offset)
            else:
                ranges.append((point, point, offset))
            continue
        lines.append(f"{point:x}={encode(weights.primaries(char))}")
        if 0xC0000000 <= entry <= 0xDFFFFFFF:
            lines += _contractions(weights, point, entry)
    head = "\n".join(f"{first:x}-{last:x}+{offset:x}" for first, last, offset in ranges)
    return head + "\n\n" + "\n".join(lines) + "\n"


def _contractions(weights: Weights, point: int, entry: int) -> Iterator[str]:
    for tail, _ in weights.contracted(entry):
        if tail:
            points = "+".join(f"{ord(char):x}" for char in tail)
            yield f"{point:x}+{points}={encode(weights.primaries(chr(point) + tail))}"


def main() -> None:
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    packed = zlib.compress(generate(Weights(read_tables(Path(sys.argv[1])))).encode("ascii"), 9)
    if len(sys.argv) == 3:
        Path(sys.argv[2]).write_bytes(packed)
    elif packed != TARGET.read_bytes():
        raise SystemExit(f"{TARGET.name} is not what these tables give")


if __name__ == "__main__":
    main()
