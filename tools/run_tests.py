"""Run every check and test, in groups that each start and share what they need.

    ./test              all of it, cheapest first
    ./test static unit  only these groups
    ./test --list       the groups

A group that fails does not stop the others; the exit code is 1 when any failed.
"""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST = (str(BIN / "pytest"), "-q", "--durations=5")
_COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped)\b")


@dataclass(frozen=True)
class Group:
    name: str
    what: str
    commands: tuple[tuple[str, ...], ...]


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
    Group("conformance", "one suite for each interface", ((*PYTEST, "tests/conformance"),)),
    Group("integration", "one part against a real server", ((*PYTEST, "tests/integration"),)),
    Group(
        "e2e", "a user's stories on a whole cluster", ((*PYTEST, "-p", "no:randomly", "tests/e2e"),)
    ),
)


def main(argv: Sequence[str]) -> int:
    by_name = {group.name: group for group in GROUPS}
    if any(word.startswith("-") for word in argv) or not set(argv) <= by_name.keys():
        print(__doc__)
        for group in GROUPS:
            print(f"    {group.name:<12} {group.what}")
        return 0 if set(argv) <= {"--list", "--help", "-h"} else 2
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name in argv or by_name:
        started_s = time.monotonic()
        results = [run(command) for command in by_name[name].commands]
        for code, found in results:
            for outcome, count in found.items():
                counts[outcome] += count
            if code != 0 and not found.get("failed"):
                counts["failed"] += 1  # a check that is no pytest run, or one that broke early
            elif code == 0 and not found:
                counts["passed"] += 1
        print(f"== {name}: {time.monotonic() - started_s:.0f} s", flush=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


def run(command: Sequence[str]) -> tuple[int, dict[str, int]]:
    """Run one command, its output passed through; return exit code and pytest's counts."""
    print(
        f"== {' '.join(Path(word).name if '/' in word else word for word in command)}", flush=True
    )
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    last = ""
    for line in process.stdout:
        print(line, end="", flush=True)
        last = line if _COUNTS.search(line) else last
    code = process.wait()
    found: dict[str, int] = {}
    if "pytest" in command[0]:
        for number, word in _COUNTS.findall(last):
            outcome = "failed" if word.startswith("error") else word
            found[outcome] = found.get(outcome, 0) + int(number)
    if code != 0:
        print(f"== failed with exit code {code}", flush=True)
    return code, found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
