"""What `armillary up` takes for a manifest."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from armillary.cli.bringup.manifests import clusters_of, load_example
from armillary.cli.verbs import up


@pytest.mark.parametrize(
    "words",
    [["-f", "x.yaml", "--example", "procedure"], ["-f", "x.yaml", "--bare"], ["--example", "b"]],
)
def test_up_takes_one_manifest_or_a_shipped_one_or_none(words: list[str]) -> None:
    done = CliRunner().invoke(up.command, words)
    assert done.exit_code == 2 and "--example" in done.output


@pytest.mark.parametrize("name", up.EXAMPLES)
def test_every_example_that_up_offers_is_shipped(name: str) -> None:
    assert clusters_of(load_example(name, namespace="n", directory=Path("/d")))
