"""COMMIT of one transaction over several shards, one after another. I/O.

What is committed cannot be undone. So the error of a COMMIT that fails says of every shard what
became of it: committed, rolled back, or unknown.
"""

import logging
from collections.abc import Sequence

import anyio

from armillary.base.errors import ArmillaryError, MysqlError
from armillary.model.tablet import TabletType
from armillary.vtgate.errors import ConnectionLostError, OutcomeUnknownError, is_harmless
from armillary.vtgate.session import Pin, Session
from armillary.vtgate.tablets.selection import Tablets
from armillary.vtgate.transactions.pins import Pins

logger = logging.getLogger(__name__)

COMMIT_S_MAX = 30.0  # on one shard


class Commits:
    def __init__(self, session: Session, tablets: Tablets, pins: Pins) -> None:
        self._session = session
        self._tablets = tablets
        self._pins = pins

    async def commit(self, *, one_statement: bool) -> None:
        """Commit on every shard; once begun it is not interrupted, or it would be done by halves.

        Args:
            one_statement: the transaction is a single statement's, and may be made whole again.
        Raises:
            ArmillaryError: the first shard's, when nothing was committed.
            OutcomeUnknownError: it was committed in part, or nobody knows; then all is over.
        """
        with anyio.CancelScope(shield=True):
            await self._commit(one_statement=one_statement)

    async def _commit(self, *, one_statement: bool) -> None:
        pins = self._pins.ordered()
        self._pins.forget()
        done = 0
        try:
            for pin in pins:
                if (
                    pin.connection.broken or pin.connection.busy
                ):  # seen now, before anything is committed
                    raise ConnectionLostError(
                        f"the connection of this transaction to {pin.keyspace}/{pin.shard} is lost",
                        sent=False,
                    )
            for pin in pins:
                try:
                    await self._commit_in_time(pin, may_repeat=one_statement and done > 0)
                except ArmillaryError as error:
                    if pin.group == "post":
                        self._session.new_warnings.append(
                            ("Warning", 1105, f"a lookup row too many stays: {error}")
                        )
                        self._pins.drop(pin)
                        done += 1
                        continue
                    raise self._commit_failure(error, pins, done) from error
                self._pins.release(pin)
                done += 1
        finally:
            for pin in pins[done:]:
                await self._pins.roll_back(pin)

    async def _commit_in_time(self, pin: Pin, *, may_repeat: bool) -> None:
        try:
            with anyio.fail_after(COMMIT_S_MAX):
                await self._commit_pin(pin, may_repeat=may_repeat)
        except TimeoutError:
            pin.connection.abort()
            raise ConnectionLostError(
                f"{pin.keyspace}/{pin.shard} did not answer COMMIT in {COMMIT_S_MAX:g} s: "
                "whether it was done is unknown"
            ) from None

    async def _commit_pin(self, pin: Pin, *, may_repeat: bool) -> None:
        try:
            await pin.connection.query(b"COMMIT")
        except (MysqlError, ConnectionLostError) as error:
            # The primary changed between the commits of one statement. It surely did not commit,
            # so the statement can still be made whole: its writes again, on the next primary.
            undone = is_harmless(error, read_only_statement=False)
            if not (may_repeat and undone and pin.writes):
                raise
            if not pin.connection.broken:
                pin.connection.abort()
            self._tablets.suspect_primary(pin.keyspace, pin.shard, still_reads=True)
            await self._write_again(pin)

    async def _write_again(self, pin: Pin) -> None:
        logger.info("writing again", extra={"keyspace": pin.keyspace, "shard": pin.shard})
        pool = await self._tablets.pool(pin.keyspace, pin.shard, TabletType.PRIMARY)
        connection = await pool.acquire(pin.key)
        try:
            for sql in (b"BEGIN", *pin.writes, b"COMMIT"):
                await connection.query(sql)
        except BaseException:
            connection.abort()
            raise
        finally:
            pool.release(pin.key, connection)

    def _commit_failure(self, error: ArmillaryError, pins: list[Pin], done: int) -> ArmillaryError:
        failed = pins[done]
        self._tablets.suspect_primary(failed.keyspace, failed.shard)
        unknown = isinstance(error, ConnectionLostError) and error.sent
        if done == 0 and not unknown:
            return error
        return OutcomeUnknownError(
            commit_report(
                error,
                committed=[f"{pin.keyspace}/{pin.shard}" for pin in pins[:done]],
                failed=f"{failed.keyspace}/{failed.shard}",
                unknown=unknown,
                rolled_back=[f"{pin.keyspace}/{pin.shard}" for pin in pins[done + 1 :]],
            )
        )


def commit_report(
    error: ArmillaryError,
    *,
    committed: Sequence[str],
    failed: str,
    unknown: bool,
    rolled_back: Sequence[str],
) -> str:
    """Say of every shard of a transaction what became of it, when one COMMIT failed."""
    said = []
    if committed:
        said.append(f"committed on {len(committed)} shards: {', '.join(committed)}")
    if unknown:
        said.append(
            f"lost the connection to {failed} during COMMIT: whether it was done is unknown"
        )
    else:
        said.append(f"not committed on {failed}: {error}")
    if rolled_back:
        said.append(f"rolled back on {', '.join(rolled_back)}")
    return "the transaction was not committed as a whole: " + "; ".join(said)
