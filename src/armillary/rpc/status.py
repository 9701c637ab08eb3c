"""Our errors as gRPC statuses and back: the one place that maps them. Pure.

Codes follow Vitess's use of them, so that its clients understand ours. The class of an error that
has no code of its own (IntegrityError, MysqlError...) travels in the trailing metadata
`armillary-error`, which other clients ignore.
"""

import re
from typing import Any, cast

import grpc
import grpc.aio

from armillary.base.errors import (
    AlreadyExistsError,
    ArmillaryError,
    ConflictError,
    DeadlineError,
    InputError,
    IntegrityError,
    InvariantError,
    MysqlError,
    NotFoundError,
    PreconditionError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
    WireError,
)

ERROR_METADATA_KEY = "armillary-error"

# First match wins: subclasses before their bases.
_CODES: tuple[tuple[type[ArmillaryError], grpc.StatusCode], ...] = (
    (NotFoundError, grpc.StatusCode.NOT_FOUND),
    (AlreadyExistsError, grpc.StatusCode.ALREADY_EXISTS),
    (PreconditionError, grpc.StatusCode.FAILED_PRECONDITION),
    (UnsupportedError, grpc.StatusCode.UNIMPLEMENTED),
    (UnauthenticatedError, grpc.StatusCode.UNAUTHENTICATED),
    (InputError, grpc.StatusCode.INVALID_ARGUMENT),
    (DeadlineError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (UnavailableError, grpc.StatusCode.UNAVAILABLE),
    (ConflictError, grpc.StatusCode.ABORTED),
    (IntegrityError, grpc.StatusCode.DATA_LOSS),
    (MysqlError, grpc.StatusCode.UNKNOWN),
    (WireError, grpc.StatusCode.INTERNAL),
    (InvariantError, grpc.StatusCode.INTERNAL),
    (ArmillaryError, grpc.StatusCode.UNKNOWN),
)

_CLASSES: dict[grpc.StatusCode, type[ArmillaryError]] = {
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: PreconditionError,
    grpc.StatusCode.OUT_OF_RANGE: InputError,
    grpc.StatusCode.UNIMPLEMENTED: UnsupportedError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: UnauthenticatedError,
    grpc.StatusCode.INVALID_ARGUMENT: InputError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.CANCELLED: UnavailableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: UnavailableError,
    grpc.StatusCode.ABORTED: ConflictError,
    grpc.StatusCode.DATA_LOSS: IntegrityError,
}

_MYSQL_TAIL = re.compile(
    r"^(?P<message>.*) \(errno (?P<errno>\d+)\) \(sqlstate (?P<state>\w{5})\)", re.DOTALL
)
_CONNECTION_TROUBLE = re.compile(
    "Connection refused|Domain name not found|Name or service not known|No such file"
    "|timed out|Connection reset"
)


def status_code(error: Exception) -> grpc.StatusCode:
    """Return the status under which an error leaves this process."""
    if isinstance(error, TimeoutError):
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return next((code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.UNKNOWN)


def error_from_status(error: grpc.aio.AioRpcError, *, where: str = "") -> ArmillaryError:
    """Return our error for what a call raised.

    `where` names the peer; it is put before the text of failures of the connection itself, not
    before what the peer's own code answered.
    """
    details = error.details() or error.code().name
    kind = _CLASSES.get(error.code(), ArmillaryError)
    metadata: dict[str, Any] = dict(cast(Any, error.trailing_metadata()) or ())
    if metadata.get(ERROR_METADATA_KEY) == "MysqlError" and (match := _MYSQL_TAIL.match(details)):
        return MysqlError(int(match["errno"]), match["state"], match["message"])
    if issubclass(kind, UnavailableError) and ERROR_METADATA_KEY not in metadata and where:
        return kind(f"{where}: {_plain(details)}")
    return kind(details)


def _plain(details: str) -> str:
    """Drop what only gRPC's authors want to read."""
    found = _CONNECTION_TROUBLE.search(details)
    return found[0].lower() if found else details
