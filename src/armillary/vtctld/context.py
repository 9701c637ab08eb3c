"""What every command may use: topology, tablets, storage, console, settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from armillary.base.errors import InputError, NotFoundError
from armillary.model.keyrange import parse_keyspace_shard
from armillary.model.tablet import TabletAlias
from armillary.pb import topodata_pb2
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.settings.backup import NamedStorage
from armillary.settings.vtctld import VtctldSettings
from armillary.topo.server import TopoServer
from armillary.vtctld.console import Console

_TABLETS_NAMED = 8  # at most, when one is asked for that does not exist


@dataclass(frozen=True, slots=True)
class Context:
    topo: TopoServer
    tablets: TabletManagerClient
    settings: VtctldSettings
    locations: Sequence[NamedStorage]  # where backups live; none without backups
    console: Console

    async def tablet(self, alias_text: str) -> topodata_pb2.Tablet:
        """Read the tablet that an argument names.

        Raises:
            InputError: not an alias.
            NotFoundError: no such tablet; names some that exist.
        """
        alias = TabletAlias.parse(alias_text)
        try:
            return (await self.topo.get_tablet(alias)).value
        except NotFoundError:
            known = await self.topo.list_tablets()
            aliases = [str(TabletAlias(t.alias.cell, t.alias.uid)) for t in known[:_TABLETS_NAMED]]
            more = ", ..." if len(known) > _TABLETS_NAMED else ""
            raise NotFoundError(
                f"tablet {alias} doesn't exist; tablets: {', '.join(aliases) or 'none'}{more}"
            ) from None

    async def require_cells(self, cells: Sequence[str]) -> None:
        """Raises NotFoundError unless all of them exist; names those that do."""
        known = await self.topo.list_cells()
        for cell in cells:
            if cell not in known:
                raise NotFoundError(
                    f"cell {cell!r} doesn't exist; cells: {', '.join(known) or 'none'}"
                )

    async def keyspace(self, keyspace: str) -> topodata_pb2.Keyspace:
        if not keyspace:
            raise InputError("the keyspace's name is empty")
        try:
            return (await self.topo.get_keyspace(keyspace)).value
        except NotFoundError as error:
            names = await self.topo.list_keyspaces()
            raise NotFoundError(
                f"keyspace {keyspace} doesn't exist ({error}); keyspaces: "
                f"{', '.join(names) or 'none'}"
            ) from None

    async def shard(self, path: str) -> tuple[str, str, topodata_pb2.Shard]:
        """Read the shard that an argument `keyspace/shard` names; returns both names with it."""
        keyspace, shard = parse_keyspace_shard(path)
        try:
            return keyspace, shard, (await self.topo.get_shard(keyspace, shard)).value
        except NotFoundError as error:
            await self.keyspace(keyspace)
            names = await self.topo.list_shards(keyspace)
            raise NotFoundError(
                f"shard {keyspace}/{shard} doesn't exist ({error}); shards of {keyspace}: "
                f"{', '.join(names) or 'none'}"
            ) from None
