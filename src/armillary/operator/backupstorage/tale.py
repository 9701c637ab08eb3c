"""What is told of a look into a location, and when the next one is. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from armillary.operator.crd.parts import Condition

# Reasons of Events and of the condition.
OPEN_FAILED = "OpenFailed"
LIST_FAILED = "ListFailed"
INVALID_BACKUP = "InvalidBackup"

_FAILING_PAUSE_S_MAX = 60.0  # whoever mends a Secret waits for us
_TOLD_MAX = 3


class Problem(NamedTuple):
    reason: str
    message: str


def told_first(problem: Problem) -> tuple[bool, str]:
    """Order problems: what hides a whole directory, then the rest, each by its words."""
    return problem.reason != LIST_FAILED, problem.message


def mirrored_condition(problems: Sequence[Problem], *, is_blind: bool = False) -> Condition:
    """Return the condition Mirrored.

    Args:
        is_blind: no directory at all could be listed.
    """
    if not problems:
        return Condition(
            type="Mirrored",
            status="True",
            reason="Listed",
            message="Every backup of the location is shown.",
        )
    more = f" (and {len(problems) - _TOLD_MAX} more)" if len(problems) > _TOLD_MAX else ""
    lines = "; ".join(problem.message for problem in problems[:_TOLD_MAX])
    shown = "What was seen before is shown." if is_blind else "All other backups are shown."
    return Condition(
        type="Mirrored",
        status="False",
        reason=LIST_FAILED if is_blind else "PartlyListed",
        message=f"{shown} {lines}{more}.",
    )


def pause_s(interval_s: float, failures: int) -> float:
    """Return the seconds until the next look; passes in a row that saw nothing make it longer."""
    longest_s = max(interval_s, _FAILING_PAUSE_S_MAX)
    return min(interval_s * 2.0 ** min(max(failures - 1, 0), 10), longest_s)
