"""A module whose docstring says `Pure.` decides and computes; it neither looks nor acts."""

import ast
from collections.abc import Iterator

from tests.architecture.test_limits import SOURCE, sources

_NOT_PURE = {
    *("anyio", "asyncio", "logging", "os", "random", "secrets", "select", "shutil", "socket"),
    *("subprocess", "sys", "tempfile", "threading", "time"),
}
_CLOCK = "armillary.base.clock"


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module


def says_pure(tree: ast.Module) -> bool:
    text = (ast.get_docstring(tree) or "").split("\n\n", 1)[0]
    return "Pure." in text or "Pure:" in text


def impurities(text: str) -> list[str]:
    """Return what a module that says it is pure should not import."""
    tree = ast.parse(text)
    names = imported(tree) if says_pure(tree) else ()
    return [name for name in names if name.split(".")[0] in _NOT_PURE or name == _CLOCK]


def test_a_module_that_says_it_is_pure_reads_no_world_no_clock_and_writes_no_log() -> None:
    found = {
        str(path.relative_to(SOURCE)): names
        for path in sources()
        if (names := impurities(path.read_text()))
    }
    assert found == {}


def test_every_plan_is_pure() -> None:
    plans = [path for path in sources() if path.stem == "plan" or path.stem.endswith("_plan")]
    assert len(plans) > 10
    assert [p for p in plans if not says_pure(ast.parse(p.read_text()))] == []


def test_the_check_sees_what_is_not_pure() -> None:
    assert impurities('"""Decides. Pure."""\nfrom time import monotonic\nimport re\n') == ["time"]
    assert impurities('"""Decides. Pure."""\nimport os.path\n') == ["os.path"]
    assert impurities(f'"""Decides. Pure."""\nfrom {_CLOCK} import utc_now\n') == [_CLOCK]
    assert impurities('"""Looks. I/O."""\nimport os\n') == []
