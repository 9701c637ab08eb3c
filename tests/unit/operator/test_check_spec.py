"""Mistakes in a spec are named with their field; nothing is done about such a spec."""

from collections.abc import Callable
from typing import Any

import pytest

from armillary.operator.cluster.check_images import images_without_effect
from armillary.operator.cluster.check_spec import SpecFindings, check_spec
from armillary.operator.cluster.model import parse_cluster
from armillary.operator.cluster.spec_paths import secret_references
from tests.unit.operator.example import example_object

Spec = dict[str, Any]


def findings(
    change: Callable[[Spec], object] | None = None, *, deployed: frozenset[str] = frozenset()
) -> SpecFindings:
    obj = example_object()
    if change:
        change(obj["spec"])
    return check_spec(parse_cluster(obj), deployed)


def pools_of(spec: Spec) -> list[Spec]:
    pools: list[Spec] = shard_template(spec)["tabletPools"]
    return pools


def shard_template(spec: Spec) -> Spec:
    template: Spec = spec["keyspaces"][0]["partitionings"][0]["equal"]["shardTemplate"]
    return template


def custom(*bounds: tuple[str, str]) -> Callable[[Spec], object]:
    def change(spec: Spec) -> None:
        template = shard_template(spec)
        shards = [{"keyRange": {"start": a, "end": b}, **template} for a, b in bounds]
        spec["keyspaces"][0]["partitionings"] = [{"custom": {"shards": shards}}]

    return change


MAIN = "spec.keyspaces[main]"
TEMPLATE = f"{MAIN}.partitionings[0].equal.shardTemplate"


def test_the_procedures_cluster_has_nothing_to_mend() -> None:
    assert findings() == SpecFindings()


def two_keyspaces(*names: str) -> Callable[[Spec], object]:
    def change(spec: Spec) -> None:
        spec["keyspaces"][0]["partitionings"][0]["equal"]["parts"] = 1
        spec["keyspaces"] = [{**spec["keyspaces"][0], "name": name} for name in names]

    return change


MISTAKES: list[tuple[str, Callable[[Spec], object], str]] = [
    (
        "a pool in a cell that is not there",
        lambda s: pools_of(s)[0].update(cell="mars"),
        f"{TEMPLATE}.tabletPools[0].cell: 'mars' is not in spec.cells",
    ),
    (
        "an unknown backup location",
        lambda s: pools_of(s)[0].update(backupLocationName="moon"),
        f"{TEMPLATE}.tabletPools[0].backupLocationName: 'moon' is not in spec.backup.locations",
    ),
    (
        "two pools whose tablets would be the same",
        lambda s: pools_of(s).append({**pools_of(s)[0], "name": "other"}),
        f"{TEMPLATE}.tabletPools[3]: a second pool of type replica in cell uscentral1a",
    ),
    (
        "two cells of one name",
        lambda s: s["cells"].append(s["cells"][0]),
        "spec.cells: 'uscentral1a' is there more than once",
    ),
    (
        "two keyspaces of one name",
        lambda s: s["keyspaces"].append(s["keyspaces"][0]),
        "spec.keyspaces: 'main' is there more than once",
    ),
    (
        "a keyspace that clients would take for the server's own database",
        two_keyspaces("information_schema"),
        "spec.keyspaces[information_schema].name: to MySQL clients information_schema is",
    ),
    (
        "a secret that is neither named nor in a volume",
        lambda s: s["cells"][0]["gateway"].update(
            authentication={"static": {"secret": {"key": "users.json"}}}
        ),
        "spec.cells[uscentral1a].gateway.authentication.static.secret: wanted the name",
    ),
    (
        "an environment variable without a name",
        lambda s: pools_of(s)[0].update(extraEnv=[{"value": "x"}]),
        f"{TEMPLATE}.tabletPools[0].extraEnv[0].name: wanted a name, found None",
    ),
    (
        "a container without a name",
        lambda s: s.update(vitessDashboard={"sidecarContainers": [{"image": "x"}]}),
        "spec.vitessDashboard.sidecarContainers[0].name: wanted a name, found None",
    ),
    (
        "a label that is the operator's own",
        lambda s: s["cells"][0]["gateway"].update(extraLabels={"planetscale.com/cell": "x"}),
        "spec.cells[uscentral1a].gateway.extraLabels: 'planetscale.com/cell' is the operator's own",
    ),
    (
        "a claim without a size",
        lambda s: pools_of(s)[0].update(dataVolumeClaimTemplate={"resources": {"requests": {}}}),
        f"{TEMPLATE}.tabletPools[0].dataVolumeClaimTemplate.resources.requests.storage: wanted an",
    ),
    (
        "a claim whose requests are none",
        lambda s: pools_of(s)[0].update(dataVolumeClaimTemplate={"resources": "10Gi"}),
        f"{TEMPLATE}.tabletPools[0].dataVolumeClaimTemplate.resources: wanted a mapping, found",
    ),
    (
        "the database of MySQL itself",
        lambda s: s["keyspaces"][0].update(databaseName="mysql"),
        f"{MAIN}.databaseName: mysql is MySQL's own",
    ),
    (
        "a database whose name breaks out of its quotes",
        lambda s: s["keyspaces"][0].update(databaseName="a`b"),
        f"{MAIN}.databaseName: wanted printable characters",
    ),
    (
        "more tablets than anybody meant",
        lambda s: pools_of(s)[0].update(replicas=2**31 - 1),
        "spec.keyspaces: parts and replicas make 4294967300 tablets; one cluster may have 10000",
    ),
    (
        "more shards than anybody meant",
        lambda s: s["keyspaces"][0]["partitionings"][0]["equal"].update(parts=65536),
        "spec.keyspaces: parts and replicas make",
    ),
    (
        "a shard whose name is no label",
        custom(("", "80" * 32), ("80" * 32, "")),
        f"{MAIN}.partitionings[0]: shard -",
    ),
    (
        "two tablets of one UID",
        two_keyspaces("k54257", "k66714"),
        "spec.keyspaces[k66714]: the tablet k66714/- replica 1 would have the UID of "
        "k54257/- replica 1, uscentral1a-2729122863",
    ),
    (
        "a location of no kind",
        lambda s: s["backup"]["locations"][0].pop("volume"),
        "spec.backup.locations[]: wanted exactly one of gcs, s3, azblob, ceph, volume, found none",
    ),
    (
        "a location of two kinds",
        lambda s: s["backup"]["locations"][0].update(gcs={"bucket": "b"}),
        "found gcs and volume",
    ),
    (
        "an engine that is not there",
        lambda s: s["backup"].update(engine="mysqlshell"),
        "spec.backup.engine: mysqlshell",
    ),
    (
        "no partitioning",
        lambda s: s["keyspaces"][0].update(partitionings=[]),
        f"{MAIN}.partitionings: empty",
    ),
    (
        "a partitioning of no kind",
        lambda s: s["keyspaces"][0].update(partitionings=[{}]),
        f"{MAIN}.partitionings[0]: wanted one of equal and custom, found neither",
    ),
    (
        "traffic that should move to two partitionings",
        lambda s: s["keyspaces"][0].update(
            partitionings=[
                part | {"migrateTraffic": "All"} for part in s["keyspaces"][0]["partitionings"] * 2
            ]
        ),
        f"{MAIN}.partitionings: migrateTraffic is All in more than one",
    ),
    ("a gap in the middle", custom(("", "40"), ("80", "")), "keyspace ids from 40 to 80"),
    ("a gap at the start", custom(("40", "")), "keyspace ids below 40"),
    ("a gap at the end", custom(("", "40")), "keyspace ids from 40 on"),
    ("an overlap", custom(("", "80"), ("40", "")), "shards -80 and 40- overlap"),
    ("a shard twice", custom(("", "80"), ("", "80"), ("80", "")), "shards -80 and -80 overlap"),
    ("a range that ends before it starts", custom(("80", "40")), "invalid key range '80-40'"),
    ("no shards", custom(), f"{MAIN}.partitionings[0].custom.shards: empty"),
    (
        "a database name that MySQL does not take",
        lambda s: s["keyspaces"][0].update(name="k" * 62),
        f"spec.keyspaces[{'k' * 62}].databaseName",
    ),
    (
        "an external pool without its server",
        lambda s: pools_of(s)[0].update(type="externalmaster"),
        f"{TEMPLATE}.tabletPools[0].externalDatastore: required by type externalmaster",
    ),
]


@pytest.mark.parametrize(
    ("change", "message"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES]
)
def test_a_mistake_is_named_with_its_field(change: Callable[[Spec], object], message: str) -> None:
    found = findings(change).mistakes
    assert any(message in line for line in found), found


def test_bounds_of_other_lengths_still_meet() -> None:
    """`8000` and `80` are the same point."""
    assert findings(custom(("", "8000"), ("80", ""))).mistakes == ()


def test_a_cluster_name_that_no_label_can_carry_is_refused() -> None:
    obj = example_object()
    obj["metadata"]["name"] = "c" * 64
    (mistake,) = check_spec(parse_cluster(obj), frozenset()).mistakes
    assert mistake.startswith("metadata.name:")


def test_a_cell_that_leaves_while_pools_are_in_it_is_advice_and_no_mistake() -> None:
    """It stays as an orphan; stopping everything else for it would help nobody."""

    def change(spec: Spec) -> None:
        spec["cells"] = [cell for cell in spec["cells"] if cell["name"] != "uscentral1f"]

    found = findings(change, deployed=frozenset({"uscentral1f"}))
    assert found.mistakes == ()
    assert any("'uscentral1f' left spec.cells" in line for line in found.advice)
    never_was = findings(change)
    assert never_was.mistakes and not never_was.advice


ADVICE: list[tuple[str, Callable[[Spec], object], str]] = [
    (
        "no tablet at all",
        lambda s: [pool.update(replicas=0) for pool in pools_of(s)],
        "replicas is 0 everywhere",
    ),
    (
        "nobody may be primary",
        lambda s: [pool.update(type="rdonly") for pool in pools_of(s)],
        "only pools of type replica may have the primary",
    ),
    (
        "nobody to acknowledge",
        lambda s: shard_template(s).update(
            replication={"enforceSemiSync": True}, tabletPools=pools_of(s)[:1]
        ),
        "writes would wait for ever",
    ),
    (
        "no location for a pool",
        lambda s: s["backup"]["locations"][0].update(name="there"),
        "neither backed up nor restored",
    ),
    (
        "a dashboard in no cell",
        lambda s: s.update(vitessDashboard={"cells": ["mars"]}),
        "spec.vitessDashboard.cells: 'mars'",
    ),
]


@pytest.mark.parametrize(
    ("change", "message"), [case[1:] for case in ADVICE], ids=[case[0] for case in ADVICE]
)
def test_what_is_possible_but_odd_is_advice(change: Callable[[Spec], object], message: str) -> None:
    found = findings(change)
    assert found.mistakes == ()
    assert any(message in line for line in found.advice), found.advice


def test_every_secret_that_is_used_is_found_with_its_path() -> None:
    obj = example_object()
    source = {"name": "s", "key": "k"}
    obj["spec"]["backup"]["locations"][0] = {"gcs": {"bucket": "b", "authSecret": source}}
    obj["spec"]["lockserverTLS"] = {"clientCertSecret": source}  # not acted on
    shard_template(obj["spec"])["databaseInitScriptSecret"] = {**source, "volumeName": "v"}
    found = secret_references(parse_cluster(obj).spec)
    ours = [reference.path for reference in found if reference.name == "s"]
    assert ours == ["spec.backup.locations[0].gcs.authSecret"]


@pytest.mark.parametrize(
    ("volume", "mistake"),
    [
        ({}, "volume: wanted exactly one source, such as hostPath; found none"),
        (
            {"hostPath": {"path": "/b"}, "nfs": {"server": "a", "path": "/b"}},
            "volume: wanted exactly one source, such as hostPath; found hostPath and nfs",
        ),
        ({"hostPath": {"path": "b"}}, "volume.hostPath.path: wanted an absolute path, found 'b'"),
        ({"hostPath": {}}, "volume.hostPath.path: wanted an absolute path, found None"),
        ({"hostPath": "/b"}, "volume.hostPath.path: wanted an absolute path, found None"),
    ],
)
def test_a_volume_has_one_source_and_a_directory_that_is_absolute(
    volume: Spec, mistake: str
) -> None:
    def change(spec: Spec) -> None:
        spec["backup"]["locations"] = [{"volume": volume}]

    (found,) = findings(change).mistakes
    assert found == f"spec.backup.locations[].{mistake}"


CERT, KEY = {"name": "s", "key": "cert.pem"}, {"name": "s", "key": "key.pem"}


@pytest.mark.parametrize(
    ("transport", "mistake", "advice"),
    [
        ({"required": True}, "without certSecret and keySecret vtgate has no TLS", ""),
        ({"required": True, "tls": {"certSecret": CERT}}, "without keySecret vtgate has no", ""),
        ({"required": True, "tls": {"certSecret": CERT, "keySecret": KEY}}, "", ""),
        ({"tls": {"clientCACertSecret": CERT, "keySecret": KEY}}, "", "without certSecret vtgate"),
        ({"tls": {"certSecret": CERT, "keySecret": KEY}}, "", ""),
        ({}, "", ""),
    ],
)
def test_tls_that_is_demanded_or_begun_is_complete(
    transport: Spec, mistake: str, advice: str
) -> None:
    def change(spec: Spec) -> None:
        spec["cells"][0]["gateway"]["secureTransport"] = transport

    found = findings(change)
    where = "spec.cells[uscentral1a].gateway.secureTransport"
    for lines, wanted in ((found.mistakes, mistake), (found.advice, advice)):
        assert len(lines) == bool(wanted)
        assert all(line.startswith(where) and wanted in line for line in lines)


def test_images_and_pull_policies_that_no_container_has_are_told() -> None:
    obj = example_object()
    assert images_without_effect(parse_cluster(obj).spec) == []
    obj["spec"]["imagePullPolicies"] = {"vtgate": "Never", "mysql": "Never"}
    obj["spec"]["images"] = {"mysqld": {"mariadbCompatible": "x", "mysql80Compatible": "y"}}
    obj["spec"]["keyspaces"][0]["images"] = {"mysqld": {"postgres": "z"}}
    assert images_without_effect(parse_cluster(obj).spec) == [
        "spec.imagePullPolicies.mysql",
        "spec.images.mysqld.mariadbCompatible",
        "spec.keyspaces[main].images.mysqld.postgres",
    ]
