"""Start and stop mysqld through the mysqlctld beside us. I/O."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import anyio

from armillary.base.clock import monotonic_s
from armillary.base.errors import UnavailableError
from armillary.rpc.mysqlctl_client import MysqlctlClient

logger = logging.getLogger(__name__)

_RETRY_S = 0.5


class MysqlctlControl:
    """A `MysqldControl`. mysqlctld may be away for a moment (it restarts with its mysqld)."""

    def __init__(self, client: MysqlctlClient, *, patience_s: float = 60.0) -> None:
        self._client = client
        self._patience_s = patience_s
        self._version = ""

    async def start(self, extra_args: Sequence[str] = ()) -> None:
        deadline_s = monotonic_s() + self._patience_s
        while True:
            try:
                await self._client.start(tuple(extra_args))
                return
            except UnavailableError as error:
                if monotonic_s() > deadline_s:
                    raise
                logger.warning("cannot start mysqld yet", extra={"reason": str(error)})
            await anyio.sleep(_RETRY_S)

    async def shutdown(self, *, wait: bool = True, timeout_s: float = 300.0) -> None:
        deadline_s = monotonic_s() + self._patience_s
        while True:
            try:
                await self._client.shutdown(wait=wait, kill_after=timedelta(seconds=timeout_s))
                return
            except UnavailableError as error:
                if monotonic_s() > deadline_s:
                    raise
                logger.warning("cannot stop mysqld yet", extra={"reason": str(error)})
            await anyio.sleep(_RETRY_S)

    async def version(self) -> str:
        if not self._version:
            self._version = await self._client.version()
        return self._version

    async def reinit_config(self) -> None:
        await self._client.reinit_config()
