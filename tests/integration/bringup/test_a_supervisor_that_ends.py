"""`armillary up` notices that the control plane, which it needs, is stopped or dies."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from armillary.base.errors import InputError, UnavailableError
from armillary.cli.bringup.spawn import ensure_supervisor, while_supervised
from armillary.local.supervise.lock import hold_lock, is_stopping, lock_owner
from armillary.settings.local import LocalPaths

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

# Holds the lock until its input ends; says that it stops when it reads a line.
HOLDER = """
import sys
from pathlib import Path
from armillary.local.supervise.lock import hold_lock
with hold_lock(Path(sys.argv[1])) as lock:
    print("held", flush=True)
    for line in sys.stdin:
        lock.say_stopping()
        print("stopping", flush=True)
"""


class Holder:
    """A process that holds the lock of a directory as its supervisor does."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def stop(self) -> None:
        """Return when it has said that it will end."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("stop\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "stopping\n"

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()


@pytest.fixture
def paths(tmp_path: Path) -> LocalPaths:
    paths = LocalPaths(tmp_path)
    paths.run.mkdir()
    paths.logs.mkdir()
    paths.state.touch()
    return paths


@pytest.fixture
def holder(paths: LocalPaths) -> Iterator[Holder]:
    words = [sys.executable, "-c", HOLDER, str(paths.supervisor_lock)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield Holder(process)


def test_the_lock_names_its_holder_and_whether_it_stays(paths: LocalPaths, holder: Holder) -> None:
    lock = paths.supervisor_lock
    assert lock_owner(lock) == holder.process.pid and not is_stopping(lock)
    holder.stop()
    assert lock_owner(lock) == holder.process.pid and is_stopping(lock)
    holder.end()
    holder.process.wait()
    assert lock_owner(lock) is None and not is_stopping(lock)
    with hold_lock(lock):
        assert lock_owner(lock) is not None and not is_stopping(lock)


async def test_up_does_not_wait_for_a_control_plane_that_has_ended(
    paths: LocalPaths, holder: Holder
) -> None:
    async def wait_to_serve() -> None:
        holder.end()
        await anyio.sleep_forever()

    with pytest.raises(UnavailableError, match="ended while the cluster came up"):
        await while_supervised(paths, wait_to_serve)


async def test_what_fails_because_all_is_stopped_is_told_as_that(
    paths: LocalPaths, holder: Holder
) -> None:
    async def ask_the_api_server() -> None:
        holder.stop()
        raise UnavailableError("cannot connect to 127.0.0.1")

    with pytest.raises(UnavailableError, match="ended while the cluster came up"):
        await while_supervised(paths, ask_the_api_server)
    paths.state.unlink()
    with pytest.raises(UnavailableError, match="was removed while it came up"):
        await while_supervised(paths, ask_the_api_server)


async def test_what_fails_of_itself_is_told_as_it_is(paths: LocalPaths, holder: Holder) -> None:
    async def be_refused() -> None:
        raise InputError("spec.cells is wrong")

    with pytest.raises(InputError, match=r"^spec.cells is wrong$"):
        await while_supervised(paths, be_refused)


async def test_up_amid_down_waits_for_its_end_and_starts_anew(
    paths: LocalPaths, holder: Holder
) -> None:
    """The new supervisor has no directory to run in, and says so."""
    holder.stop()
    said: list[str] = []

    def note(line: str) -> None:
        said.append(line)
        holder.end()

    with pytest.raises(UnavailableError):
        await ensure_supervisor(paths, on_status=note, timeout_s=60)
    assert said == ["waiting for the end of `armillary down`"]
    assert holder.process.wait() == 0
    assert (paths.logs / "supervisor.log").stat().st_size > 0
