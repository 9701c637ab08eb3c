"""Whether partitionings cover all keyspace ids, each once. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from armillary.base.errors import InputError
from armillary.model.keyrange import KeyRange, safe_shard_name
from armillary.operator.crd.keyspace import Partitioning
from armillary.operator.keyspace.partition import WantedShard, shards_of

LABEL_CHARS_MAX = 63  # what Kubernetes allows in a label's value


def check_partitionings(path: str, partitionings: Sequence[Partitioning]) -> Iterator[str]:
    """Yield mistakes: a range that is none, a gap or an overlap, with the path of its field."""
    if not partitionings:
        yield f"{path}: empty; equal with 'parts: 1' makes an unsharded keyspace"
    if sum(1 for one in partitionings if one.migrate_traffic == "All") > 1:
        yield f"{path}: migrateTraffic is All in more than one; traffic can move to one only"
    for index, partitioning in enumerate(partitionings):
        here = f"{path}[{index}]"
        if (partitioning.equal is None) == (partitioning.custom is None):
            found = "neither" if partitioning.equal is None else "both"
            yield f"{here}: wanted one of equal and custom, found {found}"
            continue
        try:
            shards = shards_of(partitioning)
        except InputError as error:
            yield f"{here}: {error}"
            continue
        for shard in shards:
            if len(safe_shard_name(shard.name)) > LABEL_CHARS_MAX:
                yield f"{here}: shard {shard.name} has a name of more than {LABEL_CHARS_MAX} digits"
        yield from _check_cover(f"{here}.custom.shards" if partitioning.custom else here, shards)


def _check_cover(path: str, shards: Sequence[WantedShard]) -> Iterator[str]:
    if not shards:
        yield f"{path}: empty, so no keyspace id has a shard"
        return
    ranges = sorted((KeyRange.parse(shard.name) for shard in shards), key=_start)
    if _start(ranges[0]):
        yield f"{path}: no shard has the keyspace ids below {ranges[0].start.hex()}"
    for before, after in pairwise(ranges):
        if before.intersects(after):
            yield f"{path}: shards {before} and {after} overlap"
        elif _end(before) != _start(after):
            yield (
                f"{path}: no shard has the keyspace ids from {before.end.hex()} to "
                f"{after.start.hex()}"
            )
    if ranges[-1].end:
        yield f"{path}: no shard has the keyspace ids from {ranges[-1].end.hex()} on"


def _start(key_range: KeyRange) -> bytes:
    return key_range.start.rstrip(b"\x00")


def _end(key_range: KeyRange) -> bytes:
    return key_range.end.rstrip(b"\x00")
