"""Targets: `keyspace`, `keyspace:shard` or `keyspace[range]`, each with `@type` or not. Pure."""

from dataclasses import dataclass

from armillary.base.errors import InputError
from armillary.model.tablet import TabletType
from armillary.vtgate.errors import SqlError


@dataclass(frozen=True, slots=True)
class Target:
    keyspace: str = ""
    shard: str = ""
    destination: str = ""  # the inside of [...]: a range or a keyspace id in hex
    tablet_type: TabletType = TabletType.PRIMARY

    def __str__(self) -> str:
        shard = f":{self.shard}" if self.shard else ""
        inside = f"[{self.destination}]" if self.destination else ""
        return f"{self.keyspace}{shard}{inside}@{self.tablet_type.name.lower()}"

    @property
    def is_primary(self) -> bool:
        return self.tablet_type == TabletType.PRIMARY

    @property
    def is_direct(self) -> bool:
        """Whether statements go as they are to the shards named, without planning."""
        return bool(self.shard or self.destination)


def parse_target(text: str) -> Target:
    """Parse a target as `USE` and the connection's database give it.

    Raises:
        SqlError: an unknown tablet type, or `[` without `]`.
    """
    tablet_type = TabletType.PRIMARY
    name, at, type_name = text.rpartition("@")
    if at:
        try:
            tablet_type = TabletType.parse(type_name)
        except InputError:
            raise SqlError(1105, f"invalid target: unknown tablet type {type_name!r}") from None
        if not tablet_type.is_serving:
            raise SqlError(1105, f"invalid target: tablets of type {type_name!r} do not serve")
    else:
        name = text
    separator = max(name.rfind("/"), name.rfind(":"))
    if separator >= 0:
        return Target(name[:separator], name[separator + 1 :], "", tablet_type)
    keyspace, bracket, rest = name.partition("[")
    if bracket:
        if not rest.endswith("]"):
            raise SqlError(1105, f"invalid target: {text!r}: a closing bracket wanted")
        return Target(keyspace, "", rest[:-1], tablet_type)
    return Target(name, "", "", tablet_type)
