"""Calls that run one statement as one of the server's accounts. I/O."""

from armillary.base.errors import UnsupportedError
from armillary.model.tablet import TabletType
from armillary.mysqld.connection import Connection, MysqlParams, Rows, connect
from armillary.pb import query_pb2
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.vttablet.query_results import encode_result
from armillary.vttablet.reparent_rpcs import ReparentRpcs


class QueryRpcs(ReparentRpcs):
    async def execute_fetch_as_dba(
        self, request: pb.ExecuteFetchAsDbaRequest
    ) -> pb.ExecuteFetchAsDbaResponse:
        params = self.agent.params(database=request.db_name, raw_values=True)
        async with await connect(params) as connection:
            await self._prepare(
                connection,
                disable_binlogs=request.disable_binlogs,
                disable_foreign_keys=request.disable_foreign_key_checks,
            )
            rows = await connection.query(request.query)
        await self._reloaded(request.reload_schema)
        return pb.ExecuteFetchAsDbaResponse(result=_encode(rows, request.max_rows))

    async def execute_multi_fetch_as_dba(
        self, request: pb.ExecuteMultiFetchAsDbaRequest
    ) -> pb.ExecuteMultiFetchAsDbaResponse:
        params = MysqlParams(
            user=self.agent.accounts.dba,
            password=self.agent.credentials.password(self.agent.accounts.dba),
            socket=self.agent.params().socket,
            database=request.db_name,
            raw_values=True,
            multi_statements=True,
        )
        async with await connect(params) as connection:
            await self._prepare(
                connection,
                disable_binlogs=request.disable_binlogs,
                disable_foreign_keys=request.disable_foreign_key_checks,
            )
            results = await connection.query_all(request.sql)
        await self._reloaded(request.reload_schema)
        return pb.ExecuteMultiFetchAsDbaResponse(
            results=[_encode(rows, request.max_rows) for rows in results]
        )

    async def _reloaded(self, wanted: bool) -> None:
        if wanted:
            await self.agent.tables.look()

    async def _prepare(
        self, connection: Connection, *, disable_binlogs: bool, disable_foreign_keys: bool
    ) -> None:
        # What the binlog of a replica has and its primary's has not would be an errant GTID.
        if disable_binlogs or self.agent.role.tablet_type != TabletType.PRIMARY:
            await connection.execute("SET SESSION sql_log_bin = 0")
        if disable_foreign_keys:
            await connection.execute("SET SESSION foreign_key_checks = 0")

    async def execute_fetch_as_all_privs(
        self, request: pb.ExecuteFetchAsAllPrivsRequest
    ) -> pb.ExecuteFetchAsAllPrivsResponse:
        rows = await self._as(self.agent.accounts.allprivs, request.query, request.db_name)
        await self._reloaded(request.reload_schema)
        return pb.ExecuteFetchAsAllPrivsResponse(result=_encode(rows, request.max_rows))

    async def execute_fetch_as_app(
        self, request: pb.ExecuteFetchAsAppRequest
    ) -> pb.ExecuteFetchAsAppResponse:
        # vt_app comes over the network only; vt_filtered has the same rights on the socket.
        account = self.agent.accounts.filtered
        rows = await self._as(account, request.query, self.agent.identity.database)
        return pb.ExecuteFetchAsAppResponse(result=_encode(rows, request.max_rows))

    async def execute_query(self, request: pb.ExecuteQueryRequest) -> pb.ExecuteQueryResponse:
        database = request.db_name or self.agent.identity.database
        rows = await self._as(self.agent.accounts.filtered, request.query, database)
        return pb.ExecuteQueryResponse(result=_encode(rows, request.max_rows))

    async def _as(self, user: str, query: bytes, database: str) -> Rows:
        params = self.agent.params(user, database=database, raw_values=True)
        async with await connect(params) as connection:
            return await connection.query(query)

    async def get_global_status_vars(
        self, request: pb.GetGlobalStatusVarsRequest
    ) -> pb.GetGlobalStatusVarsResponse:
        async with await self.agent.dba() as connection:
            rows = await connection.query("SHOW GLOBAL STATUS")
        wanted = {name.lower() for name in request.variables}
        return pb.GetGlobalStatusVarsResponse(
            status_values={
                str(name): str(value)
                for name, value in rows.values
                if not wanted or str(name).lower() in wanted
            }
        )

    async def lock_tables(self, request: pb.LockTablesRequest) -> pb.LockTablesResponse:
        raise UnsupportedError("LockTables: use an online backup")


def _encode(rows: Rows, rows_max: int) -> query_pb2.QueryResult:
    return encode_result(rows, rows_max=rows_max)
