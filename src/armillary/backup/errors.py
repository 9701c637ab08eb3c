"""What can go wrong around backups, beyond the general tree of errors. Pure."""

from armillary.base.errors import IntegrityError, PreconditionError, UnavailableError


class StorageUnavailableError(UnavailableError):
    """The backup storage does not answer, or not in a way that we understand."""


class DamagedBackupError(IntegrityError):
    """What is stored is not what was written: truncated, changed or missing."""

    def __init__(self, backup: str, file: str, reason: str) -> None:
        super().__init__(f"backup {backup} is damaged: file {file}: {reason}")
        self.backup = backup
        self.file = file
        self.reason = reason


class ManifestError(IntegrityError):
    """A MANIFEST that is no manifest; the backup counts as incomplete."""


class BackupToolError(UnavailableError):
    """The program that makes or unpacks backups failed; the message has its last lines."""


class NoBackupError(PreconditionError):
    """No backup fits what was asked; the message says why each one was passed over."""

    def __init__(self, message: str, *, none_exist: bool = False) -> None:
        super().__init__(message)
        self.none_exist = none_exist  # there is nothing at all, not even an incomplete one


class RestoreMismatchError(PreconditionError):
    """The backup was restored whole, but it is not what this tablet must serve."""


def os_error_text(error: OSError) -> str:
    """Return what an error of the system or a time limit says, with the file if it names one."""
    if isinstance(error, TimeoutError):
        return str(error) or "took too long"
    file = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{file}"


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error in a task group's bundle; the others are its consequences."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
