"""What a server has to say of the last statement on one connection. I/O."""

import logging

from armillary.base.errors import ArmillaryError
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.wire.rows import split_text_row

logger = logging.getLogger(__name__)


async def read_warnings(connection: BackendConnection) -> list[tuple[str, int, str]]:
    """Read the warnings of the last statement, while its connection is still ours.

    The statement's answer is out by now: if the connection breaks here, nothing is told of it.
    """
    try:
        answer = await connection.query(b"show warnings")
    except ArmillaryError as error:
        logger.info("warnings not read", extra={"reason": str(error)})
        return []
    found = []
    for row in answer.rows:
        level, code, message = split_text_row(row, 3)
        found.append(
            (
                (level or b"").decode("ascii", "replace"),
                int(code or 0),
                (message or b"").decode("utf-8", "replace"),
            )
        )
    return found
