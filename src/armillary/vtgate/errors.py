"""The gateway's own errors, and how any error becomes an ERR packet. No I/O, but a log of bugs."""

import logging
from collections.abc import Iterable

from armillary.base.errors import (
    ArmillaryError,
    InputError,
    MysqlError,
    UnavailableError,
    UnsupportedError,
)
from armillary.wire.errnos import NET_READ_ERROR, READ_ONLY_ERRNOS, sqlstate_of
from armillary.wire.responses import encode_err

logger = logging.getLogger(__name__)


class RefusedError(UnsupportedError):
    """A statement that we cannot route correctly; Vitess's VT12001."""

    def __init__(self, what: str) -> None:
        super().__init__(f"VT12001: unsupported: {what}")


class NamedLockError(RefusedError):
    """A statement about named locks met where they are not."""


class AssignedError(RefusedError):
    """A statement that assigns user variables met where nobody reads them back."""


class SqlError(InputError):
    """An error with its own MySQL number."""

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(message)
        self.errno = errno
        self.sqlstate = sqlstate_of(errno)


class TabletUnavailableError(UnavailableError):
    """No tablet can take the statement now."""


class TabletUnreachableError(TabletUnavailableError):
    """The tablet that should take the statement cannot be connected to."""


class ConnectionLostError(UnavailableError):
    """The connection to a tablet broke; `sent` says whether a statement was under way."""

    errno = NET_READ_ERROR
    sqlstate = sqlstate_of(NET_READ_ERROR)

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class StateLostError(UnavailableError):
    """What a session had left on a server's connection is gone with that connection."""

    errno = NET_READ_ERROR
    sqlstate = sqlstate_of(NET_READ_ERROR)

    def __init__(self, where: str, holds: Iterable[str], why: str) -> None:
        what = ", ".join(sorted(holds))
        super().__init__(f"this session's {what} on {where} are gone: {why}")


class OutcomeUnknownError(UnavailableError):
    """The connection broke during COMMIT: nobody here knows whether it happened."""

    errno = NET_READ_ERROR
    sqlstate = sqlstate_of(NET_READ_ERROR)


def is_harmless(error: BaseException, *, read_only_statement: bool) -> bool:
    """Whether a statement that failed so has surely changed nothing, and another try may work."""
    if isinstance(error, MysqlError):
        return error.errno in READ_ONLY_ERRNOS
    if isinstance(error, ConnectionLostError):
        return read_only_statement or not error.sent
    return isinstance(error, TabletUnavailableError)


def is_known_away(error: BaseException) -> bool:
    """Whether health names no tablet for this: who may wait for one has waited already."""
    return isinstance(error, TabletUnavailableError) and not isinstance(
        error, TabletUnreachableError
    )


def no_database() -> SqlError:
    return SqlError(1046, "VT09005: no database selected: use keyspace<:shard><@type> or keyspace")


def several_shards(keyspace: str, shard_count: int, *, has_tables: bool) -> SqlError:
    """What is wrong with a keyspace of several shards whose VSchema is unsharded."""
    found = "calls it unsharded" if has_tables else "is empty"
    return SqlError(
        1105,
        f"keyspace {keyspace} has {shard_count} shards, but its VSchema {found}: which rows are "
        "where cannot be told (a cluster that was created again has its rows back, not its "
        "VSchema). Apply it with: vtctlclient ApplyVSchema "
        f'-vschema="$(cat vschema_{keyspace}.json)" {keyspace}',
    )


def err_payload(error: BaseException) -> bytes:
    """Return the ERR packet for an error; the one place that decides what a client is told."""
    if isinstance(error, MysqlError):
        return encode_err(error.errno, error.sqlstate, error.message)
    if isinstance(error, ArmillaryError):
        return encode_err(error.errno, error.sqlstate, str(error))
    logger.error("unexpected error in a statement", exc_info=error)
    return encode_err(1815, "HY000", f"VT13001: [BUG] {type(error).__name__}")
