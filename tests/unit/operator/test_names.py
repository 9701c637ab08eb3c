"""Every name in the procedure and in the quick starts comes out of our code."""

from datetime import UTC, datetime

import pytest

from armillary.model.backup_name import BackupName
from armillary.model.names import join_name
from armillary.model.tablet import TabletAlias
from armillary.operator.render import names
from armillary.operator.shard.tablets import tablet_object_name, tablet_uid, wanted_tablets
from tests.unit.operator.example import example_cluster, example_shards

TABLETS = [
    ("uscentral1a", "restore", "80-", 1, "0274179421", "446d19ea"),
    ("uscentral1a", "restore", "-80", 1, "3642477526", "9ef49ae4"),
    ("uscentral1a", "main", "80-", 1, "1579720563", "f892b0e6"),
    ("uscentral1a", "main", "-80", 1, "3876690474", "0ed30664"),
    ("uscentral1c", "main", "80-", 1, "2526979163", "924ff12a"),
    ("uscentral1c", "main", "-80", 1, "3925422610", "660980de"),
    ("uscentral1f", "main", "80-", 1, "0805900210", "19f655b1"),
    ("uscentral1f", "main", "-80", 1, "2191363457", "7dead7ff"),
    ("uscentral1a", "main", "-80", 2, "0261268656", "d6078140"),
    ("uscentral1a", "main", "-80", 3, "2253629440", "17557ac0"),
    ("uscentral1a", "main", "80-", 2, "3067826231", "d454720e"),
    ("uscentral1a", "main", "80-", 3, "3815197730", "f3886a80"),
    ("uswest2a", "main", "-80", 1, "0433486107", "2adb076e"),
    ("uswest2a", "main", "-80", 2, "1016938354", "18161672"),
    ("uswest2a", "main", "80-", 1, "3169804963", "d4c380c8"),
    ("uswest2a", "main", "80-", 2, "1990736494", "c589ebc7"),
    ("zone1", "commerce", "-", 1, "2548885007", "46a852d0"),
]


@pytest.mark.parametrize(("cell", "keyspace", "shard", "index", "uid", "suffix"), TABLETS)
def test_tablets_have_the_uids_and_pod_names_of_the_procedure(
    cell: str, keyspace: str, shard: str, index: int, uid: str, suffix: str
) -> None:
    found = tablet_uid(cell, keyspace, shard, "replica", index)
    assert f"{found:010d}" == uid
    name = names.tablet_name("example", TabletAlias(cell, found))
    assert name == f"example-vttablet-{cell}-{uid}-{suffix}"


def test_a_pool_name_counts_only_when_given() -> None:
    assert tablet_uid("cell", "keyspace", "10-20", "replica", 1) == 3376898362
    named = tablet_uid("cell", "keyspace", "10-20", "replica", 1, pool_name="unmanaged-replica-1")
    assert named == 6333720


def test_the_procedures_cluster_has_exactly_its_eight_tablets() -> None:
    found = {
        tablet_object_name(shard, tablet)
        for shard in example_shards(example_cluster())
        for tablet in wanted_tablets(shard)
    }
    assert found == {
        f"example-vttablet-{cell}-{uid}-{suffix}" for cell, _, _, _, uid, suffix in TABLETS[:8]
    }


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (names.keyspace_name("example", "main"), "example-main-4b9f528e"),
        (names.keyspace_name("example", "restore"), "example-restore-ff4c7f0f"),
        (names.keyspace_name("example", "customer"), "example-customer-085639aa"),
        (names.shard_name("example", "main", "-80"), "example-main-x-80-84bc4397"),
        (names.shard_name("example", "main", "80-"), "example-main-80-x-65d60c75"),
        (names.shard_name("example", "restore", "-80"), "example-restore-x-80-81134cd4"),
        (names.shard_name("example", "restore", "80-"), "example-restore-80-x-17ca1c61"),
        (names.shard_object_name("example", "main", "x-80"), "example-main-x-80-84bc4397"),
        (names.cell_name("example", "uscentral1a"), "example-uscentral1a-918f14b6"),
        (names.cell_name("example", "uscentral1c"), "example-uscentral1c-f3090339"),
        (names.cell_name("example", "uscentral1f"), "example-uscentral1f-4239a91a"),
        (names.vtctld_service("example"), "example-vtctld-625ee430"),
        (names.vtgate_service("example"), "example-vtgate-ae7df4b6"),
        (names.vttablet_service("example"), "example-vttablet-08646a59"),
        (names.lockserver_name("example"), "example-etcd-faf13de3"),
        (names.backup_storage_name("example", ""), "example-90089e05"),
        (names.vtctld_deployment("example", "uscentral1a"), "example-uscentral1a-vtctld-6a268099"),
        (names.vtctld_deployment("example", "uscentral1c"), "example-uscentral1c-vtctld-d6e6ae55"),
        (names.vtctld_deployment("example", "uswest2a"), "example-uswest2a-vtctld-e9a472d4"),
        (names.vtgate_deployment("example", "uscentral1a"), "example-uscentral1a-vtgate-bbffae2f"),
        (names.vtgate_deployment("example", "uscentral1c"), "example-uscentral1c-vtgate-d6f4dd28"),
        (names.vtctld_deployment("example", "uscentral1f"), "example-uscentral1f-vtctld-7f3dbdf6"),
        (names.vtgate_deployment("example", "uscentral1f"), "example-uscentral1f-vtgate-2be40e57"),
        (names.vtgate_deployment("example", "uswest2a"), "example-uswest2a-vtgate-dc57c24e"),
        (
            join_name("example", "vbsc", "cluster-every-minute"),
            "example-vbsc-cluster-every-minute-ea63062d",
        ),
        (names.vtgate_deployment("example", "zone1"), "example-zone1-vtgate-bc6cde92"),
        (
            names.initial_backup_name("example", "main", "80-"),
            "example-main-80-x-vtbackup-init-f09214a2",
        ),
        (
            names.initial_backup_name("example", "main", "-80"),
            "example-main-x-80-vtbackup-init-6f097fa4",
        ),
        (
            names.initial_backup_name("example", "restore", "-80"),
            "example-restore-x-80-vtbackup-init-6931f3df",
        ),
        (
            names.initial_backup_name("example", "restore", "80-"),
            "example-restore-80-x-vtbackup-init-f822c0a0",
        ),
        (
            names.periodic_backup_name(
                "example", "main", "80-", "", datetime(2020, 8, 12, 4, 38, 18, tzinfo=UTC)
            ),
            "example-main-80-x-vtbackup-5f33723a-cc7725f0",
        ),
    ],
)
def test_objects_have_their_known_names(found: str, wanted: str) -> None:
    assert found == wanted


@pytest.mark.parametrize(
    ("storage_name", "keyspace", "shard", "wanted"),
    [
        ("2020-08-12.043818.vtbackup-0948395945", "main", "80-",
         "example-main-80-x-20200812-043818-38875fa9-ae3cf855"),
        ("2020-08-12.043833.vtbackup-3784835146", "main", "-80",
         "example-main-x-80-20200812-043833-e198004a-f2e040fe"),
        ("2020-08-12.043833.vtbackup-3563874916", "restore", "80-",
         "example-restore-80-x-20200812-043833-d46c6a64-cec703c3"),
        ("2020-08-12.043835.vtbackup-2261941092", "restore", "-80",
         "example-restore-x-80-20200812-043835-86d27b64-a19a3004"),
        ("2020-08-12.044113.uscentral1a-1579720563", "main", "80-",
         "example-main-80-x-20200812-044113-5e289f73-076378c5"),
        ("2020-08-12.044154.uscentral1a-1579720563", "main", "80-",
         "example-main-80-x-20200812-044154-5e289f73-fe4cc509"),
        ("2020-08-12.044109.uscentral1f-2191363457", "main", "-80",
         "example-main-x-80-20200812-044109-829d8d81-5d46a4f0"),
        ("2020-08-12.044148.uscentral1a-3876690474", "main", "-80",
         "example-main-x-80-20200812-044148-e7119a2a-1cf1d4f0"),
    ],
)  # fmt: skip
def test_backups_have_the_names_of_the_procedure(
    storage_name: str, keyspace: str, shard: str, wanted: str
) -> None:
    backup = BackupName.parse(storage_name)
    assert names.backup_name("example", "", keyspace, shard, backup) == wanted


def test_a_named_location_is_part_of_names() -> None:
    at = datetime(2020, 8, 12, 4, 38, 18, tzinfo=UTC)
    backup = BackupName(at, TabletAlias("c", 1))
    assert "-vbs1-" in names.backup_name("example", "vbs1", "main", "-", backup)
    assert "-vbs1-" in names.periodic_backup_name("example", "main", "-", "vbs1", at)
