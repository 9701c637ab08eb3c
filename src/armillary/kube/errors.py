"""What an API server's refusals mean in our tree of errors. Pure."""

from typing import Any

from armillary.base.errors import (
    AlreadyExistsError,
    ArmillaryError,
    ConflictError,
    InputError,
    NotFoundError,
    PreconditionError,
    UnauthenticatedError,
    UnavailableError,
)


class ExpiredError(ConflictError):
    """The resource version is too old to watch or to page from: list again."""


class LeaseLostError(ConflictError):
    """Another process holds the lease: stop acting."""


_BY_CODE: dict[int, type[ArmillaryError]] = {
    400: InputError,
    401: UnauthenticatedError,
    403: PreconditionError,
    404: NotFoundError,
    405: InputError,
    409: ConflictError,
    410: ExpiredError,
    413: InputError,
    415: InputError,
    422: InputError,
    429: UnavailableError,
}


def error_for_status(code: int, status: Any, *, asked: str) -> ArmillaryError:
    """Return the error for an HTTP code and the `Status` object that came with it.

    Args:
        asked: what was requested, e.g. `PATCH /api/v1/...`; part of the message.
    """
    body = status if isinstance(status, dict) else {}
    message = body.get("message") or str(status)[:300] or "no reason given"
    kind = _BY_CODE.get(code, UnavailableError if code >= 500 else InputError)
    if code == 409 and body.get("reason") == "AlreadyExists":
        kind = AlreadyExistsError
    return kind(f"{asked}: {code}: {message}")
