"""Whether two tablets of a cluster would be the same one. Pure.

A tablet's UID is 32 bits of a hash over its place, and its pod and records are named by cell and
UID. With thousands of tablets in a cell two places may well get one UID.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from armillary.base.errors import InputError
from armillary.model.tablet import TabletAlias
from armillary.operator.crd.keyspace import KeyspaceTemplate, Partitioning
from armillary.operator.keyspace.partition import WantedShard, shards_of
from armillary.operator.shard.tablets import tablet_uid


class _Place(NamedTuple):
    keyspace: str
    shard: str
    type: str
    number: int

    def __str__(self) -> str:
        return f"{self.keyspace}/{self.shard} {self.type} {self.number}"


def check_uids(keyspaces: Sequence[KeyspaceTemplate]) -> Iterator[str]:
    """Yield a mistake for each two tablets that have the same alias."""
    known: dict[TabletAlias, _Place] = {}
    for alias, place in _tablets(keyspaces):
        other = known.setdefault(alias, place)
        if other != place:
            yield (
                f"spec.keyspaces[{place.keyspace}]: the tablet {place} would have the UID of "
                f"{other}, {alias}; another name of keyspace or cell, or another pool type, has "
                "another UID"
            )


def _tablets(keyspaces: Sequence[KeyspaceTemplate]) -> Iterator[tuple[TabletAlias, _Place]]:
    for keyspace in keyspaces:
        for partitioning in keyspace.partitionings:
            for shard in _shards(partitioning):
                for pool in shard.template.tablet_pools:
                    if pool.external_datastore is not None:
                        continue  # no tablet is made of it
                    for index in range(1, pool.replicas + 1):
                        place = _Place(keyspace.name, shard.name, pool.type, index)
                        yield TabletAlias(pool.cell, tablet_uid(pool.cell, *place)), place


def _shards(partitioning: Partitioning) -> list[WantedShard]:
    try:
        return shards_of(partitioning)
    except InputError:
        return []  # told by whoever checks the ranges
