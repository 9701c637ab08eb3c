"""Calls that take long, such as backups: an end of the process breaks them off and waits for them.

A backup that is broken off takes away what it stored, and starts mysqld again if it had stopped it.
If the process just ended, its clean-up would be cut short with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from armillary.base.errors import UnavailableError

CLEAN_UP_S_MAX = 30.0


class LongWork:
    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()
        self._is_ending = False
        self._over = anyio.Event()

    @contextmanager
    def breakable(self, what: str) -> Iterator[None]:
        """Do the block's work, until the process is asked to end.

        Raises:
            UnavailableError: it was, so the work is not done.
        """
        with anyio.CancelScope() as scope:
            if self._is_ending:
                scope.cancel()
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)
                if self._is_ending and not self._scopes:
                    self._over.set()
        if scope.cancelled_caught:
            raise UnavailableError(f"{what} was broken off: the tablet is ending")

    async def break_off(self) -> bool:
        """Break off all that is under way and wait until it has cleaned up; False: nothing was."""
        self._is_ending = True
        if not self._scopes:
            return False
        for scope in self._scopes:
            scope.cancel()
        with anyio.move_on_after(CLEAN_UP_S_MAX):
            await self._over.wait()
        return True
