"""The gRPC service mysqlctl.MysqlCtl: start and stop the mysqld beside it. I/O."""

import logging
from datetime import timedelta

from armillary.mysqld.process import MysqldProcess
from armillary.pb import mysqlctl_pb2 as pb

logger = logging.getLogger(__name__)


class MysqlCtl:
    """One method an RPC. Every call may be repeated."""

    def __init__(self, mysqld: MysqldProcess, *, shutdown_wait: timedelta) -> None:
        self._mysqld = mysqld
        self._shutdown_wait = shutdown_wait

    async def start(self, request: pb.StartRequest) -> pb.StartResponse:
        logger.info("asked to start mysqld", extra={"arguments": list(request.mysqld_args)})
        await self._mysqld.start(tuple(request.mysqld_args))
        return pb.StartResponse()

    async def shutdown(self, request: pb.ShutdownRequest) -> pb.ShutdownResponse:
        logger.info("asked to stop mysqld", extra={"wait": request.wait_for_mysqld})
        limit = request.mysql_shutdown_timeout
        timeout_s = limit.seconds + limit.nanos / 1e9 or self._shutdown_wait.total_seconds()
        await self._mysqld.shutdown(wait=request.wait_for_mysqld, timeout_s=timeout_s)
        return pb.ShutdownResponse()

    async def run_mysql_upgrade(
        self, request: pb.RunMysqlUpgradeRequest
    ) -> pb.RunMysqlUpgradeResponse:
        await self._mysqld.upgrade()
        return pb.RunMysqlUpgradeResponse()

    async def reinit_config(self, request: pb.ReinitConfigRequest) -> pb.ReinitConfigResponse:
        await self._mysqld.reinit_config()
        return pb.ReinitConfigResponse()

    async def refresh_config(self, request: pb.RefreshConfigRequest) -> pb.RefreshConfigResponse:
        await self._mysqld.reinit_config()
        return pb.RefreshConfigResponse()

    async def version_string(self, request: pb.VersionStringRequest) -> pb.VersionStringResponse:
        return pb.VersionStringResponse(version=await self._mysqld.version())
