"""The end of a response is found whatever its rows hold and however its bytes arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.base.errors import WireError
from armillary.wire.columns import encode_column, parse_column, replace_schema, text_column
from armillary.wire.packets import PacketReader, PacketWriter
from armillary.wire.protocol import Status
from armillary.wire.responses import OkPacket, encode_eof, encode_err, encode_ok
from armillary.wire.rows import encode_text_row, split_text_row
from armillary.wire.scanner import KnownHead, ResponseScanner

ROWS = st.lists(
    st.lists(st.one_of(st.none(), st.binary(max_size=12)), min_size=2, max_size=2), max_size=6
)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def result_set(
    rows: list[list[bytes | None]], *, warnings: int = 0, names: tuple[str, str] = ("a", "b")
) -> bytes:
    writer = PacketWriter(1)
    out = writer.frame(b"\x02")
    for name in names:
        out += writer.frame(encode_column(text_column(name)))
    out += writer.frame(encode_eof(status=Status.AUTOCOMMIT))
    for row in rows:
        out += writer.frame(encode_text_row(row))
    return out + writer.frame(encode_eof(status=Status.AUTOCOMMIT, warnings=warnings))


def feed_all(scanner: ResponseScanner, data: bytes, sizes: list[int]) -> bytes:
    out = b""
    at = 0
    turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        turn += 1
        assert not scanner.done, "the end came too early"
        out += scanner.feed(data[at : at + size])
        at += size
    return out


def payloads_of(data: bytes, first: int = 1) -> list[bytes]:
    reader = PacketReader(payload_bytes_max=1 << 20)
    reader.sequence_next = first
    reader.feed(data)
    found = []
    while (payload := reader.next_payload()) is not None:
        found.append(payload)
    assert reader.buffered_bytes == 0
    return found


@given(rows=ROWS, sizes=SIZES)
def test_a_result_set_passes_unchanged(rows: list[list[bytes | None]], sizes: list[int]) -> None:
    data = result_set(rows, warnings=3)
    scanner = ResponseScanner()
    assert feed_all(scanner, data, sizes) == data
    assert scanner.done
    assert scanner.summary.row_count == len(rows)
    assert scanner.summary.warnings == 3
    assert scanner.summary.has_rows


@given(rows=ROWS, sizes=SIZES, first=st.integers(0, 255))
def test_renumbering_changes_sequence_ids_and_nothing_else(
    rows: list[list[bytes | None]], sizes: list[int], first: int
) -> None:
    data = result_set(rows)
    scanner = ResponseScanner(renumber_from=first, more_results=True)
    out = feed_all(scanner, data, sizes)
    before, after = payloads_of(data), payloads_of(out, first)
    assert after[:-1] == before[:-1]
    assert after[-1][3] & Status.MORE_RESULTS_EXISTS
    assert scanner.sequence_next == (first + len(after)) % 256


@given(rows=ROWS, sizes=SIZES)
def test_columns_are_rewritten_before_rows_pass(
    rows: list[list[bytes | None]], sizes: list[int]
) -> None:
    scanner = ResponseScanner(on_column=lambda payload: replace_schema(payload, b"", b"main"))
    out = payloads_of(feed_all(scanner, result_set(rows), sizes))
    assert [parse_column(payload).schema for payload in out[1:3]] == [b"main", b"main"]
    assert [split_text_row(payload, 2) for payload in out[4:-1]] == rows


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_ok_and_err_end_a_response(size: int) -> None:
    ok = PacketWriter(1).frame(encode_ok(OkPacket(affected_rows=5, last_insert_id=700)))
    scanner = ResponseScanner()
    assert feed_all(scanner, ok, [size]) == ok
    assert (scanner.summary.affected_rows, scanner.summary.last_insert_id) == (5, 700)
    err = PacketWriter(1).frame(encode_err(1062, "23000", "Duplicate entry"))
    scanner = ResponseScanner()
    feed_all(scanner, err, [size])
    assert scanner.done
    assert scanner.summary.error is not None
    assert scanner.summary.error.errno == 1062


@pytest.mark.parametrize("size", [1, 4, 6, 1000])
def test_an_error_may_come_after_rows(size: int) -> None:
    writer = PacketWriter(1)
    data = writer.frame(b"\x01") + writer.frame(encode_column(text_column("a")))
    data += writer.frame(encode_eof(status=2)) + writer.frame(encode_text_row([b"x"]))
    data += writer.frame(encode_err(1317, "70100", "interrupted"))
    scanner = ResponseScanner()
    assert feed_all(scanner, data, [size]) == data
    assert scanner.done
    assert scanner.summary.error is not None


def test_several_results_are_one_response() -> None:
    """CALL answers with a result set and then an OK packet."""
    first = bytearray(result_set([[b"1", None]]))
    first[-2] |= Status.MORE_RESULTS_EXISTS
    last = PacketWriter(9).frame(encode_ok(OkPacket()))
    for size in (1, 7, 1000):
        scanner = ResponseScanner()
        assert feed_all(scanner, bytes(first) + last, [size]) == bytes(first) + last
        assert scanner.done


def test_bytes_after_the_end_are_an_error() -> None:
    scanner = ResponseScanner()
    with pytest.raises(WireError):
        scanner.feed(result_set([]) + b"x")


def test_local_infile_is_refused() -> None:
    with pytest.raises(WireError):
        ResponseScanner().feed(PacketWriter(1).frame(b"\xfb/etc/passwd"))


@given(answers=st.lists(st.tuples(ROWS, st.integers(0, 1), SIZES), min_size=2, max_size=4))
def test_a_known_head_changes_no_answer(
    answers: list[tuple[list[list[bytes | None]], int, list[int]]],
) -> None:
    head = KnownHead()

    def rename(column: bytes) -> bytes:
        return replace_schema(column, b"", b"main")

    for rows, other, sizes in answers:
        data = result_set(rows, names=("a", "bc"[other]))
        with_head = ResponseScanner(on_column=rename, head=head)
        whole = ResponseScanner(on_column=rename, head=head)
        plain = ResponseScanner(on_column=rename)
        wanted = plain.feed(data)
        assert feed_all(with_head, data, sizes) == wanted
        assert whole.feed(data) == wanted
        assert with_head.done and whole.done
        assert with_head.summary == whole.summary == plain.summary
    assert head.came and head.passed != head.came
