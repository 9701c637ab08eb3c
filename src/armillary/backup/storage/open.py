"""Choose the implementation of a store from its settings."""

from armillary.backup.storage.contract import BackupStorage
from armillary.base.errors import InputError
from armillary.settings.backup import STORAGE_IMPLEMENTATIONS, BackupStorageSettings


def open_storage(settings: BackupStorageSettings) -> BackupStorage:
    """Return the store that `settings` describe. Enter it as a context manager before use.

    Cloud SDKs are imported only here, when they are wanted: they cost much to load.

    Raises:
        InputError: unknown implementation, or a setting that it needs is missing.
    """
    match settings.backup_storage_implementation:
        case "file":
            from armillary.backup.storage.file import FileStorage  # noqa: PLC0415

            return FileStorage.from_settings(settings)
        case "s3":
            from armillary.backup.storage.s3 import s3_storage  # noqa: PLC0415

            return s3_storage(settings)
        case "gcs":
            from armillary.backup.storage.gcs import gcs_storage  # noqa: PLC0415

            return gcs_storage(settings)
        case "memory":
            from armillary.backup.storage.memory import memory_storage  # noqa: PLC0415

            return memory_storage()
        case other:
            raise InputError(
                f"backup_storage_implementation is {other!r}: "
                f"wanted one of {', '.join(STORAGE_IMPLEMENTATIONS)}"
            )
