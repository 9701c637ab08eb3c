"""The schemas teach, validate, and follow the rules for structural schemas."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armillary.base.errors import InputError
from armillary.operator.cluster.model import parse_cluster
from armillary.operator.crd.cluster import PlanetScaleClusterSpec
from armillary.operator.crd.definitions import DEFINITIONS, Definition, build_crd
from armillary.operator.crd.not_acted_on import fields_not_acted_on
from armillary.operator.keyspace.partition import shards_of, wanted_shards
from tests.unit.operator.example import example_object

ROOT = Path(__file__).parents[3]
SHORT_NAMES = {
    "planetscaleclusters": ["psc"],
    "vitessclusters": ["vt"],
    "vitesscells": ["vtc"],
    "vitesskeyspaces": ["vtk"],
    "vitessshards": ["vts"],
    "vitessbackups": ["vtb"],
    "vitessbackupstorages": ["vtbs"],
    "etcdlockservers": ["etcdls"],
}


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from walk(field, f"{path}.{name}")
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from walk(schema[part], f"{path}[]")


def version(definition: Definition) -> dict[str, Any]:
    (found,) = build_crd(definition)["spec"]["versions"]
    return dict(found)


def fields(definition: Definition) -> list[tuple[str, dict[str, Any]]]:
    return list(walk(version(definition)["schema"]["openAPIV3Schema"]))


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.resource.plural)
def test_every_field_says_what_it_is(definition: Definition) -> None:
    silent = [
        path
        for path, field in fields(definition)
        if path and not path.endswith("[]") and path != ".metadata" and not field.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.resource.plural)
def test_schemas_are_structural(definition: Definition) -> None:
    for path, field in fields(definition):
        assert "$ref" not in field, path
        assert "type" in field or field.get("x-kubernetes-int-or-string"), path
        for key in field.get("x-kubernetes-list-map-keys", ()):
            items = field["items"]
            required = key in items.get("required", ())
            assert required or "default" in items["properties"][key], f"{path} by {key}"


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.resource.plural)
def test_kinds_print_only_name_and_age_unless_asked_for_more(definition: Definition) -> None:
    """The procedure's listings depend on it."""
    columns = version(definition).get("additionalPrinterColumns", [])
    plain = [column["name"] for column in columns if not column.get("priority")]
    assert plain == (["Age"] if columns else [])
    names = build_crd(definition)["spec"]["names"]
    assert names.get("shortNames", []) == SHORT_NAMES.get(definition.resource.plural, [])
    paths = {path for path, _ in fields(definition)}
    for column in columns[1:]:
        path = re.sub(r"\[\?.*?\]|\[\d\]|\[\*\]", "[]", column["jsonPath"])
        path = path.replace("conditions.Ready", "conditions[]")
        assert path in paths, f"{column['name']} shows {path}, which is no field"


def test_a_backups_status_is_an_ordinary_field() -> None:
    (backups,) = (d for d in DEFINITIONS if d.resource.plural == "vitessbackups")
    assert "subresources" not in version(backups)


def test_the_shipped_files_are_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "generate_crds.py", "--check"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr


def test_a_bad_value_names_its_field() -> None:
    obj = example_object()
    obj["spec"]["cells"][0]["gateway"]["replicas"] = -1
    with pytest.raises(InputError, match=r"gateway.replicas"):
        parse_cluster(obj)


def test_fields_that_do_nothing_are_told_when_they_are_set() -> None:
    spec = example_object()["spec"]
    assert fields_not_acted_on(PlanetScaleClusterSpec, spec) == ()
    spec["monitoring"] = {"prometheus": {}}
    spec["cells"][0]["region"] = "r"
    spec["backup"]["locations"][0]["azblob"] = {"account": "a"}
    spec["adminProxy"] = None
    spec["vtadmin"] = {}  # empty, and yet a wish: it is null that means none
    assert fields_not_acted_on(PlanetScaleClusterSpec, spec) == (
        "spec.backup.locations[].azblob",
        "spec.cells[].region",
        "spec.monitoring",
        "spec.vtadmin",
    )


def test_the_documentation_names_every_field_that_does_nothing() -> None:
    text = (ROOT / "docs" / "operator.md").read_text()
    named = text[text.index("`FieldsNotActedOn`:") :]
    idle = {
        path.rpartition(".")[2].removesuffix("[]")
        for definition in DEFINITIONS
        for path, field in fields(definition)
        if path and "not acted on in this version" in field.get("description", "")
    }
    assert {name for name in idle if f"`{name}`" not in named} == set()
    assert "externalDatastore" in idle


def partitionings(*plain: dict[str, Any]) -> list[Any]:
    obj = example_object()
    obj["spec"]["keyspaces"][0]["partitionings"] = list(plain)
    return parse_cluster(obj).spec.keyspaces[0].partitionings


@pytest.mark.parametrize(
    ("equal", "names"),
    [
        ({"parts": 1}, ["-"]),
        ({"parts": 2}, ["-80", "80-"]),
        ({"parts": 3}, ["-55", "55-aa", "aa-"]),
        ({"parts": 2, "hexWidth": 4}, ["-8000", "8000-"]),
        ({"parts": 4}, ["-40", "40-80", "80-c0", "c0-"]),
    ],
)
def test_equal_parts(equal: dict[str, int], names: list[str]) -> None:
    (partitioning,) = partitionings({"equal": equal})
    assert [shard.name for shard in shards_of(partitioning)] == names


def test_partitionings_share_equal_shards_and_the_later_template_wins() -> None:
    custom = {
        "shards": [
            {"keyRange": {"end": "80"}, "annotations": {"from": "custom"}},
            {"keyRange": {"start": "80", "end": "c0"}},
            {"keyRange": {"start": "c0"}},
        ]
    }
    found = wanted_shards(partitionings({"equal": {"parts": 2}}, {"custom": custom}))
    assert [shard.name for shard in found] == ["-80", "80-c0", "80-", "c0-"]
    assert found[0].template.annotations == {"from": "custom"}


def test_a_partitioning_must_say_how() -> None:
    with pytest.raises(InputError, match="equal"):
        wanted_shards(partitionings({}))
