"""Object names, tablet UIDs and backup names, against vectors of the operator we agree with."""

import pytest

from armillary.base.errors import InputError
from armillary.model.backup_name import BackupName
from armillary.model.names import NameRule, join_name
from armillary.model.tablet import TabletAlias, TabletType, tablet_uid


def test_names_end_with_a_hash_of_their_parts() -> None:
    assert join_name("hello", "world") == "hello-world-1dd41005"
    assert join_name("hello", "world", salt=["salt1", "salt2"]) == "hello-world-462f1b88"
    assert join_name("hello", "world", salt=["salt1-salt2"]) == "hello-world-c65378ee"


def test_long_and_odd_names_fit_kubernetes() -> None:
    rule = NameRule(50, "[a-z0-9]")
    long_name = join_name("really-really-ridiculously-long-inputs-are-truncated", rule=rule)
    assert long_name == "really-really-ridiculously-long-inputs----be12eb20"
    assert len(long_name) == 50
    odd = join_name("-disallowed first chars", "-are prefixed", rule=rule)
    assert odd == "x-disallowed-first-chars--are-prefixed-484b7c84"


@pytest.mark.parametrize(
    ("cell", "keyspace", "shard", "uid", "name_hash"),
    [
        ("uscentral1a", "restore", "80-", 274179421, "446d19ea"),
        ("uscentral1a", "restore", "-80", 3642477526, "9ef49ae4"),
        ("uscentral1a", "main", "80-", 1579720563, "f892b0e6"),
        ("uscentral1a", "main", "-80", 3876690474, "0ed30664"),
        ("uscentral1c", "main", "80-", 2526979163, "924ff12a"),
        ("uscentral1c", "main", "-80", 3925422610, "660980de"),
        ("uscentral1f", "main", "80-", 805900210, "19f655b1"),
        ("uscentral1f", "main", "-80", 2191363457, "7dead7ff"),
    ],
)
def test_every_tablet_of_the_procedure_has_its_uid_and_pod_name(
    cell: str, keyspace: str, shard: str, uid: int, name_hash: str
) -> None:
    assert uid == tablet_uid(
        cell=cell, keyspace=keyspace, shard=shard, pool_type="replica", index=1
    )
    alias = str(TabletAlias(cell, uid))
    assert join_name("example", "vttablet", alias) == f"example-vttablet-{alias}-{name_hash}"


def test_an_alias_splits_at_its_last_dash() -> None:
    assert TabletAlias.parse("zone-1-101") == TabletAlias("zone-1", 101)
    assert str(TabletAlias.parse("zone1-101")) == "zone1-0000000101"
    for text in ("zone1", "zone1-x", "-1", "zone1-4294967296"):
        with pytest.raises(InputError):
            TabletAlias.parse(text)


def test_backup_names_parse_and_sort_by_time() -> None:
    text = "2020-08-12.044113.uscentral1a-1579720563"
    name = BackupName.parse(text)
    assert str(name) == text
    assert name < BackupName.parse("2020-08-12.044154.uscentral1a-0000000001")
    for bad in ("2020-08-12", "2020-08-12.044113.x", "today.zone1-1", "MANIFEST"):
        with pytest.raises(InputError):
            BackupName.parse(bad)


def test_master_means_primary_on_input() -> None:
    assert TabletType.parse("master") is TabletType.PRIMARY
    with pytest.raises(InputError, match="unknown TabletType leader"):
        TabletType.parse("leader")
