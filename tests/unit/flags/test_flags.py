"""Flags as Vitess's programs take them."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from armillary.settings.flags import HelpRequested, SettingsError, flag, parse_flags


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSettings:
    cell: str = flag(help="the cell")
    port: int = flag(15000, help="web port")
    enabled: bool = flag(False, help="a switch")
    interval: timedelta = flag(timedelta(seconds=5), help="a duration")
    cells: tuple[str, ...] = flag((), help="a list")


def parse(*argv: str) -> ProgramSettings:
    return parse_flags(
        ProgramSettings, argv, program="p", accepted_without_effect=frozenset({"log-dir"})
    )


@pytest.mark.parametrize("argv", [("-cell", "a"), ("--cell=a",), ("-cell=a",), ("--cell", "a")])
def test_one_dash_or_two_with_or_without_equals(argv: tuple[str, ...]) -> None:
    assert parse(*argv).cell == "a"


def test_every_type_is_read() -> None:
    settings = parse("--cell=a", "--port=1", "-enabled", "--interval=1h2m0.5s", "--cells=a, b,")
    assert settings == ProgramSettings(
        cell="a",
        port=1,
        enabled=True,
        interval=timedelta(hours=1, minutes=2, seconds=0.5),
        cells=("a", "b"),
    )


def test_flags_without_effect_are_taken_with_their_values() -> None:
    assert parse("--log_dir", "/tmp", "--cell=a").cell == "a"


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse("--port=x", "--nope", "--enabled=maybe", "word", "--interval")
    text = str(caught.value)
    assert len(caught.value.problems) == 6
    for piece in ("--port", "--nope", "--enabled", "'word'", "--interval", "missing flag --cell"):
        assert piece in text


def test_help_teaches() -> None:
    with pytest.raises(HelpRequested) as caught:
        parse("-h")
    text = str(caught.value)
    assert "the cell (required)" in text
    assert "a duration (default 5s)" in text and "a switch (default false)" in text
    assert "a list\n" in f"{text}\n"


def test_a_refused_flag_says_why_and_an_unknown_one_does_not() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_flags(
            ProgramSettings,
            ["--cell=a", "--go-back-to=1", "--odd"],
            program="p",
            refused={"go_back_to": "there is no way back"},
        )
    assert caught.value.problems == (
        "flag --go_back_to is refused: there is no way back",
        "unknown flag --odd",
    )
