"""GTID sets: parse, print, contain, unite."""

import pytest

from armillary.base.errors import InputError
from armillary.model.gtid import MysqlGtidSet, Position

UUID = "00010203-0405-0607-0809-0a0b0c0d0e0f"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("", ""),
        ("MariaDB/0-1-2", "MariaDB/0-1-2"),
        ("MariaDB/1-5-7,0-1-2", "MariaDB/0-1-2,1-5-7"),
        ("MariaDB/0-1-2,0-3-9", "MariaDB/0-3-9"),
        (f"MySQL56/{UUID}:1-5", f"MySQL56/{UUID}:1-5"),
        (f"MySQL56/{UUID.upper()}:4-5:1-3:9", f"MySQL56/{UUID}:1-5:9"),
        (f"MySQL56/{UUID}:1-9:4-5", f"MySQL56/{UUID}:1-9"),
        (f"MySQL56/{UUID}:5-4", ""),
    ],
)
def test_a_position_prints_in_its_canonical_form(text: str, printed: str) -> None:
    assert str(Position.parse(text)) == printed


@pytest.mark.parametrize(
    "text", ["0-1-2", "Oracle/1", "MariaDB/0-1", "MySQL56/abc:1-5", f"MySQL56/{UUID}", "MariaDB/x"]
)
def test_a_malformed_position_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Position.parse(text)


@pytest.mark.parametrize(
    ("bigger", "smaller"),
    [
        ("MariaDB/0-1-2", ""),
        ("MariaDB/0-2-5", "MariaDB/0-1-5"),
        ("MariaDB/0-2-5,1-1-1", "MariaDB/0-1-4"),
        (f"MySQL56/{UUID}:1-5", f"MySQL56/{UUID}:2-4"),
    ],
)
def test_at_least_holds_for_a_superset_only(bigger: str, smaller: str) -> None:
    assert Position.parse(bigger).at_least(Position.parse(smaller))


@pytest.mark.parametrize(
    ("behind", "ahead"),
    [
        ("", "MariaDB/0-1-1"),
        ("MariaDB/0-1-4", "MariaDB/0-1-5"),
        ("MariaDB/0-1-9", "MariaDB/0-1-5,1-1-1"),
        (f"MySQL56/{UUID}:1-3:5-9", f"MySQL56/{UUID}:4"),
        (f"MySQL56/{UUID}:1-3:5-9", f"MySQL56/{UUID}:3-5"),
    ],
)
def test_at_least_fails_when_something_is_missing(behind: str, ahead: str) -> None:
    assert not Position.parse(behind).at_least(Position.parse(ahead))


def test_flavors_do_not_compare() -> None:
    with pytest.raises(InputError):
        Position.parse("MariaDB/0-1-1").at_least(Position.parse(f"MySQL56/{UUID}:1"))


def test_a_union_joins_touching_intervals() -> None:
    union = MysqlGtidSet.parse(f"{UUID}:1-3").union(MysqlGtidSet.parse(f"{UUID}:4-6:8"))
    assert str(union) == f"{UUID}:1-6:8"
