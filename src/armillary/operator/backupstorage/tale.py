"""What is told of a look into a location, and when the next one is. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from armillary.operator.crd.parts import Condition
from armillary.operator.render import labels as keys

# Reasons of Events and of the condition.
OPEN_FAILED = "OpenFailed"
LIST_FAILED = "ListFailed"
LOCATION_GONE = "LocationGone"
INVALID_BACKUP = "InvalidBackup"

_FAILING_PAUSE_S_MAX = 60.0  # whoever mends a Secret waits for us
_TOLD_MAX = 3


class Problem(NamedTuple):
    reason: str
    message: str


def location_gone(root: str, seen: int, cluster: str, namespace: str) -> Problem:
    """Tell that the place is not there, in which backups were seen before."""
    return Problem(
        LOCATION_GONE,
        f"the directory {root} is not there, in which {seen} backups were: mount its volume on "
        "this machine, or put it back. If the backups were removed on purpose, this forgets them: "
        f"kubectl -n {namespace} delete vitessbackups -l {keys.CLUSTER}={cluster}",
    )


def told_first(problem: Problem) -> tuple[bool, str]:
    """Order problems: what hides a whole directory, then the rest, each by its words."""
    return problem.reason != LIST_FAILED, problem.message


def mirrored_condition(
    problems: Sequence[Problem], *, is_blind: bool = False, total: int | None = None
) -> Condition:
    """Return the condition Mirrored.

    Args:
        is_blind: no directory at all could be listed.
        total: how many backups there are; None when that is not known.
    """
    if not problems:
        return Condition(
            type="Mirrored",
            status="True",
            reason="Listed",
            message="Every backup of the location is shown."
            if total != 0
            else "There is no backup in the location.",
        )
    more = f" (and {len(problems) - _TOLD_MAX} more)" if len(problems) > _TOLD_MAX else ""
    lines = "; ".join(problem.message for problem in problems[:_TOLD_MAX])
    shown = "What was seen before is shown." if is_blind else "All other backups are shown."
    return Condition(
        type="Mirrored",
        status="False",
        reason=problems[0].reason if is_blind else "PartlyListed",
        message=f"{shown} {lines}{more}.",
    )


def pause_s(interval_s: float, failures: int) -> float:
    """Return the seconds until the next look; passes in a row that saw nothing make it longer."""
    longest_s = max(interval_s, _FAILING_PAUSE_S_MAX)
    return min(interval_s * 2.0 ** min(max(failures - 1, 0), 10), longest_s)
