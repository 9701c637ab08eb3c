"""Cells and cells aliases. I/O."""

from collections.abc import Callable, Iterable, Sequence

from armillary.base.errors import NotFoundError, PreconditionError
from armillary.pb import topodata_pb2
from armillary.topo import paths, records
from armillary.topo.cells import CellConnections
from armillary.topo.names import require_cell_name
from armillary.topo.records import Stored


class CellRecords:
    def __init__(self, cells: CellConnections) -> None:
        self._cells = cells

    async def list_cells(self) -> list[str]:
        files = await self._cells.global_.list_files(paths.CELLS, data=False)
        return paths.names_with_record(list(files), paths.CELLS, "CellInfo")

    async def get_cell_info(self, cell: str) -> Stored[topodata_pb2.CellInfo]:
        path = paths.cell_info(cell)
        return await records.read(self._cells.global_, path, topodata_pb2.CellInfo)

    async def create_cell_info(self, cell: str, info: topodata_pb2.CellInfo) -> None:
        require_cell_name(cell)
        await records.create(self._cells.global_, paths.cell_info(cell), info)

    async def update_cell_info(
        self, cell: str, change: Callable[[topodata_pb2.CellInfo], bool | None]
    ) -> topodata_pb2.CellInfo:
        path = paths.cell_info(cell)
        self._cells.forget(cell)
        return await records.update(self._cells.global_, path, topodata_pb2.CellInfo, change)

    async def delete_cell_info(self, cell: str, *, force: bool = False) -> None:
        """Forget a cell. Without `force` it must serve no keyspace.

        Raises:
            PreconditionError: it has serving graphs.
        """
        if not force:
            connection = await self._cells.of(cell)
            files = await connection.list_files(paths.KEYSPACES, data=False)
            if served := paths.names_with_record(list(files), paths.KEYSPACES, "SrvKeyspace"):
                raise PreconditionError(
                    f"cell {cell} still serves keyspaces {', '.join(served)}; remove them, or "
                    "use force"
                )
        await self._cells.global_.delete(paths.cell_info(cell), None)
        self._cells.forget(cell)

    async def get_cells_aliases(self) -> dict[str, topodata_pb2.CellsAlias]:
        files = await self._cells.global_.list_files(paths.CELLS_ALIASES)
        return {
            path.split("/")[1]: records.decode(topodata_pb2.CellsAlias, path, file).value
            for path, file in files.items()
            if path.endswith("/CellsAlias")
        }

    async def create_cells_alias(self, alias: str, cells: Sequence[str]) -> None:
        await self._require_free(alias, cells)
        record = topodata_pb2.CellsAlias(cells=cells)
        await records.create(self._cells.global_, paths.cells_alias(alias), record)

    async def update_cells_alias(self, alias: str, cells: Sequence[str]) -> None:
        """Create or replace an alias."""
        await self._require_free(alias, cells)
        record = topodata_pb2.CellsAlias(cells=cells)
        await records.write(self._cells.global_, paths.cells_alias(alias), record)

    async def delete_cells_alias(self, alias: str) -> None:
        await self._cells.global_.delete(paths.cells_alias(alias), None)

    async def _require_free(self, alias: str, cells: Iterable[str]) -> None:
        """A cell is in one alias at most, and an alias is not named like a cell."""
        known = set(await self.list_cells())
        if missing := sorted(set(cells) - known):
            raise NotFoundError(f"no such cell: {', '.join(missing)}")
        if alias in known:
            raise PreconditionError(f"cells alias {alias!r} has the name of a cell")
        for other, record in (await self.get_cells_aliases()).items():
            taken = sorted(set(record.cells) & set(cells))
            if other != alias and taken:
                raise PreconditionError(f"cell {taken[0]} is in cells alias {other} already")
