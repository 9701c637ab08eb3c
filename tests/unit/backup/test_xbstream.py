"""Whatever is wrong in an xbstream is found, however its bytes arrive; what is right passes."""

import random
import struct
import zlib

import pytest

from armillary.backup.pipeline.xbstream import XbstreamCheck


def chunk(kind: bytes, path: bytes, rest: bytes = b"") -> bytes:
    return b"XBSTCK01" + struct.pack("<BcI", 0, kind, len(path)) + path + rest


def data(path: bytes, offset: int, content: bytes) -> bytes:
    place = struct.pack("<QQI", len(content), offset, zlib.crc32(content))
    return chunk(b"P", path, place + content)


def sparse(path: bytes, holes: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(holes + content)
    place = struct.pack("<IQQI", len(holes) // 8, len(content), 0, crc)
    return chunk(b"S", path, place + holes + content)


STREAM = (
    data(b"ibdata1", 0, b"first")
    + data(b"vt_main/users.ibd", 0, b"rows")
    + data(b"ibdata1", 5, b"second")
    + data(b"empty", 0, b"")
    + chunk(b"E", b"ibdata1")
    + chunk(b"E", b"vt_main/users.ibd")
    + chunk(b"E", b"empty")
)


def check(stream: bytes, step: int = 1 << 20, *, is_mariadb: bool = True, sums: bool = True) -> int:
    checker = XbstreamCheck(is_mariadb=is_mariadb, sums=sums)
    for start in range(0, len(stream), step):
        checker.feed(stream[start : start + step])
    checker.close()
    return checker.files_ended


@pytest.mark.parametrize("step", [1, 3, 30, 1 << 20])
def test_a_whole_stream_passes_in_pieces_of_any_size(step: int) -> None:
    assert check(STREAM, step) == 3


def test_what_only_mariadb_writes_passes() -> None:
    renamed = chunk(b"R", b"a.ibd", struct.pack("<I", 5) + b"b.ibd") + chunk(b"D", b"c.ibd")
    jump = chunk(b"S", b"log", struct.pack("<Q", 4096)) + data(b"log", 4096, b"x")
    assert check(renamed + jump + chunk(b"E", b"log"), 1) == 1


def test_mysqls_holes_pass_and_are_summed() -> None:
    whole = sparse(b"t.ibd", struct.pack("<II", 1, 2), b"data") + chunk(b"E", b"t.ibd")
    assert check(whole, 1, is_mariadb=False) == 1
    with pytest.raises(ValueError, match=r"'t\.ibd' with CRC-32"):
        check(whole.replace(b"data", b"dato"), is_mariadb=False)


def test_a_stream_cut_anywhere_is_no_stream() -> None:
    for length in range(len(STREAM)):
        with pytest.raises(ValueError, match=r"the stream (ends|holds no file)"):
            check(STREAM[:length])


def test_a_changed_bit_is_found_wherever_it_matters() -> None:
    """All but the flags, which say nothing to us: one byte of each chunk."""
    flags = {at + 8 for at in range(len(STREAM)) if STREAM.startswith(b"XBSTCK01", at)}
    draw = random.Random(7)
    for at in set(range(len(STREAM))) - flags:
        changed = bytearray(STREAM)
        changed[at] ^= 1 << draw.randrange(8)
        with pytest.raises(ValueError, match=r"chunk|stream"):
            check(bytes(changed))


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (data(b"a", 0, b"xx") + data(b"a", 3, b"y"), "at offset 3: wanted 2"),
        (chunk(b"Q", b"a"), "unknown kind b'Q'"),
        (data(b"../../etc/passwd", 0, b"x"), "leads elsewhere"),
        (data(b"/etc/passwd", 0, b"x"), "leads elsewhere"),
        (chunk(b"R", b"a", struct.pack("<I", 4) + b"../b"), "leads elsewhere"),
        (b"XBSTCK01" + struct.pack("<BcI", 0, b"P", 1 << 31), "a name of 2147483648 bytes"),
        (b"\x1f\x8b" + bytes(20), "does not begin with the mark"),
    ],
)
def test_what_is_wrong_is_named(stream: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check(stream)


def test_sums_that_somebody_else_vouches_for_are_not_looked_at_again() -> None:
    changed = STREAM.replace(b"rows", b"rats")
    assert check(changed, sums=False) == 3
    with pytest.raises(ValueError, match="CRC-32"):
        check(changed)
