"""Which changes of a tablet's pod wait for its replacement, and which are made in place."""

from copy import deepcopy
from dataclasses import replace

import msgspec

from armillary.kube.kinds import KubeObject
from armillary.operator.objects.rollout import (
    Annotate,
    DeletePod,
    Leave,
    decide_pod,
    with_pod_hash,
)
from armillary.operator.render import labels as keys
from armillary.operator.shard.pod import build_pod
from armillary.operator.shard.tablets import wanted_tablets
from tests.unit.operator.example import example_shard


def pod(config_overrides: str = "", **annotations: str) -> KubeObject:
    shard = example_shard()
    tablet = wanted_tablets(shard)[0]
    assert tablet.pool.mysqld is not None
    mysqld = msgspec.structs.replace(tablet.pool.mysqld, config_overrides=config_overrides)
    pool = msgspec.structs.replace(tablet.pool, mysqld=mysqld, annotations=annotations)
    return with_pod_hash(build_pod(shard, replace(tablet, pool=pool)))


def test_other_lines_of_my_cnf_wait_as_mysqld_reads_them_at_its_start() -> None:
    decision = decide_pod(pod("max_connections=8"), pod("max_connections=7"))
    assert isinstance(decision, Annotate)
    assert decision.changes.keys() == {keys.ROLLOUT_SCHEDULED}
    assert "max_connections=8" in str(decision.changes[keys.ROLLOUT_SCHEDULED])


def test_a_release_replaces_the_pod_for_other_lines_of_my_cnf() -> None:
    found = deepcopy(pod("max_connections=7"))
    found["metadata"]["annotations"][keys.ROLLOUT_RELEASED] = ""
    assert isinstance(decide_pod(pod("max_connections=8"), found), DeletePod)


def test_lines_of_my_cnf_that_somebody_else_wrote_are_taken_back_in_place() -> None:
    found = deepcopy(pod("max_connections=7"))
    found["metadata"]["annotations"][keys.MYSQLD_CONFIG_OVERRIDES] = "max_connections=1"
    decision = decide_pod(pod("max_connections=7"), found)
    assert isinstance(decision, Annotate)
    assert decision.changes == {keys.MYSQLD_CONFIG_OVERRIDES: "max_connections=7"}


def test_annotations_of_the_pool_are_changed_in_place() -> None:
    decision = decide_pod(pod(team="b"), pod(team="a"))
    assert isinstance(decision, Annotate)
    assert decision.changes == {"team": "b"}
    assert isinstance(decide_pod(pod(team="a"), pod(team="a")), Leave)


def test_annotations_that_the_pool_does_not_have_any_more_are_removed_in_place() -> None:
    decision = decide_pod(pod(team="a"), pod(team="a", tier="x"))
    assert isinstance(decision, Annotate)
    assert decision.changes == {"tier": None, keys.ANNOTATION_KEYS: "team"}
    decision = decide_pod(pod(), pod(team="a"))
    assert isinstance(decision, Annotate)
    assert decision.changes == {"team": None, keys.ANNOTATION_KEYS: None}


def test_annotations_of_others_stay() -> None:
    found = deepcopy(pod(team="a"))
    found["metadata"]["annotations"] |= {"webhook": "x", keys.DRAIN_STARTED: "by hand"}
    assert isinstance(decide_pod(pod(team="a"), found), Leave)
