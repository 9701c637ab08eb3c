"""OK, ERR and EOF packets. Pure."""

from dataclasses import dataclass

from armillary.base.errors import MysqlError, WireError
from armillary.wire.lenenc import encode_int, encode_string, read_int
from armillary.wire.protocol import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class OkPacket:
    affected_rows: int = 0
    last_insert_id: int = 0
    status: int = Status.AUTOCOMMIT
    warnings: int = 0
    info: bytes = b""  # with its length before it, as servers send it
    schema: bytes | None = None  # now selected; for clients with SESSION_TRACK only


_TRACKS_SCHEMA = 1


def encode_ok(ok: OkPacket) -> bytes:
    status, tail = ok.status, ok.info
    if ok.schema is not None:
        status |= Status.SESSION_STATE_CHANGED
        change = bytes((_TRACKS_SCHEMA,)) + encode_string(encode_string(ok.schema))
        tail = (ok.info or encode_string(b"")) + encode_string(change)
    return (
        b"\x00"
        + encode_int(ok.affected_rows)
        + encode_int(ok.last_insert_id)
        + status.to_bytes(2, "little")
        + min(ok.warnings, 0xFFFF).to_bytes(2, "little")
        + tail
    )


def parse_ok(payload: bytes) -> OkPacket:
    """Raises: WireError: not an OK packet."""
    if not payload or payload[0] not in (0x00, 0xFE):
        raise WireError("OK packet wanted, found another")
    affected, at = read_int(payload, 1)
    last_insert_id, at = read_int(payload, at)
    return OkPacket(
        affected_rows=affected,
        last_insert_id=last_insert_id,
        status=int.from_bytes(payload[at : at + 2], "little"),
        warnings=int.from_bytes(payload[at + 2 : at + 4], "little"),
        info=payload[at + 4 :],
    )


def encode_eof(*, status: int, warnings: int = 0) -> bytes:
    return b"\xfe" + min(warnings, 0xFFFF).to_bytes(2, "little") + status.to_bytes(2, "little")


def is_eof(payload: bytes) -> bool:
    return len(payload) < 9 and payload[:1] == b"\xfe"


def encode_err(errno: int, sqlstate: str, message: str) -> bytes:
    text = message.encode("utf-8", "replace")
    return b"\xff" + errno.to_bytes(2, "little") + b"#" + sqlstate.encode("ascii") + text


def parse_err(payload: bytes) -> MysqlError:
    """Return the error that an ERR packet carries; before the handshake it has no SQLSTATE.

    Raises:
        WireError: not an ERR packet.
    """
    if len(payload) < 3 or payload[0] != 0xFF:
        raise WireError("ERR packet wanted, found another")
    errno = int.from_bytes(payload[1:3], "little")
    if payload[3:4] == b"#" and len(payload) >= 9:
        sqlstate, text = payload[4:9].decode("ascii", "replace"), payload[9:]
    else:
        sqlstate, text = "HY000", payload[3:]
    return MysqlError(errno, sqlstate, text.decode("utf-8", "replace"))
