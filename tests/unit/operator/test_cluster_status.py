"""What a cluster tells of keyspaces: what is ready, and what left the spec and stays."""

from copy import deepcopy
from typing import Any

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.operator.cluster.build import build_keyspace
from armillary.operator.cluster.check_spec import SpecFindings
from armillary.operator.cluster.model import Cluster, parse_cluster
from armillary.operator.cluster.status import Findings, build_cluster_status
from armillary.operator.cluster.turndown import Orphans
from armillary.operator.crd.keyspace import KeyspaceSpec
from armillary.operator.crd.parts import Condition, Orphan
from armillary.operator.crd.read import read_spec
from armillary.operator.keyspace.build import Keyspace, build_shard
from armillary.operator.keyspace.partition import wanted_shards
from armillary.operator.keyspace.status import (
    build_keyspace_status,
    plan_shard_turndown,
    turndown_condition,
)
from armillary.operator.objects.status import status_as_written
from armillary.operator.objects.written import with_written
from tests.unit.operator.example import example_object
from tests.unit.operator.moments import NOW

_READY = {"poolType": "replica", "index": 1, "running": "True", "ready": "True"}


def cluster_of(*partitionings: int) -> Cluster:
    """The procedure's cluster with keyspace main alone, in so many equal parts."""
    obj = example_object()
    main = obj["spec"]["keyspaces"][0]
    template = main["partitionings"][0]["equal"]["shardTemplate"]
    main["partitionings"] = [
        {"equal": {"parts": parts, "shardTemplate": template}} for parts in partitionings
    ]
    obj["spec"]["keyspaces"] = [main]
    return parse_cluster(obj)


def ready_shards(cluster: Cluster, *, idle: str = "False") -> list[KubeObject]:
    """The shards of the spec, all of whose tablets are ready."""
    spec = read_spec(build_keyspace(cluster, cluster.spec.keyspaces[0]), KeyspaceSpec)
    shards = []
    for wanted in wanted_shards(spec.partitionings):
        shard = build_shard(Keyspace(cluster.name, cluster.namespace, spec), wanted)
        count = sum(pool["replicas"] for pool in shard["spec"]["tabletPools"])
        shard["metadata"] |= {"uid": wanted.name, "generation": 1}
        shard["status"] = {"idle": idle, "tablets": {f"c-{n}": _READY for n in range(count)}}
        shards.append(shard)
    return shards


def keyspace_with(cluster: Cluster, shards: list[KubeObject]) -> KubeObject:
    """The keyspace as its loop leaves it when these shards are there."""
    obj = build_keyspace(cluster, cluster.spec.keyspaces[0])
    obj["metadata"] |= {"uid": "main", "generation": 1}
    spec = read_spec(obj, KeyspaceSpec)
    names = frozenset(shard.name for shard in wanted_shards(spec.partitionings))
    _, orphans = plan_shard_turndown(shards, names)
    conditions = [turndown_condition("main", shards, orphans)]
    status = build_keyspace_status(obj, spec, shards, orphans, conditions)
    return obj | {"status": status_as_written(status)}


def condition(cluster: Cluster, keyspace: KubeObject, kind: str) -> Condition:
    status = build_cluster_status(
        cluster,
        lockserver=None,
        cells=[],
        keyspaces=[keyspace],
        dashboards=[],
        orphans=Orphans({}, {}),
        findings=Findings(SpecFindings()),
        now=NOW,
    )
    (found,) = (one for one in status.conditions if one.type == kind)
    return found


def test_a_shard_that_left_the_spec_is_told_and_does_not_count_as_unready() -> None:
    cluster = cluster_of(2)
    leftover = ready_shards(cluster_of(1))
    keyspace = keyspace_with(cluster, [*ready_shards(cluster), *leftover])
    assert condition(cluster, keyspace, "Ready").status == "True"
    blocked = condition(cluster, keyspace, "TurndownBlocked")
    assert blocked.status == "True" and "shard main/-: The shard left the spec" in blocked.message


def test_a_tablet_that_left_the_spec_and_stays_is_told_unless_it_is_being_drained() -> None:
    shards = ready_shards(cluster_of(1))
    stays: dict[str, Any] = {
        "c-8": {"reason": "Draining", "message": "The tablet is being drained."},
        "c-9": {"reason": "Master", "message": "The tablet is the primary."},
    }
    shards[0]["status"]["orphanedTablets"] = stays
    told = turndown_condition("main", shards, {})
    assert told.message == "tablet c-9 of main/-: The tablet is the primary."
    del stays["c-9"]
    assert turndown_condition("main", shards, {}).status == "False"


def test_of_many_that_stay_ten_are_named() -> None:
    orphans = {f"{n:02x}-": Orphan(reason="Serving", message="It serves.") for n in range(12)}
    told = turndown_condition("main", [], orphans).message
    assert told.count("It serves.") == 10 and told.endswith("And 2 more.")


def test_shards_that_two_partitionings_share_are_wanted_once() -> None:
    cluster = cluster_of(2, 2)
    keyspace = keyspace_with(cluster, ready_shards(cluster))
    assert condition(cluster, keyspace, "Ready").status == "True"


def test_what_is_not_ready_says_what_it_waits_for() -> None:
    cluster = cluster_of(2)
    shards = ready_shards(cluster)
    told = condition(cluster, keyspace_with(cluster, shards[:1]), "Ready")
    assert told.status == "False" and "main (1 of 2 shards are there)" in told.message
    shards[0]["status"]["tablets"]["c-0"] = _READY | {"ready": "False"}
    told = condition(cluster, keyspace_with(cluster, shards), "Ready")
    assert told.status == "False" and "main (5 of 6 tablets)" in told.message


def test_a_keyspace_whose_change_nobody_looked_at_is_not_ready() -> None:
    cluster = cluster_of(2)
    before = keyspace_with(cluster, ready_shards(cluster))
    written = deepcopy(before)
    written["metadata"]["generation"] = 2
    (keyspace,) = with_written([before], [written])
    told = condition(cluster, keyspace, "Ready")
    assert told.status == "False" and "not looked at yet" in told.message


def test_what_a_pass_wrote_is_newer_than_its_cache_or_as_new() -> None:
    def child(uid: str, generation: int, mark: str) -> KubeObject:
        metadata = {"uid": uid, "generation": generation}
        return {"kind": kinds.VITESS_SHARD.kind, "metadata": metadata, "mark": mark}

    seen = [child("a", 2, "seen"), child("b", 1, "seen")]
    written = [child("a", 2, "written"), child("b", 2, "written"), child("c", 1, "written")]
    marks = {one["metadata"]["uid"]: one["mark"] for one in with_written(seen, written)}
    assert marks == {"a": "seen", "b": "written", "c": "written"}
