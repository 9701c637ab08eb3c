"""When a primary counts as dead, and when it is replaced without asking a person."""

from dataclasses import replace

import msgspec
import pytest

from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.keyspace import ReplicationSpec
from armillary.operator.shard.dead_primary import (
    Alive,
    LeaveToPerson,
    Primary,
    Replace,
    Suspected,
    Suspicion,
    Verdict,
    Watched,
    judge_primary,
)
from armillary.operator.shard.pod import build_pod
from armillary.operator.shard.repair import ReplicationSeen
from armillary.operator.shard.semi_sync_seen import recall_semi_synced
from armillary.operator.shard.tablets import wanted_tablets
from tests.unit.operator.example import example_shard

PRIMARY, NEAR, FAR = TabletAlias("a", 1), TabletAlias("a", 2), TabletAlias("b", 3)
SPEC = ReplicationSpec(enforce_semi_sync=True, recover_dead_master=True)
DEAD = ReplicationSeen(alias=PRIMARY, type=TabletType.PRIMARY, reachable=False)
DEAF = ReplicationSeen(alias=NEAR, type=TabletType.REPLICA, reachable=True)
FAR_DEAF = replace(DEAF, alias=FAR)
CURRENT = Primary(PRIMARY, "2026-01-02T03:04:05+00:00")
NOW_S = 1000.0
LONG_AGO = Suspicion(PRIMARY, NOW_S - 10)


def judge(
    *tablets: ReplicationSeen,
    spec: ReplicationSpec = SPEC,
    before: Suspicion | None = LONG_AGO,
    semi_synced: Primary | None = CURRENT,
) -> Verdict:
    return judge_primary(CURRENT, tablets, spec, Watched(semi_synced, before), now_s=NOW_S)


def test_a_primary_that_nobody_hears_for_the_threshold_is_replaced() -> None:
    assert isinstance(judge(DEAD, DEAF, FAR_DEAF), Replace)


def test_one_that_has_no_record_any_more_is_as_dead() -> None:
    assert isinstance(judge(DEAF, FAR_DEAF), Replace)


def test_the_first_look_only_suspects() -> None:
    verdict = judge(DEAD, DEAF, before=None)
    assert isinstance(verdict, Suspected) and verdict.suspicion == Suspicion(PRIMARY, NOW_S)


def test_a_moment_before_the_threshold_it_is_only_suspected() -> None:
    before = Suspicion(PRIMARY, NOW_S - 9.9)
    verdict = judge(DEAD, DEAF, before=before)
    assert isinstance(verdict, Suspected) and verdict.suspicion == before


def test_a_suspicion_of_another_primary_does_not_count() -> None:
    assert isinstance(judge(DEAD, DEAF, before=replace(LONG_AGO, primary=FAR)), Suspected)


def test_an_answer_ends_all_suspicion() -> None:
    assert isinstance(judge(replace(DEAD, reachable=True), DEAF), Alive)


def test_one_witness_who_hears_it_keeps_it() -> None:
    assert isinstance(judge(DEAD, DEAF, replace(FAR_DEAF, is_receiving=True)), Alive)


def test_without_a_witness_the_fault_may_be_ours() -> None:
    gone = replace(DEAF, reachable=False)
    assert isinstance(judge(DEAD, gone), Alive)
    assert isinstance(judge(DEAD), Alive)


def test_a_tablet_that_restores_is_no_witness() -> None:
    assert isinstance(judge(DEAD, replace(DEAF, type=TabletType.RESTORE)), Alive)


def test_the_primarys_cell_can_be_left_out_of_the_vote() -> None:
    near_hears = replace(DEAF, is_receiving=True)
    assert isinstance(judge(DEAD, near_hears, FAR_DEAF), Alive)
    spec = msgspec.structs.replace(SPEC, ignore_dead_master_cell=True)
    assert isinstance(judge(DEAD, near_hears, FAR_DEAF, spec=spec), Replace)


def test_without_semi_sync_it_is_left_to_a_person() -> None:
    """It may have acknowledged what nobody else has."""
    spec = msgspec.structs.replace(SPEC, enforce_semi_sync=False)
    verdict = judge(DEAD, DEAF, spec=spec)
    assert isinstance(verdict, LeaveToPerson) and "enforceSemiSync" in verdict.reason


def test_without_semi_sync_seen_on_it_it_is_left_to_a_person() -> None:
    """A roll-out that waits for a release leaves servers without what the spec asks for."""
    for seen_on in (None, Primary(FAR, CURRENT.term_start), Primary(PRIMARY, "another term")):
        verdict = judge(DEAD, DEAF, semi_synced=seen_on)
        assert isinstance(verdict, LeaveToPerson) and "semi-sync seen" in verdict.reason


def test_each_answer_says_anew_whether_semi_sync_is_at_work() -> None:
    answering = replace(DEAD, reachable=True)
    assert judge(answering, DEAF) == Alive("it answers", None)
    assert judge(replace(answering, is_semi_synced=True), semi_synced=None) == Alive(
        "it answers", CURRENT
    )
    deaf_to_us = judge(DEAD, replace(DEAF, is_receiving=True))
    assert isinstance(deaf_to_us, Alive) and deaf_to_us.semi_synced == CURRENT


@pytest.mark.parametrize(
    "other",
    [
        replace(FAR_DEAF, reachable=False),
        replace(FAR_DEAF, type=TabletType.BACKUP),
        replace(FAR_DEAF, type=TabletType.DRAINED),
    ],
)
def test_a_tablet_that_may_have_more_than_those_that_answer_is_waited_for(
    other: ReplicationSeen,
) -> None:
    verdict = judge(DEAD, DEAF, other)
    assert isinstance(verdict, LeaveToPerson) and str(FAR) in verdict.reason


def test_a_tablet_that_restores_has_nothing_to_wait_for() -> None:
    restoring = replace(FAR_DEAF, type=TabletType.RESTORE, reachable=False)
    assert isinstance(judge(DEAD, DEAF, restoring), Replace)


def remembering(alias: str = str(PRIMARY)) -> KubeObject:
    seen = {"alias": alias, "termStart": CURRENT.term_start}
    return {"metadata": {"name": "s"}, "status": {"semiSyncMaster": seen}}


def pod_with(*args: str) -> KubeObject:
    return {"spec": {"containers": [{"name": "vttablet", "args": list(args)}]}}


def test_what_an_operator_saw_survives_it() -> None:
    asks = pod_with("--enable_semi_sync=true")
    assert recall_semi_synced(remembering(), {PRIMARY: asks}) == CURRENT
    assert recall_semi_synced(remembering(), {}) == CURRENT  # its pod went with its machine


def test_what_was_seen_does_not_count_for_a_pod_that_asks_for_no_semi_sync() -> None:
    assert recall_semi_synced(remembering(), {PRIMARY: pod_with("--a=b")}) is None


def test_nothing_seen_is_nothing_recalled() -> None:
    assert recall_semi_synced({"metadata": {"name": "s"}}, {}) is None
    assert recall_semi_synced(remembering("nonsense"), {}) is None


def test_a_tablets_pod_asks_for_semi_sync_in_the_words_that_are_looked_for() -> None:
    shard = example_shard()
    spec = msgspec.structs.replace(shard.spec, replication=SPEC)
    shard = replace(shard, spec=spec)
    pods = {tablet.alias: build_pod(shard, tablet) for tablet in wanted_tablets(shard)}
    alias = next(iter(pods))
    assert recall_semi_synced(remembering(str(alias)), pods) == replace(CURRENT, alias=alias)
