"""Calls to vttablets about their state, their schema, and queries. I/O."""

from armillary.model.tablet import TabletType
from armillary.pb import query_pb2, replicationdata_pb2
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.rpc.tablet_calls import Tablet, TabletCalls, database_name


class StateCalls(TabletCalls):
    async def ping(self, tablet: Tablet, *, timeout_s: float | None = None) -> None:
        await self._call(tablet, "ping", pb.PingRequest(payload="payload"), timeout_s)

    async def change_type(
        self, tablet: Tablet, tablet_type: TabletType, *, semi_sync: bool = False
    ) -> None:
        request = pb.ChangeTypeRequest(tablet_type=tablet_type.name, semiSync=semi_sync)
        await self._call(tablet, "change_type", request)

    async def refresh_state(self, tablet: Tablet) -> None:
        """Make the tablet read its topology records again."""
        await self._call(tablet, "refresh_state", pb.RefreshStateRequest())

    async def run_health_check(self, tablet: Tablet) -> None:
        await self._call(tablet, "run_health_check", pb.RunHealthCheckRequest())

    async def set_read_only(self, tablet: Tablet) -> None:
        await self._call(tablet, "set_read_only", pb.SetReadOnlyRequest())

    async def set_read_write(self, tablet: Tablet) -> None:
        await self._call(tablet, "set_read_write", pb.SetReadWriteRequest())

    async def full_status(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.FullStatus:
        response = await self._call(tablet, "full_status", pb.FullStatusRequest(), timeout_s)
        return response.status  # type: ignore[no-any-return]


class SchemaCalls(TabletCalls):
    async def get_schema(
        self,
        tablet: Tablet,
        *,
        tables: tuple[str, ...] = (),
        exclude_tables: tuple[str, ...] = (),
        include_views: bool = False,
        table_schema_only: bool = False,
    ) -> pb.SchemaDefinition:
        request = pb.GetSchemaRequest(
            tables=tables,
            exclude_tables=exclude_tables,
            include_views=include_views,
            table_schema_only=table_schema_only,
        )
        response = await self._call(tablet, "get_schema", request)
        return response.schema_definition  # type: ignore[no-any-return]

    async def reload_schema(
        self, tablet: Tablet, *, wait_position: str = "", timeout_s: float | None = None
    ) -> None:
        """Have the tablet tell the gateways which tables have changed."""
        request = pb.ReloadSchemaRequest(wait_position=wait_position)
        await self._call(tablet, "reload_schema", request, timeout_s)

    async def apply_schema(
        self,
        tablet: Tablet,
        sql: str,
        *,
        allow_replication: bool = True,
        timeout_s: float = 3600.0,
    ) -> pb.ApplySchemaResponse:
        """Run DDL on the tablet's database; several statements are separated by semicolons."""
        request = pb.ApplySchemaRequest(sql=sql, allow_replication=allow_replication)
        response = await self._call(tablet, "apply_schema", request, timeout_s)
        return response  # type: ignore[no-any-return]

    async def execute_fetch_as_dba(
        self,
        tablet: Tablet,
        query: str | bytes,
        *,
        db_name: str | None = None,
        max_rows: int = 10_000,
        disable_binlogs: bool = False,
        reload_schema: bool = False,
        timeout_s: float | None = None,
    ) -> query_pb2.QueryResult:
        request = pb.ExecuteFetchAsDbaRequest(
            query=query.encode() if isinstance(query, str) else query,
            db_name=database_name(tablet) if db_name is None else db_name,
            max_rows=max_rows,
            disable_binlogs=disable_binlogs,
            reload_schema=reload_schema,
        )
        response = await self._call(tablet, "execute_fetch_as_dba", request, timeout_s)
        return response.result  # type: ignore[no-any-return]
