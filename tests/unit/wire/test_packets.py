"""Packets survive any cutting of the byte stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.wire.packets import (
    PacketOutOfOrderError,
    PacketReader,
    PacketTooLargeError,
    PacketWriter,
    frame,
)


def read_all(reader: PacketReader, data: bytes, sizes: list[int]) -> list[bytes]:
    found = []
    at = 0
    turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        turn += 1
        reader.feed(data[at : at + size])
        at += size
        while (payload := reader.next_payload()) is not None:
            found.append(payload)
    return found


@given(
    payloads=st.lists(st.binary(max_size=20), max_size=6),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4),
)
def test_payloads_come_out_as_they_went_in(payloads: list[bytes], sizes: list[int]) -> None:
    """With parts of 4 bytes, most payloads are cut and many end on a border."""
    data = b""
    sequence = 0
    for payload in payloads:
        data += frame(payload, sequence, part_bytes_max=4)
        sequence = (sequence + len(payload) // 4 + 1) % 256
    reader = PacketReader(payload_bytes_max=100, part_bytes_max=4)
    assert read_all(reader, data, sizes) == payloads


def test_a_sequence_id_out_of_turn_is_an_error() -> None:
    reader = PacketReader(payload_bytes_max=100)
    reader.feed(frame(b"x", 1))
    with pytest.raises(PacketOutOfOrderError):
        reader.next_payload()


def test_a_payload_over_the_limit_is_refused_before_it_arrives() -> None:
    reader = PacketReader(payload_bytes_max=10)
    reader.feed(frame(b"x" * 11, 0)[:4])
    with pytest.raises(PacketTooLargeError):
        reader.next_payload()


def test_each_command_starts_the_sequence_again() -> None:
    reader = PacketReader(payload_bytes_max=10)
    for _ in range(3):
        reader.start_command()
        reader.feed(frame(b"q", 0))
        assert reader.next_payload() == b"q"


def test_a_command_of_several_packets_starts_only_once() -> None:
    reader = PacketReader(payload_bytes_max=100, part_bytes_max=4)
    data = frame(b"123456789", 0, part_bytes_max=4)
    for at in range(0, len(data), 5):
        reader.start_command()
        reader.feed(data[at : at + 5])
        payload = reader.next_payload()
    assert payload == b"123456789"


def test_an_answer_goes_on_from_wherever_its_command_ended() -> None:
    reader = PacketReader(payload_bytes_max=10, of_answer=True)
    reader.feed(frame(b"a", 3) + frame(b"b", 4) + frame(b"c", 4))
    assert (reader.next_payload(), reader.next_payload()) == (b"a", b"b")
    with pytest.raises(PacketOutOfOrderError):
        reader.next_payload()


def test_sequence_ids_wrap_around() -> None:
    writer = PacketWriter(255)
    assert writer.frame(b"a")[3] == 255
    assert writer.frame(b"b")[3] == 0
