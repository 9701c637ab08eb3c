"""Manifests with mistakes are refused before anything starts."""

import copy
from pathlib import Path
from typing import Any

import pytest

from armillary.base.errors import InputError
from armillary.cli.bringup.checks import check_objects
from armillary.cli.bringup.manifests import load_crds, load_example

CRDS = load_crds()


def example(name: str = "quickstart") -> list[dict[str, Any]]:
    return copy.deepcopy(list(load_example(name, namespace="n", directory=Path("/d"))))


def mistakes(objects: list[dict[str, Any]], *, fresh: bool = True) -> str:
    with pytest.raises(InputError) as raised:
        check_objects(objects, CRDS, source="m.yaml", fresh=fresh)
    return str(raised.value)


@pytest.mark.parametrize("name", ["quickstart", "procedure"])
def test_the_shipped_examples_have_none(name: str) -> None:
    check_objects(example(name), CRDS, source=name, fresh=True)
    check_objects(example(name), CRDS, source=name, fresh=False)


def test_every_mistake_is_named_by_its_field() -> None:
    objects = example()
    objects[0]["spec"]["bogus"] = 1
    objects[0]["spec"]["backup"]["engine"] = "tar"
    del objects[0]["spec"]["cells"][0]["name"]
    text = mistakes(objects)
    assert text.startswith("m.yaml has mistakes; nothing was changed\n")
    assert "PlanetScaleCluster example: unknown field spec.bogus" in text
    assert "spec.backup.engine: " in text and "spec.cells[0].name: Required value" in text


def test_what_a_schema_cannot_say_is_found_as_well() -> None:
    objects = example()
    template = objects[0]["spec"]["keyspaces"][0]["partitionings"][0]["equal"]["shardTemplate"]
    template["tabletPools"][0]["cell"] = "nowhere"
    assert "nowhere" in mistakes(objects)
    check_objects(objects, CRDS, source="m.yaml", fresh=False)  # the operator will tell


def test_objects_of_others_are_none_of_our_business() -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "dta": {}}
    check_objects([other], CRDS, source="m.yaml", fresh=True)
