"""What a server has to say of the last statement on one connection. I/O."""

from armillary.vtgate.tablets.backend import BackendConnection
from armillary.wire.rows import split_text_row


async def read_warnings(connection: BackendConnection) -> list[tuple[str, int, str]]:
    """Read the warnings of the last statement, while its connection is still ours."""
    answer = await connection.query(b"show warnings")
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
