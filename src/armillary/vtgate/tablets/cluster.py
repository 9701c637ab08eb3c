"""What the gateway knows of the cluster now: VSchema, shards, tablets and their health. No I/O.

`discovery` writes it; everything else reads it. Tests write it themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import anyio

from armillary.model.tablet import TabletAlias, TabletType
from armillary.routing.partition import Partition
from armillary.routing.vschema import VSchema
from armillary.vtgate.errors import TabletUnavailableError

LAG_S_ACCEPTED = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletHealth:
    """One tablet as its health stream last described it."""

    alias: TabletAlias
    keyspace: str
    shard: str
    type: TabletType
    serving: bool
    host: str
    port: int
    database: str
    hostname: str = ""
    term_start_s: int = 0
    lag_s: float = 0.0
    problem: str = ""


@dataclass(slots=True)
class KeyspaceLayout:
    """The shards that serve each tablet type of one keyspace."""

    partitions: Mapping[TabletType, Partition] = field(default_factory=dict)

    def partition(self, tablet_type: TabletType) -> Partition | None:
        found = self.partitions.get(tablet_type)
        return found if found is not None else self.partitions.get(TabletType.PRIMARY)


class Cluster:
    def __init__(self, *, cell: str) -> None:
        self.cell = cell
        self.vschema = VSchema()
        self.layouts: dict[str, KeyspaceLayout] = {}
        self.generation = 0  # grows when routing or tables change: older plans are void
        self._tablets: dict[TabletAlias, TabletHealth] = {}
        self._by_shard: dict[tuple[str, str, TabletType], tuple[TabletHealth, ...]] = {}
        self._primaries: dict[tuple[str, str], TabletHealth] = {}  # by claim of the newest term
        self._turn = 0
        self._changed = anyio.Event()

    # Written by discovery

    def set_vschema(self, vschema: VSchema) -> None:
        self.vschema = vschema
        self.generation += 1
        self._announce()

    def set_layout(self, keyspace: str, layout: KeyspaceLayout | None) -> None:
        if layout is None:
            self.layouts.pop(keyspace, None)
        else:
            self.layouts[keyspace] = layout
        self.generation += 1
        self._announce()

    def tables_changed(self) -> None:
        """What was known of tables, or planned with it, is not to be used any more."""
        self.generation += 1

    def set_tablet(self, health: TabletHealth) -> None:
        before = self._tablets.get(health.alias)
        self._tablets[health.alias] = health
        self._index(before, health)
        self._announce()

    def drop_tablet(self, alias: TabletAlias) -> None:
        before = self._tablets.pop(alias, None)
        self._index(before, None)
        self._announce()

    def _index(self, before: TabletHealth | None, after: TabletHealth | None) -> None:
        for health in (before, after):
            if health is None:
                continue
            key = (health.keyspace, health.shard, health.type)
            self._by_shard[key] = tuple(
                tablet
                for tablet in self._tablets.values()
                if (tablet.keyspace, tablet.shard, tablet.type) == key
            )
            if health.type == TabletType.PRIMARY:
                self._elect(health.keyspace, health.shard)

    def _elect(self, keyspace: str, shard: str) -> None:
        claims = self._by_shard[(keyspace, shard, TabletType.PRIMARY)]
        before = self._primaries.pop((keyspace, shard), None)
        if claims:
            newest = max(claims, key=lambda tablet: tablet.term_start_s)
            self._primaries[(keyspace, shard)] = newest
            if before is None or before.alias != newest.alias:
                self.tables_changed()  # who told of its tables until now, if anybody did, is gone

    def _announce(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def wait_for_change(self) -> None:
        await self._changed.wait()

    # Read by everybody

    def tablets(self) -> Iterable[TabletHealth]:
        return sorted(self._tablets.values(), key=lambda tablet: tablet.alias)

    def tablet(self, alias: TabletAlias) -> TabletHealth | None:
        return self._tablets.get(alias)

    def primary(self, keyspace: str, shard: str) -> TabletHealth | None:
        """Return the shard's primary: of several claims the newest term wins."""
        newest = self._primaries.get((keyspace, shard))
        return newest if newest is not None and newest.serving else None

    def choose(self, keyspace: str, shard: str, tablet_type: TabletType) -> TabletHealth:
        """Return a tablet that may take a statement now.

        Among replicas: those of this cell first, then all; those without much lag first; turns.
        One with a problem still serves if nobody else does: when a primary is away, all its
        replicas have one.

        Raises:
            TabletUnavailableError: there is none.
        """
        if tablet_type == TabletType.PRIMARY:
            primary = self.primary(keyspace, shard)
            if primary is None:
                raise _none_healthy(keyspace, shard, tablet_type)
            return primary
        serving = [
            tablet
            for tablet in self._by_shard.get((keyspace, shard, tablet_type), ())
            if tablet.serving and tablet.lag_s <= LAG_S_ACCEPTED
        ]
        if not serving:
            raise _none_healthy(keyspace, shard, tablet_type)
        sound = [tablet for tablet in serving if not tablet.problem] or serving
        fresh = [tablet for tablet in sound if tablet.lag_s <= 30.0] or sound
        local = [tablet for tablet in fresh if tablet.alias.cell == self.cell] or fresh
        self._turn += 1
        return local[self._turn % len(local)]

    def keyspaces(self) -> list[str]:
        return sorted(self.vschema.keyspaces)

    def database_of(self, keyspace: str) -> str:
        """Return the physical name of the keyspace's database."""
        for tablet in self._tablets.values():
            if tablet.keyspace == keyspace and tablet.database:
                return tablet.database
        return f"vt_{keyspace}"

    def missing(self, wanted: Iterable[TabletType]) -> list[str]:
        """Return `keyspace/shard type` for every shard that lacks a usable tablet of a type.

        Every shard should have a primary; of other types only what there is can be waited for.
        """
        gaps = []
        types = tuple(wanted)
        for keyspace, layout in self.layouts.items():
            for tablet_type in types:
                partition = layout.partition(tablet_type)
                for shard in partition.shards if partition is not None else ():
                    tablets = self._by_shard.get((keyspace, shard, tablet_type), ())
                    wanted_here = tablet_type == TabletType.PRIMARY or tablets
                    if wanted_here and not any(tablet.serving for tablet in tablets):
                        gaps.append(f"{keyspace}/{shard} {tablet_type.name}")
        return gaps


def _none_healthy(keyspace: str, shard: str, tablet_type: TabletType) -> TabletUnavailableError:
    target = f"{keyspace}.{shard}.{tablet_type.name.lower()}"
    return TabletUnavailableError(
        f"target: {target}: no healthy tablet available for "
        f'\'keyspace:"{keyspace}" shard:"{shard}" tablet_type:{tablet_type.name}\''
    )
