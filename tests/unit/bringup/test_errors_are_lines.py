"""What `armillary` prints for an error: a line, and an exit code."""

import pytest

from armillary.base.errors import NotFoundError, UnavailableError
from armillary.cli.armillary import describe_os_error, report_group


def test_an_error_of_the_system_is_one_line() -> None:
    full = OSError(28, "No space left on device", "/c/run/state.json")
    assert describe_os_error(full) == "/c/run/state.json: no space left on device"
    assert describe_os_error(OSError("odd")) == "odd"


def test_errors_of_things_done_at_once_are_lines_too(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup("two", [ExceptionGroup("one", [NotFoundError("a")])])
    assert report_group(group) == 2
    assert report_group(ExceptionGroup("x", [UnavailableError("b"), UnavailableError("c")])) == 5
    assert capsys.readouterr().err == "armillary: a\narmillary: b\narmillary: c\n"


def test_a_bug_is_not_hidden_behind_a_line() -> None:
    with pytest.raises(ExceptionGroup):
        report_group(ExceptionGroup("x", [KeyError("bug")]))
