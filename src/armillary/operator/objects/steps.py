"""Go on after a step that failed, and tell its error in the end. I/O."""

import logging
from collections.abc import Awaitable
from typing import TypeVar

from armillary.base.errors import ArmillaryError

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


class Steps:
    """One pass over one object: steps that do not need one another do not stop one another."""

    def __init__(self) -> None:
        self._errors: list[ArmillaryError] = []

    async def take(self, step: Awaitable[_T]) -> _T | None:
        """Return the step's result; None when it failed."""
        try:
            return await step
        except ArmillaryError as error:
            logger.debug("step failed, going on", extra={"error": str(error)})
            self._errors.append(error)
            return None

    def raise_first(self) -> None:
        """Raise the first error of all steps, so that the pass is repeated after a while."""
        if self._errors:
            raise self._errors[0]
