"""Key ranges and shard names. Pure.

A key range is a half-open interval of keyspace ids, `start` inclusive, `end` exclusive; an empty
bound is open. Bytes that a bound lacks count as zero, so `80` and `8000` name the same point.
Source: Vitess topodata.KeyRange; shard names as in its topology.
"""

import re
from dataclasses import dataclass
from typing import Self

from armillary.base.errors import InputError

_SHARD_NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
_HEX = re.compile(r"^([0-9a-f][0-9a-f])*$")


def _significant(bound: bytes) -> bytes:
    return bound.rstrip(b"\x00")


@dataclass(frozen=True, slots=True)
class KeyRange:
    start: bytes = b""
    end: bytes = b""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `-80`, `40-80`, `80-` or `-`.

        Raises:
            InputError: the text is not one dash between two hex bounds, start before end.
        """
        start, dash, end = text.lower().partition("-")
        if not dash or not _HEX.match(start) or not _HEX.match(end):
            raise InputError(f"invalid key range {text!r}: wanted hex bounds around one dash")
        key_range = cls(bytes.fromhex(start), bytes.fromhex(end))
        if end and _significant(key_range.start) >= _significant(key_range.end):
            raise InputError(f"invalid key range {text!r}: the start is not before the end")
        return key_range

    def __str__(self) -> str:
        return f"{self.start.hex()}-{self.end.hex()}"

    def contains(self, keyspace_id: bytes) -> bool:
        point = _significant(keyspace_id)
        if point < _significant(self.start):
            return False
        return not self.end or point < _significant(self.end)

    def intersects(self, other: "KeyRange") -> bool:
        starts_before_end = not other.end or _significant(self.start) < _significant(other.end)
        ends_after_start = not self.end or _significant(other.start) < _significant(self.end)
        return starts_before_end and ends_after_start


def parse_shard_name(name: str) -> tuple[str, KeyRange | None]:
    """Return the canonical (lower-case) shard name and its range; None for a name like `0`.

    Raises:
        InputError: not 1-64 of `[A-Za-z0-9_-]`, or a dash that makes no key range.
    """
    if not _SHARD_NAME.match(name):
        raise InputError(f"invalid shard name {name!r}: wanted 1 to 64 of A-Z a-z 0-9 _ -")
    if "-" not in name:
        return name, None
    return name.lower(), KeyRange.parse(name)


def parse_keyspace_shard(path: str) -> tuple[str, str]:
    """Split `keyspace/shard` (or `keyspace:shard`) into its names.

    Raises:
        InputError: not exactly one separator, or an invalid shard name.
    """
    parts = re.split(r"[/:]", path)
    if len(parts) != 2 or not all(parts):
        raise InputError(f"invalid shard path: {path!r}: wanted keyspace/shard")
    return parts[0], parse_shard_name(parts[1])[0]


def safe_shard_name(shard: str) -> str:
    """Return the shard name in Kubernetes names: `-80` gives `x-80`, `-` gives `x-x`."""
    if "-" not in shard:
        return shard
    start, _, end = shard.partition("-")
    return f"{start or 'x'}-{end or 'x'}"


def equal_key_ranges(parts: int) -> tuple[KeyRange, ...]:
    """Split all keyspace ids into `parts` ranges of nearly equal size.

    Source: Vitess operator v2.0.1; 2 gives -80 80-, 3 gives -55 55-aa aa-.
    """
    if parts <= 1:
        return (KeyRange(),)
    width_bytes = 1
    while 256**width_bytes <= parts - 1:
        width_bytes += 1
    interval = (2**64 - 1 - parts + 1) // parts + 1
    bounds = [(index * interval).to_bytes(8, "big")[:width_bytes] for index in range(1, parts)]
    return tuple(
        KeyRange(start, end) for start, end in zip([b"", *bounds], [*bounds, b""], strict=True)
    )
