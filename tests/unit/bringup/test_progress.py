"""How far a cluster is from serving, told from its objects."""

from copy import deepcopy
from typing import Any

import pytest

from armillary.cli.bringup.progress import Progress, Seen, read_progress
from armillary.cli.bringup.wanted import read_wanted

POOL: dict[str, Any] = {"cell": "a", "type": "replica", "replicas": 3}
CLUSTER: dict[str, Any] = {
    "kind": "PlanetScaleCluster",
    "metadata": {"name": "example", "uid": "u-cluster", "generation": 4},
    "status": {
        "observedGeneration": 4,
        "conditions": [{"type": "SpecValid", "status": "True"}],
    },
    "spec": {
        "backup": {"locations": [{"volume": {}}]},
        "cells": [{"name": "a", "gateway": {"replicas": 1}}],
        "keyspaces": [
            {
                "name": "main",
                "partitionings": [
                    {"equal": {"parts": 2, "shardTemplate": {"tabletPools": [POOL]}}}
                ],
            }
        ],
    },
}


def pod(component: str, index: int, **status: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True" if status.pop("ready", False) else "False"}
    return {
        "metadata": {
            "name": f"{component}-{index}",
            "labels": {
                "planetscale.com/component": component,
                "planetscale.com/cluster": "example",
                **PARTS[component],
            },
        },
        "status": {"conditions": [ready], **status},
    }


PARTS = {
    "etcd": {},
    "vttablet": {"planetscale.com/keyspace": "main", "planetscale.com/cell": "a"},
    "vtctld": {"planetscale.com/cell": "a"},
    "vtgate": {"planetscale.com/cell": "a"},
}


def seen(**changes: Any) -> Seen:
    shard = {"metadata": {}, "status": {"hasMaster": "True", "hasInitialBackup": "True"}}
    objects: dict[str, Any] = {
        "clusters": [CLUSTER],
        "shards": [shard, shard],
        "pods": [
            *(pod("etcd", index, ready=True) for index in range(3)),
            *(pod("vttablet", index, ready=True) for index in range(6)),
            pod("vtctld", 0, ready=True),
            pod("vtgate", 0, ready=True),
        ],
        "events": [],
    }
    return Seen(**(objects | changes))


def test_a_whole_cluster_serves() -> None:
    assert read_progress(seen()).serves


def test_every_shard_of_every_pool_counts() -> None:
    wanted = read_wanted(CLUSTER)
    assert (wanted.shards, wanted.primaries, wanted.initial_backups) == (2, 2, 2)
    assert (wanted.tablets, wanted.etcds) == ({"main": 6}, {"": 3})
    assert (wanted.vtgates, wanted.vtctlds) == ({"a": 1}, {"a": 1})


def changed(**spec: Any) -> dict[str, Any]:
    return CLUSTER | {"spec": CLUSTER["spec"] | spec}


def with_pools(*pools: dict[str, Any], **template: Any) -> dict[str, Any]:
    shards = [{"keyRange": {}, "tabletPools": list(pools), **template}]
    keyspace = {"name": "main", "partitionings": [{"custom": {"shards": shards}}]}
    return changed(keyspaces=[keyspace])


def with_status(generation: int, valid: str, message: str = "") -> dict[str, Any]:
    condition = {"type": "SpecValid", "status": valid, "message": message}
    return CLUSTER | {"status": {"observedGeneration": generation, "conditions": [condition]}}


def test_a_spec_that_the_operator_refuses_is_not_served_and_says_why() -> None:
    progress = read_progress(seen(clusters=[with_status(4, "False", "spec.cells: none")]))
    assert not progress.serves
    [refusal] = progress.refusals
    assert refusal.startswith("planetscalecluster/example: ") and "spec.cells: none" in refusal


@pytest.mark.parametrize("valid", ["True", "False"])
def test_what_the_operator_said_of_an_earlier_spec_does_not_count(valid: str) -> None:
    progress = read_progress(seen(clusters=[with_status(3, valid)]))
    assert not progress.serves
    assert not progress.refusals


def test_a_cluster_that_the_operator_has_not_seen_does_not_serve() -> None:
    untold = {key: value for key, value in CLUSTER.items() if key != "status"}
    assert not read_progress(seen(clusters=[untold])).serves


def wanted_by_phase(progress: Progress) -> dict[str, int]:
    return {phase.name: phase.wanted for phase in progress.phases}


@pytest.mark.parametrize(
    ("cluster", "phase", "wanted"),
    [
        (changed(globalLockserver={"external": {"address": "h:1"}}), "lockserver", 0),
        (changed(globalLockserver={"etcd": {"localMemberIndex": 0}}), "lockserver", 1),
        (changed(cells=[{"name": "a", "lockserver": {"etcd": {}}}]), "lockserver", 6),
        (changed(cells=[{"name": "a", "gateway": {"replicas": 0}}]), "vtgate", 0),
        (changed(cells=[{"name": "a"}, {"name": "b"}]), "vtgate", 4),
        (changed(vitessDashboard={"replicas": 0}), "vtctld", 0),
        (changed(cells=[{"name": "a"}, {"name": "b"}]), "vtctld", 2),
        (changed(vitessDashboard={"cells": ["b", "gone"]}, cells=[{"name": "b"}]), "vtctld", 1),
        (with_pools(POOL | {"externalDatastore": {"host": "h"}}), "tablets", 0),
        (with_pools(POOL | {"externalDatastore": {"host": "h"}}), "primaries", 0),
        (with_pools(POOL | {"replicas": 0}), "primaries", 0),
        (with_pools(POOL | {"type": "rdonly"}), "primaries", 0),
        (with_pools(POOL, replication={"initializeMaster": False}), "primaries", 0),
        (changed(replication={"initializeMaster": False}), "primaries", 0),
        (with_pools(POOL, replication={"initializeBackup": False}), "initial backups", 0),
        (with_pools(POOL | {"backupLocationName": "x"}), "initial backups", 0),
        (changed(backup=None), "initial backups", 0),
    ],
)
def test_what_the_operator_does_not_make_is_not_waited_for(
    cluster: dict[str, Any], phase: str, wanted: int
) -> None:
    assert wanted_by_phase(read_progress(seen(clusters=[cluster]))).get(phase, 0) == wanted


def test_an_external_lockserver_and_no_gateways_can_still_serve() -> None:
    cluster = changed(
        globalLockserver={"external": {"address": "h:1"}},
        cells=[{"name": "a", "gateway": {"replicas": 0}}],
    )
    pods = [pod("vttablet", index, ready=True) for index in range(6)]
    assert read_progress(
        seen(clusters=[cluster], pods=[*pods, pod("vtctld", 0, ready=True)])
    ).serves


def test_a_surplus_in_one_cell_makes_up_for_no_lack_in_another() -> None:
    whole = seen(clusters=[changed(cells=[{"name": "b", "gateway": {"replicas": 1}}])])
    assert not read_progress(whole).serves


def test_each_missing_part_keeps_a_cluster_from_serving() -> None:
    whole = seen()
    for index in range(len(whole.pods)):
        pods = [p for number, p in enumerate(whole.pods) if number != index]
        assert not read_progress(seen(pods=pods)).serves, whole.pods[index]["metadata"]
    assert not read_progress(seen(shards=whole.shards[:1])).serves
    assert not read_progress(seen(clusters=[])).serves


def test_a_shard_without_primary_keeps_a_cluster_from_serving() -> None:
    shard = {"metadata": {}, "status": {"hasMaster": "False", "hasInitialBackup": "True"}}
    assert not read_progress(seen(shards=[shard, shard])).serves


def test_a_dying_container_is_told_with_its_reason() -> None:
    container = {
        "name": "mysqld",
        "restartCount": 2,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"exitCode": 7}},
    }
    dying = pod("vttablet", 9, containerStatuses=[container])
    [trouble] = read_progress(seen(pods=[dying])).troubles
    assert str(trouble) == (
        "pod/vttablet-9 mysqld: CrashLoopBackOff, 2 restarts, last exit code 7, back-off"
    )


def test_a_container_that_is_being_created_is_no_trouble() -> None:
    container = {
        "name": "mysqld",
        "restartCount": 0,
        "state": {"waiting": {"reason": "ContainerCreating"}},
    }
    starting = pod("vttablet", 9, containerStatuses=[container])
    assert read_progress(seen(pods=[starting])).troubles == ()


def warning(uid: str, reason: str, at: str = "2026-01-01T00:00:10Z") -> dict[str, Any]:
    about = {"kind": "PlanetScaleCluster", "name": "example", "uid": uid}
    return {
        "type": "Warning",
        "reason": reason,
        "message": "m",
        "involvedObject": about,
        "lastTimestamp": at,
    }


def valid_since(at: str) -> dict[str, Any]:
    cluster = deepcopy(CLUSTER)
    [condition] = cluster["status"]["conditions"]
    condition["lastTransitionTime"] = at
    return cluster


def test_a_warning_about_an_object_that_is_there_is_told() -> None:
    events = [warning("u-cluster", "NameCollision")]
    [trouble] = read_progress(seen(events=events)).troubles
    assert str(trouble) == "planetscalecluster/example: NameCollision: m"


def test_a_warning_outlives_its_object_and_is_not_told_then() -> None:
    events = [warning("u-of-the-one-deleted", "NameCollision"), warning("", "NameCollision")]
    assert read_progress(seen(events=events)).troubles == ()


def test_a_warning_is_not_told_once_its_condition_says_that_it_is_mended() -> None:
    events = [warning("u-cluster", "InvalidSpec", "2026-01-01T00:00:10Z")]
    mended = valid_since("2026-01-01T00:00:12Z")
    assert read_progress(seen(clusters=[mended], events=events)).troubles == ()
    older = valid_since("2026-01-01T00:00:08Z")
    assert len(read_progress(seen(clusters=[older], events=events)).troubles) == 1


def test_a_warning_about_an_earlier_spec_is_not_told() -> None:
    events = [warning("u-cluster", "InvalidSpec")]
    assert read_progress(seen(clusters=[with_status(3, "False")], events=events)).troubles == ()
    assert len(read_progress(seen(clusters=[with_status(4, "False")], events=events)).troubles) == 1


def test_a_shard_that_has_all_it_needs_is_in_no_trouble() -> None:
    status = {"hasMaster": "True", "hasInitialBackup": "True", "tablets": {"a": {"ready": "True"}}}
    shard = {"kind": "VitessShard", "metadata": {"uid": "u-shard"}, "status": status}
    events = [warning("u-shard", "ElectionBlocked")]
    assert read_progress(seen(shards=[shard], events=events)).troubles == ()
    shard["status"] = status | {"hasMaster": "False"}
    assert len(read_progress(seen(shards=[shard], events=events)).troubles) == 1


def test_a_condition_of_a_shard_is_found_by_its_name() -> None:
    """A VitessShard's conditions are a map, as PlanetScale's are; the others have lists."""
    conditions = {"TurndownBlocked": {"status": "True"}}
    status = {"hasMaster": "True", "tablets": {}, "conditions": conditions}
    shard = {"kind": "VitessShard", "metadata": {"uid": "u-shard"}, "status": status}
    events = [warning("u-shard", "TurndownBlocked"), warning("u-shard", "RepairFailed")]
    assert len(read_progress(seen(shards=[shard], events=events)).troubles) == 2
    conditions["TurndownBlocked"]["status"] = "False"
    [trouble] = read_progress(seen(shards=[shard], events=events)).troubles
    assert "RepairFailed" in str(trouble)


def test_a_location_that_can_be_listed_again_is_in_no_trouble() -> None:
    mirrored = {"type": "Mirrored", "status": "False"}
    store = {
        "kind": "VitessBackupStorage",
        "metadata": {"uid": "u-store"},
        "status": {"conditions": [mirrored]},
    }
    events = [warning("u-store", "ListFailed"), warning("u-store", "OpenFailed")]
    assert len(read_progress(seen(children=[store], events=events)).troubles) == 2
    mirrored["status"] = "True"
    assert read_progress(seen(children=[store], events=events)).troubles == ()


def test_changes_that_wait_for_a_release_are_told() -> None:
    waiting = {"type": "ChangesWaiting", "status": "True", "message": "Changes wait for X."}
    cluster = deepcopy(CLUSTER)
    cluster["status"]["conditions"].append(waiting)
    told = [str(trouble) for trouble in read_progress(seen(clusters=[cluster])).troubles]
    assert told == ["planetscalecluster/example: Changes wait for X."]
    waiting["status"] = "False"
    assert read_progress(seen(clusters=[cluster])).troubles == ()
