"""Documents name files that exist, and link to what is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"`([a-z_./-]+/[a-z_./-]*[a-z_]+(?:\.(?:py|md|yaml|json|sql|txt|sh))?/?)`")
_ROOTS = ("src/", "tests/", "docs/", "deploy/", "tools/", "benchmarks/", ".ci/", "changelog.d/")


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def links(document: Path) -> Iterator[tuple[str, Path]]:
    """Yield every relative link and every path in code marks, with the place it means."""
    text = document.read_text()
    for target in _LINK.findall(text):
        yield target, document.parent / target
    for target in _CODE.findall(text):
        if target.startswith(_ROOTS):
            yield target, ROOT / target
        elif document.name == "ARCHITECTURE.md" and target.endswith((".py", "/")):
            yield target, ROOT / "src" / "armillary" / target


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_path_leads_somewhere(document: Path) -> None:
    broken = [target for target, place in links(document) if not place.exists()]
    assert broken == []


def test_there_are_documents_with_links_to_check() -> None:
    found = [target for document in documents() for target, _ in links(document)]
    assert len(found) > 20


def test_each_decision_has_a_number_of_its_own_and_is_in_the_index() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [path.name[:4] for path in decisions]
    assert sorted(set(numbers)) == numbers
    assert [path.read_text().split(".")[0] for path in decisions] == [
        f"# {int(number)}" for number in numbers
    ]
    index = (ROOT / "ARCHITECTURE.md").read_text()
    assert [path.name for path in decisions if f"docs/adr/{path.name}" not in index] == []
