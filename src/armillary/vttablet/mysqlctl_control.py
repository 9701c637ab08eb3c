"""Start and stop mysqld through the mysqlctld beside us. I/O."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import anyio

from armillary.base.clock import monotonic_s
from armillary.base.errors import UnavailableError
from armillary.base.retry import backoff_delays_s
from armillary.rpc.mysqlctl_client import MysqlctlClient

logger = logging.getLogger(__name__)

_RETRY_FIRST_S, _RETRY_MAX_S = 0.2, 3.0


class MysqlctlControl:
    """A `MysqldControl`. mysqlctld may be away for a moment (it restarts with its mysqld)."""

    def __init__(self, client: MysqlctlClient, *, patience_s: float = 60.0) -> None:
        self._client = client
        self._patience_s = patience_s
        self._version = ""

    async def start(self, extra_args: Sequence[str] = ()) -> None:
        await self._insist("start mysqld", lambda: self._client.start(tuple(extra_args)))

    async def shutdown(self, *, wait: bool = True, timeout_s: float = 300.0) -> None:
        limit = timedelta(seconds=timeout_s)
        await self._insist(
            "stop mysqld", lambda: self._client.shutdown(wait=wait, kill_after=limit)
        )

    async def _insist(self, act: str, call: Callable[[], Awaitable[None]]) -> None:
        """Call until mysqlctld answers; says each new reason once."""
        deadline_s = monotonic_s() + self._patience_s
        delays = backoff_delays_s(first_s=_RETRY_FIRST_S, max_s=_RETRY_MAX_S, factor=1.5)
        told = ""
        while True:
            try:
                await call()
                return
            except UnavailableError as error:
                if monotonic_s() > deadline_s:
                    raise
                if str(error) != told:
                    told = str(error)
                    logger.warning(
                        "mysqlctld has to be waited for", extra={"to": act, "reason": told}
                    )
            await anyio.sleep(next(delays))

    async def version(self) -> str:
        if not self._version:
            self._version = await self._client.version()
        return self._version

    async def reinit_config(self) -> None:
        await self._client.reinit_config()

    async def upgrade(self) -> None:
        await self._client.run_mysql_upgrade()
