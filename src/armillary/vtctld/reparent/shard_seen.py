"""What a reparent is decided from: one shard and its tablets at one moment. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from armillary.base.errors import PreconditionError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias, TabletType
from armillary.vtctld.reparent.durability import Durability


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletSeen:
    """One tablet. Without an answer (`problem` set) only what its record says is known."""

    alias: TabletAlias
    tablet_type: TabletType
    term_started_at: datetime | None = None
    problem: str = ""  # why it did not answer
    position: Position = field(default_factory=Position)  # all that it has applied
    lag_s: int | None = None
    receives: bool = False  # it asks its source for more, even if that does not answer now
    backup_running: bool = False

    @property
    def answers(self) -> bool:
        return not self.problem

    @property
    def is_set_aside(self) -> bool:
        """A tablet whose mysqld belongs to a backup or restore now: nobody repoints it.

        It finds its source in the shard's record when it is done.
        """
        return self.tablet_type in (TabletType.BACKUP, TabletType.RESTORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSeen:
    keyspace: str
    shard: str
    tablets: Mapping[TabletAlias, TabletSeen]
    had_primary: bool  # the record has a term: some tablet was primary once
    durability: Durability

    @property
    def path(self) -> str:
        return f"{self.keyspace}/{self.shard}"

    def __iter__(self) -> Iterator[TabletSeen]:
        return iter(self.tablets[alias] for alias in sorted(self.tablets))

    def require(self, alias: TabletAlias) -> TabletSeen:
        """Raises PreconditionError when the shard has no such tablet."""
        seen = self.tablets.get(alias)
        if seen is None:
            known = ", ".join(str(other) for other in sorted(self.tablets)) or "none"
            raise PreconditionError(
                f"tablet {alias} is not in shard {self.path}; its tablets: {known}"
            )
        return seen

    def current_primary(self) -> TabletSeen | None:
        """Return the tablet of type PRIMARY with the newest term; None when there is none.

        Raises:
            PreconditionError: two have the same term: nobody can say which one is right.
        """
        primaries = [t for t in self if t.tablet_type is TabletType.PRIMARY]
        if not primaries:
            return None
        newest = max((t.term_started_at for t in primaries if t.term_started_at), default=None)
        leading = [t for t in primaries if t.term_started_at == newest]
        if len(leading) > 1:
            names = ", ".join(str(t.alias) for t in leading)
            raise PreconditionError(
                f"shard {self.path} has several masters of the same term: {names}"
            )
        return leading[0]

    def followers(self, primary: TabletAlias) -> tuple[TabletAlias, ...]:
        """Return who is to follow `primary`: all that answer and are not set aside."""
        return tuple(
            t.alias for t in self if t.alias != primary and t.answers and not t.is_set_aside
        )
