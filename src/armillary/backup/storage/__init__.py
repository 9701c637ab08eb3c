"""Where backups live: one Protocol, and an implementation for each kind of store.

The layout is Vitess's: `<root>/<keyspace>/<shard>/<backup name>/<file>`. `contract` has the
Protocol, `open` chooses the implementation.
"""

from armillary.backup.storage.contract import BackupStorage, StoredFile
from armillary.backup.storage.open import open_storage

__all__ = ["BackupStorage", "StoredFile", "open_storage"]
