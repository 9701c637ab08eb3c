"""The shards that a keyspace's partitionings ask for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from armillary.base.errors import InputError
from armillary.model.keyrange import KeyRange, equal_key_ranges
from armillary.operator.crd.keyspace import Partitioning, ShardTemplate


@dataclass(frozen=True, slots=True)
class WantedShard:
    name: str  # in Vitess: -80
    start: str  # hex
    end: str
    template: ShardTemplate


def wanted_shards(partitionings: Sequence[Partitioning]) -> list[WantedShard]:
    """Return the union of all partitionings' shards, ordered by range.

    Two partitionings may share a shard (same bounds, to the letter); the later one's template is
    taken then.
    """
    union: dict[tuple[str, str], WantedShard] = {}
    for partitioning in partitionings:
        for shard in shards_of(partitioning):
            union[shard.start, shard.end] = shard
    # An empty end is above all others.
    return sorted(union.values(), key=lambda shard: (shard.start, not shard.end, shard.end))


def shards_of(partitioning: Partitioning) -> list[WantedShard]:
    """Return the shards of one partitioning.

    Raises:
        InputError: it is neither `equal` nor `custom`, or a range is not one.
    """
    if partitioning.custom is not None:
        return [
            _shard(shard.key_range.start, shard.key_range.end, shard)
            for shard in partitioning.custom.shards
        ]
    if partitioning.equal is None:
        raise InputError("a partitioning needs 'equal' or 'custom'")
    equal = partitioning.equal
    ranges = equal_key_ranges(equal.parts)
    return [
        _shard(
            widen(key_range.start, equal.hex_width),
            widen(key_range.end, equal.hex_width),
            equal.shard_template,
        )
        for key_range in ranges
    ]


def widen(bound: bytes, hex_width: int) -> str:
    """Return the bound in hex, with zeros up to `hex_width` digits; an open bound stays empty."""
    text = bound.hex()
    return text.ljust(hex_width + hex_width % 2, "0") if text and hex_width else text


def _shard(start: str, end: str, template: ShardTemplate) -> WantedShard:
    name = f"{start}-{end}"
    KeyRange.parse(name)
    return WantedShard(name, start, end, template)
