"""Manifests as people write them, and the examples that we ship."""

from pathlib import Path

import pytest

from armillary.base.errors import InputError
from armillary.cli.bringup.manifests import (
    adapt_example,
    clusters_of,
    load_crds,
    load_example,
    load_manifest,
    parse_manifest,
)
from armillary.cli.bringup.wanted import read_wanted


def test_objects_without_a_namespace_go_where_they_are_sent() -> None:
    text = """\
apiVersion: v1
kind: Secret
metadata: {name: a}
---
apiVersion: v1
kind: Secret
metadata: {name: b, namespace: elsewhere}
---
apiVersion: v1
kind: Namespace
metadata: {name: c}
"""
    placed = parse_manifest(text, namespace="here", source="test")
    assert [obj["metadata"].get("namespace") for obj in placed] == ["here", "elsewhere", None]


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "just words",
        "apiVersion: v1\nkind: Secret\n",
        "kind: Secret\n",
        "{apiVersion: v1, kind: Secret, metadata: words}",
        "{apiVersion: v1, kind: Secret, metadata: {name: [a]}}",
        "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: 3}}",
        "{apiVersion: v1, kind: 3, metadata: {name: a}}",
        "{apiVersion: v1, kind: List, items: words}",
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="test"):
        parse_manifest(text, namespace="here", source="test")


def test_a_date_is_a_text_since_json_has_none() -> None:
    text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {day: 2026-01-02}}"
    [obj] = parse_manifest(text, namespace="here", source="test")
    assert obj["data"] == {"day": "2026-01-02"}


@pytest.mark.parametrize("content", [b"", b"# nothing yet\n---\n", b"\xff\xfe\x00"])
def test_a_file_without_an_object_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"cluster\.yaml"):
        load_manifest(path, namespace="here")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InputError, match=r"/nowhere/x\.yaml"):
        load_manifest(Path("/nowhere/x.yaml"), namespace="here")


def test_the_procedure_example_is_the_cluster_of_the_procedure() -> None:
    objects = load_example("procedure", namespace="planetscale", directory=Path("/c"))
    [cluster] = clusters_of(objects)
    assert cluster["metadata"]["name"] == "example"
    wanted = read_wanted(cluster)
    assert (wanted.shards, sum(wanted.tablets.values())) == (4, 8)
    restore = next(k for k in cluster["spec"]["keyspaces"] if k["name"] == "restore")
    assert restore["databaseName"] == "vt_main"
    [location] = cluster["spec"]["backup"]["locations"]
    assert location["volume"]["hostPath"]["path"] == "/c/backups"


def test_the_quick_start_example_has_one_cluster() -> None:
    objects = load_example("quickstart", namespace="planetscale", directory=Path("/c"))
    [cluster] = clusters_of(objects)
    assert sum(read_wanted(cluster).tablets.values()) > 0


def test_pointing_an_example_elsewhere_leaves_the_original_alone() -> None:
    cluster = {
        "kind": "PlanetScaleCluster",
        "spec": {"backup": {"locations": [{"volume": {"hostPath": {"path": "/old"}}}]}},
    }
    [adapted] = adapt_example([cluster], backups=Path("/new"))
    assert adapted["spec"]["backup"]["locations"][0]["volume"]["hostPath"]["path"] == "/new"
    assert "/old" in str(cluster)


def test_the_definitions_of_all_kinds_are_shipped() -> None:
    kinds = {crd["spec"]["names"]["kind"] for crd in load_crds()}
    assert {"PlanetScaleCluster", "VitessShard", "VitessBackup", "EtcdLockserver"} <= kinds
