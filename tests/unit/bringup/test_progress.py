"""How far a cluster is from serving, told from its objects."""

from typing import Any

from armillary.cli.bringup.progress import Seen, cluster_size, read_progress

POOL = {"cell": "a", "type": "replica", "replicas": 3}
CLUSTER = {
    "kind": "PlanetScaleCluster",
    "metadata": {"name": "example"},
    "spec": {
        "backup": {"locations": [{"volume": {}}]},
        "cells": [{"name": "a"}],
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
            "labels": {"planetscale.com/component": component},
        },
        "status": {"conditions": [ready], **status},
    }


def deployment(component: str, replicas: int) -> dict[str, Any]:
    return {
        "metadata": {"name": component, "labels": {"planetscale.com/component": component}},
        "spec": {"replicas": replicas},
    }


def seen(**changes: Any) -> Seen:
    shard = {"status": {"hasMaster": "True", "hasInitialBackup": "True"}}
    objects: dict[str, Any] = {
        "clusters": [CLUSTER],
        "shards": [shard, shard],
        "pods": [
            *(pod("etcd", index, ready=True) for index in range(3)),
            *(pod("vttablet", index, ready=True) for index in range(6)),
            pod("vtctld", 0, ready=True),
            pod("vtgate", 0, ready=True),
        ],
        "deployments": [deployment("vtctld", 1), deployment("vtgate", 1)],
        "events": [],
    }
    return Seen(**(objects | changes))


def test_a_whole_cluster_serves() -> None:
    assert read_progress(seen()).serves


def test_size_counts_every_shard_of_every_pool() -> None:
    size = cluster_size(CLUSTER)
    assert (size.shards, size.tablets, size.has_backups) == (2, 6, True)


def test_each_missing_part_keeps_a_cluster_from_serving() -> None:
    whole = seen()
    for index in range(len(whole.pods)):
        pods = [p for number, p in enumerate(whole.pods) if number != index]
        assert not read_progress(seen(pods=pods)).serves, whole.pods[index]["metadata"]
    assert not read_progress(seen(shards=whole.shards[:1])).serves
    assert not read_progress(seen(clusters=[])).serves


def test_a_shard_without_primary_keeps_a_cluster_from_serving() -> None:
    shard = {"status": {"hasMaster": "False", "hasInitialBackup": "True"}}
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
