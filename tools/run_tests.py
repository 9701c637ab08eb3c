"""Run every check and test, in groups that each start and share what they need.

    ./test              all of it, cheapest first
    ./test static unit  only these groups
    ./test --list       the groups

A group that fails does not stop the others; the exit code is 1 when any failed.

What fails among real processes is run once more by itself: a machine that many share can starve
any deadline. What passes only then is named at the end, because it is a debt.
"""

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST_AGAIN = (str(BIN / "pytest"), "-q", "--durations=5", "-p", "no:randomly")
# Tests wait for servers much of the time: two processes share them (tests/scheduling.py says how).
WORKERS = "2"
PYTEST = (str(BIN / "pytest"), "-q", "--durations=5", "-n", WORKERS)
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$")
_COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped)\b")


@dataclass(frozen=True)
class Group:
    name: str
    what: str
    commands: tuple[tuple[str, ...], ...]
    starts_servers: bool = False


GROUPS = (
    Group(
        "static",
        "format, lint, types, layers",
        (
            (str(BIN / "ruff"), "format", "--check", "--quiet"),
            (str(BIN / "ruff"), "check", "--quiet"),
            (str(BIN / "mypy"), "-p", "armillary"),
            (str(BIN / "mypy"), "tests"),
            (str(BIN / "lint-imports"), "--no-cache"),
        ),
    ),
    Group(
        "unit",
        "decisions, formats and protocols; no process is started",
        ((*PYTEST, "tests/unit", "tests/property", "tests/architecture"),),
    ),
    Group(
        "conformance",
        "one suite for each interface",
        ((*PYTEST, "tests/conformance"),),
        starts_servers=True,
    ),
    Group(
        "integration",
        "one part against a real server",
        ((*PYTEST, "tests/integration"),),
        starts_servers=True,
    ),
    Group(
        "e2e",
        "a user's stories on a whole cluster",
        ((*PYTEST, "-p", "no:randomly", "tests/e2e"),),
        starts_servers=True,
    ),
)


def main(argv: Sequence[str]) -> int:
    by_name = {group.name: group for group in GROUPS}
    if any(word.startswith("-") for word in argv) or not set(argv) <= by_name.keys():
        print(__doc__)
        for group in GROUPS:
            print(f"    {group.name:<12} {group.what}")
        return 0 if set(argv) <= {"--list", "--help", "-h"} else 2
    counts: Counter[str] = Counter()
    debts: list[str] = []
    for name in argv or by_name:
        started_s = time.monotonic()
        for command in by_name[name].commands:
            outcome = run(command)
            if outcome.failed and by_name[name].starts_servers and outcome.whole:
                print(f"== {len(outcome.failed)} failed; once more, alone", flush=True)
                again = run((*PYTEST_AGAIN, *outcome.failed))
                debts += sorted(set(outcome.failed) - set(again.failed)) if again.whole else []
                outcome = outcome.amended(again)
            counts.update(outcome.counts)
        print(f"== {name}: {time.monotonic() - started_s:.0f} s", flush=True)
    for test in debts:
        print(f"== passed only at the second try: {test}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


@dataclass(frozen=True)
class Outcome:
    code: int
    counts: Counter[str]
    failed: tuple[str, ...] = ()  # pytest's names of the tests

    @property
    def whole(self) -> bool:
        """Whether pytest ran to its end and named all that failed."""
        return self.code in (0, 1) and self.counts["failed"] == len(self.failed)

    def amended(self, again: "Outcome") -> "Outcome":
        """Return the counts as they are after what failed was run a second time."""
        if not again.whole:
            return self
        counts = self.counts - Counter(failed=len(self.failed))
        return Outcome(again.code, counts + again.counts)


def run(command: Sequence[str]) -> Outcome:
    """Run one command, its output passed through; a command that is no pytest counts as one."""
    print(
        f"== {' '.join(Path(word).name if '/' in word else word for word in command)}", flush=True
    )
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    last, failed = "", []
    for line in process.stdout:
        print(line, end="", flush=True)
        last = line if _COUNTS.search(line) else last
        if match := _FAILED.match(line.rstrip("\n")):
            failed.append(match[1])
    code = process.wait()
    counts: Counter[str] = Counter()
    if "pytest" in command[0]:
        for number, word in _COUNTS.findall(last):
            counts["failed" if word.startswith("error") else word] += int(number)
    if code != 0:
        print(f"== failed with exit code {code}", flush=True)
    if code != 0 and not counts["failed"]:
        counts["failed"] = 1  # a check that is no pytest run, or one that broke early
    elif not counts:
        counts["passed"] = 1
    return Outcome(code, counts, tuple(dict.fromkeys(failed)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
