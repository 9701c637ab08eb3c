"""Find the engine for a name."""

from armillary.backup.engines.builtin import BuiltinEngine
from armillary.backup.engines.contract import Engine
from armillary.backup.engines.xtrabackup import XtrabackupEngine
from armillary.backup.manifest import BUILTIN, XTRABACKUP
from armillary.base.errors import UnsupportedError
from armillary.settings.backup import BackupFlags


def engine_named(name: str, settings: BackupFlags) -> Engine:
    """Return the engine `name`, as BackupMethod and --backup_engine_implementation spell it.

    Raises:
        UnsupportedError: we have no such engine.
    """
    if name == XTRABACKUP:
        return XtrabackupEngine(settings)
    if name == BUILTIN:
        return BuiltinEngine(settings)
    raise UnsupportedError(f"backup engine {name!r}: wanted builtin or xtrabackup")
