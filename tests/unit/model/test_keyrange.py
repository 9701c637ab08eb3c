"""Key ranges and shard names."""

import pytest

from armillary.base.errors import InputError
from armillary.model.keyrange import (
    KeyRange,
    equal_key_ranges,
    parse_keyspace_shard,
    parse_shard_name,
    safe_shard_name,
)


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        (1, ["-"]),
        (2, ["-80", "80-"]),
        (3, ["-55", "55-aa", "aa-"]),
        (4, ["-40", "40-80", "80-c0", "c0-"]),
    ],
)
def test_equal_parts_have_the_operators_bounds(parts: int, names: list[str]) -> None:
    assert [str(key_range) for key_range in equal_key_ranges(parts)] == names


def test_257_parts_need_two_bytes() -> None:
    ranges = [str(key_range) for key_range in equal_key_ranges(257)]
    assert ranges[:2] == ["-00ff", "00ff-01fe"]
    assert ranges[-1] == "ff00-"


@pytest.mark.parametrize("text", ["80", "-8", "80-40", "80-8000", "x-80", "-80-", ""])
def test_a_malformed_key_range_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        KeyRange.parse(text)


@pytest.mark.parametrize(
    ("text", "keyspace_id", "inside"),
    [
        ("-80", b"\x7f\xff", True),
        ("-80", b"\x80", False),
        ("80-", b"\x80", True),
        ("80-", b"\x80\x00\x00", True),
        ("8000-", b"\x80", True),
        ("40-80", b"\x3f\xff", False),
        ("-", b"", True),
    ],
)
def test_start_is_inside_and_end_is_not(text: str, keyspace_id: bytes, inside: bool) -> None:
    assert KeyRange.parse(text).contains(keyspace_id) is inside


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [("-80", "80-", False), ("-80", "40-c0", True), ("-", "80-", True), ("40-80", "8000-", False)],
)
def test_ranges_intersect_both_ways_or_not_at_all(one: str, other: str, meet: bool) -> None:
    assert KeyRange.parse(one).intersects(KeyRange.parse(other)) is meet
    assert KeyRange.parse(other).intersects(KeyRange.parse(one)) is meet


def test_a_shards_name_says_its_key_range_and_can_be_a_label() -> None:
    assert parse_shard_name("-80") == ("-80", KeyRange(b"", b"\x80"))
    assert parse_shard_name("0") == ("0", None)
    assert [safe_shard_name(name) for name in ("-80", "80-", "-", "0")] == [
        "x-80",
        "80-x",
        "x-x",
        "0",
    ]
    assert parse_keyspace_shard("main/80-") == ("main", "80-")
    with pytest.raises(InputError, match="invalid shard path"):
        parse_keyspace_shard("main")
