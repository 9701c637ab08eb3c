"""Length-encoded integers and strings. Pure.

Source: MySQL protocol, "Basic Data Types". Every `read_*` takes the data and a position and returns
the value with the position after it.
"""

from armillary.base.errors import WireError


def encode_int(value: int) -> bytes:
    if value < 0xFB:
        return bytes((value,))
    if value <= 0xFFFF:
        return b"\xfc" + value.to_bytes(2, "little")
    if value <= 0xFFFFFF:
        return b"\xfd" + value.to_bytes(3, "little")
    return b"\xfe" + value.to_bytes(8, "little")


def encode_string(value: bytes) -> bytes:
    if len(value) < 0xFB:
        return bytes((len(value),)) + value
    return encode_int(len(value)) + value


def read_int(data: bytes, at: int) -> tuple[int, int]:
    """Read one integer; NULL (0xFB) and 0xFF are no integers and raise.

    Raises:
        WireError: not a length-encoded integer, or cut off.
    """
    if at >= len(data):
        raise WireError("length-encoded integer wanted, end of packet found")
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first)
    if width is None or at + 1 + width > len(data):
        raise WireError(f"length-encoded integer wanted, found {first:#x} at byte {at}")
    return int.from_bytes(data[at + 1 : at + 1 + width], "little"), at + 1 + width


def read_string(data: bytes, at: int) -> tuple[bytes, int]:
    """Raises: WireError: cut off."""
    length, at = read_int(data, at)
    if at + length > len(data):
        raise WireError(f"string of {length} bytes wanted, {len(data) - at} bytes found")
    return data[at : at + length], at + length


def read_cell(data: bytes, at: int) -> tuple[bytes | None, int]:
    """Read one cell of a text row: a string, or None for NULL."""
    if at < len(data) and data[at] == 0xFB:
        return None, at + 1
    return read_string(data, at)


def read_nul_string(data: bytes, at: int) -> tuple[bytes, int]:
    """Raises: WireError: no NUL byte follows."""
    end = data.find(b"\x00", at)
    if end < 0:
        raise WireError(f"NUL-terminated string wanted at byte {at}, no NUL found")
    return data[at:end], end + 1
