"""What a killed process left of a backup or a restore in the tablet's directory. I/O."""

import logging
import shutil

from armillary.mysqld.layout import TabletDir

logger = logging.getLogger(__name__)

STAGING_NAME = "restore-staging"
SCRATCH_PREFIX = "backup-"


def clear_leftovers(dirs: TabletDir) -> None:
    """Remove unpacked data that no restore goes on with, and the backup tool's scratch directories.

    Those hold an option file with a password. Only for whoever starts, and alone uses the
    directory. The sentinel of an unfinished restore stays: it says that the data must not be used.
    """
    leftovers = [dirs.path / STAGING_NAME, *dirs.tmp.glob(f"{SCRATCH_PREFIX}*")]
    for path in leftovers:
        if path.is_dir():
            logger.info("removing what a killed process left", extra={"directory": str(path)})
            shutil.rmtree(path, ignore_errors=True)
