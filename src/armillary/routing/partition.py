"""From a keyspace id to the shard that holds it. Pure."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from armillary.base.errors import InputError, PreconditionError
from armillary.model.keyrange import KeyRange, parse_shard_name


@dataclass(frozen=True, slots=True)
class Partition:
    """The serving shards of one keyspace for one tablet type, by key range."""

    shards: tuple[str, ...]
    _starts: tuple[bytes, ...]
    _ranges: tuple[KeyRange, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> "Partition":
        """Build from shard names; names without a range (`0`) hold everything.

        Raises:
            InputError: a name that is no shard name.
        """
        ranged = []
        for name in names:
            shard, key_range = parse_shard_name(name)
            key_range = key_range or KeyRange()
            ranged.append((key_range.start.rstrip(b"\x00"), shard, key_range))
        ranged.sort(key=lambda item: (item[0], item[1]))
        return cls(
            tuple(shard for _, shard, _ in ranged),
            tuple(start for start, _, _ in ranged),
            tuple(key_range for _, _, key_range in ranged),
        )

    def shard_of(self, keyspace_id: bytes) -> str:
        """Raises: PreconditionError: no shard serves this id."""
        index = bisect_right(self._starts, keyspace_id.rstrip(b"\x00")) - 1
        if index < 0 or not self._ranges[index].contains(keyspace_id):
            raise PreconditionError(f"no shard serves keyspace id {keyspace_id.hex()}")
        return self.shards[index]

    def shards_in(self, key_range: KeyRange) -> tuple[str, ...]:
        return tuple(
            shard
            for shard, own in zip(self.shards, self._ranges, strict=True)
            if own.intersects(key_range)
        )

    def is_whole(self) -> bool:
        """Whether the shards cover every keyspace id exactly once: else a scatter would lie."""
        if not self.shards or self._starts[0]:
            return False
        for this, following in zip(self._ranges, self._ranges[1:], strict=False):
            if not this.end or this.end.rstrip(b"\x00") != following.start.rstrip(b"\x00"):
                return False
        return not self._ranges[-1].end


def parse_destination_range(text: str) -> KeyRange | None:
    """Parse the inside of `[...]` of a target: a range, or None when it is a keyspace id."""
    if "-" not in text:
        return None
    try:
        return KeyRange.parse(text)
    except InputError as error:
        raise InputError(f"invalid key range in target: {error}") from None
