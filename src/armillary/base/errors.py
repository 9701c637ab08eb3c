"""The tree of errors. Its second level answers what a caller may do now. Pure.

A subclass carries fields; its message says what was wanted and what was found, in lower case,
without a full stop. Each process maps this tree to the outside in one function.
"""


class ArmillaryError(Exception):
    """Root of all our errors."""

    errno: int = 1105
    sqlstate: str = "HY000"


class InputError(ArmillaryError):
    """The person must change something; calling again with the same input fails again."""


class NotFoundError(InputError):
    """The thing that was named does not exist."""


class AlreadyExistsError(InputError):
    """The thing that was to be made exists already."""


class PreconditionError(InputError):
    """The request is well formed, but the state of the cluster forbids it."""


class UnsupportedError(InputError):
    """We understand the request and do not do it."""

    errno = 1235
    sqlstate = "42000"


class UnauthenticatedError(InputError):
    """The caller did not prove who it is."""

    errno = 1045
    sqlstate = "28000"


class UnavailableError(ArmillaryError):
    """Something that we need does not answer now; try again later."""


class DeadlineError(UnavailableError):
    """The time that the caller allowed is over; the outcome is unknown."""

    errno = 1317
    sqlstate = "70100"


class ConflictError(ArmillaryError):
    """Somebody else changed it first: read again, then decide again."""


class IntegrityError(ArmillaryError):
    """Data is not what it must be: stop, touch nothing, call a person."""


class WireError(ArmillaryError):
    """The peer broke the protocol."""

    errno = 1835
    sqlstate = "08S01"


class MysqlError(ArmillaryError):
    """What a mysqld answered, as sent."""

    def __init__(self, errno: int, sqlstate: str, message: str) -> None:
        super().__init__(f"{message} (errno {errno}) (sqlstate {sqlstate})")
        self.errno = errno
        self.sqlstate = sqlstate
        self.message = message


class InvariantError(ArmillaryError):
    """Our bug: a state that cannot be, seen before an act that cannot be undone."""


def leaves_of(group: BaseExceptionGroup[BaseException]) -> tuple[BaseException, ...]:
    """Return the errors in a group and in the groups inside it, in their order."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += leaves_of(error) if isinstance(error, BaseExceptionGroup) else [error]
    return tuple(found)
