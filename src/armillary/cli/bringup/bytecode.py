"""Compile our own package once, before some thirty processes import it. I/O.

Pods see the package read-only, and an environment may forbid Python to write bytecode; each process
would then compile every module that it imports, for a second or more of CPU.
"""

import compileall
import os
from importlib.util import cache_from_source
from pathlib import Path

import armillary


def ensure_bytecode(package: Path | None = None) -> bool:
    """Compile what is stale; return whether something was. Does nothing where we may not write.

    Again: only looks at dates.
    """
    folder = package or Path(armillary.__file__).parent
    if not os.access(folder, os.W_OK) or not any(map(_is_stale, folder.rglob("*.py"))):
        return False
    try:
        compileall.compile_dir(folder, quiet=2, workers=os.cpu_count() or 1)
    except OSError:  # no semaphores here: /dev/shm is missing or not ours
        compileall.compile_dir(folder, quiet=2)
    return True


def _is_stale(source: Path) -> bool:
    compiled = Path(cache_from_source(str(source)))
    return not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime
