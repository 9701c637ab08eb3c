"""Answers that the gateway makes itself: OK, and rows that it knows. I/O to the client."""

from collections.abc import Sequence

from armillary.vtgate.answers.output import Output, send_local_rows
from armillary.vtgate.errors import SqlError
from armillary.vtgate.session import Session
from armillary.wire.columns import ColumnDefinition
from armillary.wire.protocol import Capability
from armillary.wire.responses import OkPacket
from armillary.wire.scanner import ResponseSummary


def answer_ok(session: Session, out: Output, *, affected_rows: int = 0) -> ResponseSummary:
    out.ok(OkPacket(status=session.status, affected_rows=affected_rows))
    return ResponseSummary(status=session.status, affected_rows=affected_rows)


def answer_use(session: Session, out: Output) -> ResponseSummary:
    """Say that the database has changed; clients that track it do not see what USE names."""
    tracked = session.capabilities & Capability.SESSION_TRACK
    name = str(session.target).removesuffix("@primary")
    schema = name.encode() if tracked else None
    out.ok(OkPacket(status=session.status, schema=schema))
    return ResponseSummary(status=session.status)


async def answer_rows(
    session: Session,
    out: Output,
    columns: Sequence[ColumnDefinition],
    rows: Sequence[Sequence[bytes | None]],
) -> ResponseSummary:
    await send_local_rows(out, columns, rows, status=session.status)
    return ResponseSummary(has_rows=True, row_count=len(rows))


def answer_change(session: Session, out: Output, summary: ResponseSummary) -> ResponseSummary:
    """Answer an INSERT, UPDATE or DELETE that took several statements."""
    out.ok(
        OkPacket(
            affected_rows=summary.affected_rows,
            last_insert_id=summary.last_insert_id,
            status=session.status,
            warnings=summary.warnings,
            info=summary.info,
        )
    )
    return summary


def refuse_replica(session: Session) -> None:
    """Raises: SqlError: the target's tablets take no changes."""
    target = session.target
    if not target.is_primary:
        raise SqlError(
            1105, f"VT09002: DML statement on a tablet that is not a primary: target {target}"
        )
