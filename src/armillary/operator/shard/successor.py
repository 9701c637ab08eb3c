"""Which of several tablets has come farthest. Pure."""

from collections.abc import Mapping, Sequence

from armillary.base.errors import InputError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias


def choose_successor(
    successors: Sequence[TabletAlias], positions: Mapping[TabletAlias, str]
) -> TabletAlias:
    """Return the tablet to hand over to: the farthest that told its position, else the first.

    Nothing is lost by a bad choice: it has to catch up before it is promoted. It costs time.
    """
    told = [alias for alias in successors if alias in positions]
    best = told[0] if told else successors[0]
    for alias in told:
        if is_ahead(positions[alias], positions[best]):
            best = alias
    return best


def is_ahead(one: str, other: str) -> bool:
    """Whether position `one` has transactions that `other` lacks and lacks none itself."""
    try:
        mine, theirs = Position.parse(one), Position.parse(other)
        return mine.at_least(theirs) and not theirs.at_least(mine)
    except InputError:
        return False
