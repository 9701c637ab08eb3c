"""The runner of the tests: what hangs is ended, says where it was, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.limits import PATIENCE

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
S_MAX = 40.0
# A server that has left its parent and its session, and says in a file who it is.
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open({file!r} + ".draft", "w") as file:
            file.write(str(os.getpid()))
        os.rename({file!r} + ".draft", {file!r})
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists({file!r}):
    time.sleep(0.01)
"""
DRIVER = """
import sys
from tools.run_tests import run
outcome = run(sys.argv[2:], float(sys.argv[1]), {patience})
print("outcome", outcome.code, dict(outcome.counts), outcome.failed, len(outcome.left))
"""
LIMITED = """
from tests.limits import install
def pytest_configure(config):
    install(config)
"""


def start_driver(
    command: Sequence[str], *, limit_s: float = S_MAX, patience: float = 1.0
) -> "subprocess.Popen[str]":
    """Run a command as a group of tests is run, in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if name != PATIENCE}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER.format(patience=patience), str(limit_s), *command],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def drive(command: Sequence[str], *, limit_s: float = S_MAX, patience: float = 1.0) -> str:
    return start_driver(command, limit_s=limit_s, patience=patience).communicate(timeout=S_MAX)[0]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_what_a_group_left_running_is_named_and_ended(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    said = drive(python(DAEMON.format(file=str(file))))
    assert "outcome 0 {'passed': 1} () 1" in said
    assert not is_alive(int(file.read_text()))


def test_a_group_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    said = drive(python(DAEMON.format(file=str(file)) + "\ntime.sleep(600)"), limit_s=2)
    daemon = int(file.read_text())
    assert "took more than 2 s" in said and f"with {daemon} " in said
    assert "{'failed': 1}" in said
    assert not is_alive(daemon)


def test_a_runner_that_is_ended_takes_all_with_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    driver = start_driver(python(DAEMON.format(file=str(file)) + "\ntime.sleep(600)"))
    deadline_s = time.monotonic() + S_MAX
    while not file.exists() and time.monotonic() < deadline_s:
        time.sleep(0.02)  # noqa: TID251  a file tells nobody
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(S_MAX) == 128 + signal.SIGTERM
    assert driver.stdout is not None
    driver.stdout.close()
    assert not is_alive(int(file.read_text()))


def test_orphans_that_end_do_not_stay_as_zombies(tmp_path: Path) -> None:
    """Tests wait for a process to be gone, and a zombie would never be."""
    file = tmp_path / "pid"
    wait = f"""
import signal
pid = int(open({str(file)!r}).read())
os.kill(pid, signal.SIGKILL)
while os.path.exists(f"/proc/{{pid}}"):
    time.sleep(0.01)
"""
    assert "outcome 0 {'passed': 1} () 0" in drive(python(DAEMON.format(file=str(file)) + wait))


def test_a_test_whose_thread_is_blocked_shows_its_stacks_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "conftest.py").write_text(LIMITED)
    (tmp_path / "test_it.py").write_text("""
from threading import Event, Thread
def blocks_here():
    Event().wait()
def test_that_blocks():
    thread = Thread(target=blocks_here)
    thread.start()
    try:
        Event().wait()
    finally:
        thread.join()
def test_that_follows():
    pass
""")
    said = drive(
        [*pytest_in(tmp_path), "-n", "1", str(tmp_path)],
        patience=0.02,
    )
    assert "in blocks_here" in said
    assert "outcome 1 {'failed': 1, 'passed': 1} (" in said
    assert "test_it.py::test_that_blocks',) 0" in said


def test_a_group_over_its_limit_says_which_test_it_was_at(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(LIMITED)
    (tmp_path / "test_it.py").write_text("""
from threading import Event
def waits_here():
    Event().wait()
def test_that_waits():
    waits_here()
""")
    said = ""
    for limit_s in (8, 24):  # on a machine that others use, pytest may not have got there
        said = drive([*pytest_in(tmp_path), "-n", "1", str(tmp_path)], limit_s=limit_s)
        if "in waits_here" in said:
            break
    assert "in waits_here" in said
    assert "it was at test_it.py::test_that_waits" in said
    assert "{'failed': 1} (" in said


def pytest_in(folder: Path) -> list[str]:
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    words = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--rootdir", str(folder))
    return [str(Path(sys.executable).parent / "pytest"), *words, "-c", str(folder / "pytest.ini")]


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (("--list",), 0, "integration"),
        (("nothing",), 2, "found nothing"),
        (("--patience", "0"), 2, "wanted more than 0"),
        (("--no-such-option",), 2, "--no-such-option"),
    ],
)
def test_words_are_understood_or_refused(words: tuple[str, ...], code: int, named: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.run_tests", *words],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert named in done.stdout + done.stderr
