"""How one stream is spread over several files. Pure.

Blocks of the uncompressed stream go to the files in turn: file `i` holds the blocks `i`, `i + n`,
`i + 2n`, ... one after the other. With one file the file is the stream. Source: Vitess xtrabackup
engine, `copyToStripes`.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StripeLayout:
    """`count` files, `block_bytes` a turn; pieces of `piece_bytes` of each file at a time.

    A round is `count` pieces: `round_bytes` of the stream, a whole number of turns.
    """

    count: int
    block_bytes: int
    piece_bytes: int

    def __post_init__(self) -> None:
        assert self.count >= 1 and self.block_bytes >= 1
        assert self.piece_bytes >= 1 and (
            self.count == 1 or self.piece_bytes % self.block_bytes == 0
        )

    @classmethod
    def fit(cls, *, count: int, block_bytes: int, round_bytes: int) -> "StripeLayout":
        """Return the layout whose round is as near to `round_bytes` as whole blocks allow."""
        count = max(count, 1)
        if count == 1:
            return cls(1, block_bytes, round_bytes)
        blocks = max(1, round_bytes // (count * block_bytes))
        return cls(count, block_bytes, blocks * block_bytes)

    @property
    def round_bytes(self) -> int:
        return self.count * self.piece_bytes

    def places(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) in a round's buffer for the stream bytes `start` to `end`.

        The buffer holds the pieces of the files one after the other; `start` and `end` are
        positions in the round, in stream order.
        """
        if self.count == 1:
            if start < end:
                yield start, end - start
            return
        while start < end:
            block, inside = divmod(start, self.block_bytes)
            turn, file = divmod(block, self.count)
            length = min(self.block_bytes - inside, end - start)
            yield file * self.piece_bytes + turn * self.block_bytes + inside, length
            start += length

    def piece_filled(self, file: int, filled: int) -> int:
        """Return how many bytes of a file's piece are used when a round holds `filled` bytes."""
        if self.count == 1:
            return filled
        turns, rest = divmod(filled, self.count * self.block_bytes)
        last = min(max(rest - file * self.block_bytes, 0), self.block_bytes)
        return turns * self.block_bytes + last
