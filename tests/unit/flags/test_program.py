"""How a process ends: help, wrong flags, errors of ours, signals."""

import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import anyio
import pytest

from armillary.base.errors import InputError, UnavailableError
from armillary.settings.flags import flag
from armillary.settings.program import read_flags, run_program, until_signal


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    cell: str = flag("", help="the cell")


def read(monkeypatch: pytest.MonkeyPatch, *argv: str) -> Settings:
    def check(settings: Settings) -> None:
        if settings.cell == "nowhere":
            raise InputError("no cell nowhere")

    monkeypatch.setattr("sys.argv", ["/vt/bin/thing", *argv])
    return read_flags(
        Settings, program="thing", accepted_without_effect=frozenset({"v"}), check=check
    )


def exit_code_of(body: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        run_program("thing", body)  # type: ignore[arg-type]
    return end.value.code


def test_flags_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, "-cell", "a", "--v=3") == Settings(cell="a")


def test_help_is_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        read(monkeypatch, "--help")
    assert end.value.code == 0
    assert "the cell" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("--cel", "a"), "thing: unknown flag --cel"),
        (("--cell", "nowhere"), "thing: no cell nowhere"),
    ],
)
def test_wrong_flags_are_told_on_stderr(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: tuple[str, ...],
    told: str,
) -> None:
    with pytest.raises(SystemExit) as end:
        read(monkeypatch, *argv)
    assert end.value.code == 2
    assert told in capsys.readouterr().err


def test_an_error_of_ours_is_told_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    async def alone() -> None:
        raise UnavailableError("etcd is away")

    async def among_tasks() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(alone)

    for body in (alone, among_tasks):
        assert exit_code_of(body) == 1
        told = capsys.readouterr().err
        assert "thing failed reason=etcd is away" in told and "Traceback" not in told


def test_the_code_that_a_process_returns_is_its_own() -> None:
    async def done() -> None: ...

    async def crashed() -> int:
        return 3

    assert exit_code_of(done) == 0
    assert exit_code_of(lambda: until_signal(crashed)) == 3


def test_a_signal_ends_the_work_in_order() -> None:
    ends: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await anyio.sleep_forever()
        finally:
            ends.append("cleaned up")

    assert exit_code_of(lambda: until_signal(work)) == 0
    assert exit_code_of(lambda: until_signal(work, code_when_asked=1)) == 1
    assert ends == ["cleaned up"] * 2
