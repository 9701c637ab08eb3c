"""What is known to be wrong is not fetched again: for ever, or until it may have been repaired."""

import pytest

from armillary.backup import restore_memory
from armillary.backup.errors import DamagedBackupError, RestoreMismatchError
from armillary.backup.restore_memory import DAMAGE_FORGOTTEN_AFTER_S, RestoreMemory

DAMAGED = DamagedBackupError("main/-80/b", "CHUNKS", "is missing")
MISMATCH = RestoreMismatchError("no such database")


def test_findings_are_kept_by_directory_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr(restore_memory, "monotonic_s", lambda: now_s)
    memory = RestoreMemory()
    memory.note("main/-80", "a", MISMATCH)
    memory.note("main/-80", "b", DAMAGED)
    assert memory.recall("main/-80", "a") is MISMATCH
    assert memory.recall("main/-80", "b") is DAMAGED
    assert memory.recall("main/80-", "a") is None and memory.recall("main/-80", "c") is None
    now_s += DAMAGE_FORGOTTEN_AFTER_S
    assert memory.recall("main/-80", "b") is None, "it may have been repaired"
    assert memory.recall("main/-80", "a") is MISMATCH, "what it holds never changes"
