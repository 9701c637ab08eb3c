"""Placeholder until the client is written."""

from armillary.backup.storage.objects import ObjectStorage
from armillary.base.errors import UnsupportedError
from armillary.settings.backup import BackupStorageSettings


def s3_storage(settings: BackupStorageSettings) -> ObjectStorage:
    raise UnsupportedError("the s3 storage is not there yet")
