"""Run every check and test, in groups that each start and share what they need.

    ./test                  all of it, cheapest first
    ./test static unit      only these groups
    ./test --patience 3     give each test and each group three times as long as usual
    ./test --list           the groups

A group that fails does not stop the others; the exit code is 1 when any failed. A group that takes
too long is ended with all that it started, after it has said what it was at, and has failed.

What fails among real processes is run once more by itself: a machine that many share can starve
any deadline. What passes only then is named at the end, because it is a debt; so is what a group
left running.
"""

import os
import re
import resource
import shlex
import sys
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.limits import PATIENCE, RUNNING_DIR
from tools.watched import run_watched

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST = (str(BIN / "pytest"), "-q", "--durations=5")
# Several processes share the tests (tests/scheduling.py says how), on two cores as a rule. Tests
# of real servers wait for them some of the time: a third process uses it.
PYTEST_AGAIN = (*PYTEST, "-p", "no:randomly")
COMPUTING = (*PYTEST, "-n", "2")
WAITING = (*PYTEST, "-n", "3")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$")
_COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped)\b")


@dataclass(frozen=True)
class Group:
    name: str
    what: str
    commands: tuple[tuple[str, ...], ...]
    limit_s: float  # of each command: some three times what two cores need
    starts_servers: bool = False


GROUPS = (
    Group(
        "static",
        "format, lint, types, layers",
        (
            (str(BIN / "ruff"), "format", "--check", "--quiet"),
            (str(BIN / "ruff"), "check", "--quiet"),
            (str(BIN / "mypy"), "-p", "armillary", "-p", "tests"),
            (str(BIN / "lint-imports"), "--no-cache"),
        ),
        limit_s=300,
    ),
    Group(
        "unit",
        "decisions, formats and protocols; no server is started",
        ((*COMPUTING, "tests/unit", "tests/property", "tests/architecture"),),
        limit_s=300,
    ),
    Group(
        "conformance",
        "one suite for each interface",
        ((*WAITING, "tests/conformance"),),
        limit_s=600,
        starts_servers=True,
    ),
    Group(
        "integration",
        "one part against a real server",
        ((*WAITING, "tests/integration"),),
        limit_s=1200,
        starts_servers=True,
    ),
    Group(
        "e2e",
        "a user's stories on a whole cluster",
        ((*WAITING, "-p", "no:randomly", "tests/e2e"),),
        limit_s=1200,
        starts_servers=True,
    ),
)


@dataclass(frozen=True)
class Outcome:
    code: int
    counts: Counter[str]
    failed: tuple[str, ...] = ()  # pytest's names of the tests
    left: tuple[str, ...] = ()  # processes that still ran afterwards

    @property
    def whole(self) -> bool:
        """Whether pytest ran to its end and named all that failed."""
        return self.code in (0, 1) and self.counts["failed"] == len(self.failed)

    def amended(self, again: "Outcome") -> "Outcome":
        """Return the counts as they are after what failed was run a second time."""
        left = self.left + again.left
        if not again.whole:
            return Outcome(self.code, self.counts, self.failed, left)
        counts = self.counts - Counter(failed=len(self.failed))
        return Outcome(again.code, counts + again.counts, again.failed, left)


@dataclass
class Report:
    """What all groups together came to."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    debts: list[str] = field(default_factory=list)

    def show(self) -> None:
        for debt in self.debts:
            print(f"== {debt}")
        for test in self.failed:
            print(f"== failed; to repeat it: .venv/bin/pytest -p no:randomly {shlex.quote(test)}")
        counts = self.counts
        print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")


def main(argv: Sequence[str]) -> int:
    by_name = {group.name: group for group in GROUPS}
    parser = ArgumentParser("./test", None, __doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help=", ".join(by_name))
    parser.add_argument("--patience", type=float, default=1.0, help="multiplies all limits of time")
    parser.add_argument("--list", action="store_true", help="say which groups there are")
    words = parser.parse_args(argv)
    if unknown := set(words.groups) - by_name.keys():
        parser.error(f"wanted groups of {', '.join(by_name)}; found {', '.join(sorted(unknown))}")
    if words.patience <= 0:
        parser.error(f"--patience: wanted more than 0, found {words.patience}")
    if words.list:
        for group in GROUPS:
            print(f"{group.name:<12} {group.what}")
        return 0
    report = Report()
    for name in words.groups or by_name:
        run_group(by_name[name], words.patience, report)
    report.show()
    return 1 if report.counts["failed"] else 0


def run_group(group: Group, patience: float, report: Report) -> None:
    started_s, cpu_s = time.monotonic(), cpu_of_children_s()
    for command in group.commands:
        outcome = run(command, group.limit_s * patience, patience)
        if outcome.failed and group.starts_servers and outcome.whole:
            print(f"== {len(outcome.failed)} failed; once more, alone", flush=True)
            again = run((*PYTEST_AGAIN, *outcome.failed), group.limit_s * patience, patience)
            if again.whole:
                passed = sorted(set(outcome.failed) - set(again.failed))
                report.debts += [f"passed only at the second try: {test}" for test in passed]
            outcome = outcome.amended(again)
        report.counts.update(outcome.counts)
        report.failed += outcome.failed
        report.debts += [f"left running by {group.name}, ended: {each}" for each in outcome.left]
    took_s, cpu_s = time.monotonic() - started_s, cpu_of_children_s() - cpu_s
    print(f"== {group.name}: {took_s:.0f} s, {cpu_s:.0f} s of processor time", flush=True)


def cpu_of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: Sequence[str], limit_s: float, patience: float = 1.0) -> Outcome:
    """Run one command, its output passed through; a command that is no pytest counts as one."""
    shown = " ".join(Path(word).name if word.startswith("/") else word for word in command)
    print(f"== {shown}", flush=True)
    said: list[str] = []

    def read(text: str) -> None:
        print(text, end="", flush=True)  # dots as they come, not only whole lines
        said.append(text)

    with tempfile.TemporaryDirectory(prefix="arm-tests-") as folder:
        env = {**os.environ, PATIENCE: str(patience), RUNNING_DIR: folder}
        ending = run_watched(command, read, limit_s=limit_s, cwd=ROOT, env=env)
        at = tests_under_way(Path(folder))
    lines = "".join(said).splitlines()
    failed = [match[1] for line in lines if (match := _FAILED.match(line))]
    counts: Counter[str] = Counter()
    if ending.is_over_time:
        show_over_time(limit_s, at, ending.ran)
        return Outcome(ending.code, Counter(failed=1 + len(set(failed))), tuple(at))
    if "pytest" in command[0]:
        last = [line for line in lines if _COUNTS.search(line)][-1:]
        for number, word in _COUNTS.findall("".join(last)):
            counts["failed" if word.startswith("error") else word] += int(number)
    if ending.code != 0:
        print(f"== failed with exit code {ending.code}", flush=True)
    if ending.code != 0 and not counts["failed"]:
        counts["failed"] = 1  # a check that is no pytest run, or one that broke early
    elif not counts:
        counts["passed"] = 1
    return Outcome(ending.code, counts, tuple(dict.fromkeys(failed)), ending.left)


def tests_under_way(folder: Path) -> list[str]:
    """Return the tests whose processes ended before them."""
    return sorted({file.read_text() for file in folder.iterdir()})


def show_over_time(limit_s: float, tests: Sequence[str], processes: Sequence[str]) -> None:
    print(f"== took more than {limit_s:.0f} s, and was ended; --patience gives it longer")
    for test in tests:
        print(f"== it was at {test}")
    for process in processes:
        print(f"==    with {process}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
