"""The client of a tablet's mysqlctld over its unix socket. I/O."""

from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio

from armillary.pb import mysqlctl_pb2 as pb
from armillary.pb import vttime_pb2
from armillary.rpc.channels import open_channel
from armillary.rpc.service import ServiceStub

_ANSWER_MARGIN_S = 10.0


class MysqlctlClient:
    """Starts and stops the mysqld beside a vttablet. Each call may be repeated.

    Raises:
        UnavailableError: mysqlctld does not answer (yet); call again.
    """

    def __init__(self, socket: Path | str) -> None:
        self._where = f"mysqlctld at {socket}"
        self._target = f"unix:{socket}"

    async def __aenter__(self) -> Self:
        self._channel = open_channel(self._target)
        self._stub = ServiceStub(
            self._channel, pb.DESCRIPTOR.services_by_name["MysqlCtl"], where=self._where
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._channel.close(None)

    async def start(self, mysqld_args: tuple[str, ...] = (), *, timeout_s: float = 300.0) -> None:
        """Start mysqld and wait until it accepts connections."""
        await self._stub.start(pb.StartRequest(mysqld_args=mysqld_args), timeout_s=timeout_s)

    async def shutdown(
        self, *, wait: bool = True, kill_after: timedelta = timedelta(minutes=5)
    ) -> None:
        """Stop mysqld; it may take `kill_after` before it is killed."""
        seconds = kill_after.total_seconds()
        request = pb.ShutdownRequest(
            wait_for_mysqld=wait,
            mysql_shutdown_timeout=vttime_pb2.Duration(
                seconds=int(seconds), nanos=int(seconds % 1 * 1e9)
            ),
        )
        await self._stub.shutdown(request, timeout_s=seconds + _ANSWER_MARGIN_S)

    async def version(self, *, timeout_s: float = 10.0) -> str:
        response = await self._stub.version_string(pb.VersionStringRequest(), timeout_s=timeout_s)
        return str(response.version)

    async def reinit_config(self, *, timeout_s: float = 10.0) -> None:
        """Write my.cnf anew, with a new server id."""
        await self._stub.reinit_config(pb.ReinitConfigRequest(), timeout_s=timeout_s)

    async def refresh_config(self, *, timeout_s: float = 10.0) -> None:
        await self._stub.refresh_config(pb.RefreshConfigRequest(), timeout_s=timeout_s)

    async def run_mysql_upgrade(self, *, timeout_s: float = 600.0) -> None:
        await self._stub.run_mysql_upgrade(pb.RunMysqlUpgradeRequest(), timeout_s=timeout_s)
