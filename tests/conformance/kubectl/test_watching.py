"""get --watch, wait, events of selections."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conformance.kubectl.box import Box, config_map, unscheduled_pod


@contextmanager
def watching(box: Box, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a kubectl that watches; its first line has been read when this begins."""
    process = subprocess.Popen(
        box.words(*words), stdout=subprocess.PIPE, text=True, env=box.environment()
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_watch_prints_each_change(box: Box) -> None:
    box.apply(config_map("c", a="1"))
    words = ("get", "configmap", "c", "--watch", "-o", "jsonpath={.data.a}{'\\n'}")
    with watching(box, *words) as process:
        assert line(process) == "1\n"
        box.apply(config_map("c", a="2"))
        assert line(process) == "2\n"
        box.apply(config_map("c", a="3"))
        assert line(process) == "3\n"


def test_a_watched_table_has_one_header(box: Box) -> None:
    box.apply(unscheduled_pod("a"))
    with watching(box, "get", "pods", "--watch") as process:
        assert line(process).split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
        assert line(process).split()[:3] == ["a", "0/1", "Pending"]
        box.apply(unscheduled_pod("b"))
        assert line(process).split()[:3] == ["b", "0/1", "Pending"]


def test_objects_enter_and_leave_a_watched_selection(box: Box) -> None:
    box.apply(config_map("c"))
    words = ("get", "cm", "--watch", "-l", "in=yes", "--output-watch-events", "--no-headers")
    with watching(box, *words) as process:
        box.out("label", "cm", "c", "in=yes")
        assert line(process).split()[:2] == ["ADDED", "c"]
        box.out("annotate", "cm", "c", "more=1")
        assert line(process).split()[:2] == ["MODIFIED", "c"]
        box.out("label", "cm", "c", "in-")
        assert line(process).split()[:2] == ["DELETED", "c"]


def test_wait_for_a_field(box: Box) -> None:
    box.apply(config_map("c", a="1"))
    words = ("wait", "--for=jsonpath={.data.a}=2", "configmap/c", "--timeout=20s")
    with watching(box, *words) as process:
        box.apply(config_map("c", a="2"))
        assert line(process) == "configmap/c condition met\n"


def test_wait_gives_up(box: Box) -> None:
    box.apply(config_map("c", a="1"))
    words = ("wait", "--for=jsonpath={.data.a}=2", "configmap/c", "--timeout=1s")
    assert "timed out waiting for the condition" in box.error(*words)


def test_wait_for_delete(box: Box) -> None:
    box.apply(config_map("c"))
    with watching(box, "wait", "--for=delete", "configmap/c", "--timeout=20s") as process:
        box.out("delete", "cm", "c")
        # It prints something only when it came before the end of the object.
        assert process.wait(timeout=20) == 0
