"""What earlier attempts of one process found wrong with backups, so that none is fetched in vain.

A tablet that finds nothing it can use tries again and again, because a better backup may appear.
Unpacking the same wrong one each time would keep disk, network and store busy for nothing.
"""

from dataclasses import dataclass, field

from armillary.backup.errors import DamagedBackupError, RestoreMismatchError
from armillary.base.clock import monotonic_s

# Somebody may have put a good copy of a damaged file in its place.
DAMAGE_FORGOTTEN_AFTER_S = 300.0

Finding = DamagedBackupError | RestoreMismatchError


@dataclass(slots=True)
class RestoreMemory:
    _findings: dict[str, tuple[Finding, float]] = field(default_factory=dict)

    def note(self, directory: str, raw_name: str, finding: Finding) -> None:
        self._findings[f"{directory}/{raw_name}"] = (finding, monotonic_s())

    def recall(self, directory: str, raw_name: str) -> Finding | None:
        """Return what is wrong with a backup; None if nothing is known, or not any more.

        What a complete backup holds never changes; what is damaged may be repaired.
        """
        finding, noted_s = self._findings.get(f"{directory}/{raw_name}", (None, 0.0))
        if isinstance(finding, DamagedBackupError):
            return finding if monotonic_s() - noted_s < DAMAGE_FORGOTTEN_AFTER_S else None
        return finding
