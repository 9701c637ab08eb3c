"""A command that cannot be carried out says what was wanted and found, and changes nothing."""

from collections.abc import Iterator

import pytest

from armillary.cli.demo.walk import Walk
from tests.forked_program import ForkedProgram, forked_program

# Part of a test's name: two processes that collect the tests must see the same.
FUTURE = "2999-12-31T23:59:59+00:00"
SNAPSHOT = "CreateKeyspace -keyspace_type=SNAPSHOT"

# command, and what its refusal must name
REFUSED = [
    ("NoSuchCommand", "NoSuchCommand"),
    ("GetKeyspace nowhere", "nowhere"),
    ("GetShard main/nowhere", "main/nowhere"),
    ("GetTablet uscentral1a-0000000001", "uscentral1a-0000000001"),
    ("GetTablet not_an_alias", "not_an_alias"),
    ("BackupShard main/nowhere", "main/nowhere"),
    ("BackupShard restore/-80", "restore/-80"),  # its only tablet is the master
    ("ApplyVSchema -vschema={broken main", "vschema"),
    ("ApplySchema -sql='create tabel x (' main", ""),
    ("DeleteKeyspace main", "main"),  # it has shards
    ("DeleteKeyspace nowhere", "nowhere"),
    (f"{SNAPSHOT} -snapshot_time=2020-08-12T04:41:15+00:00 s1", "base_keyspace"),
    (f"{SNAPSHOT} -base_keyspace=main s1", "snapshot_time"),
    (f"{SNAPSHOT} -base_keyspace=main -snapshot_time=yesterday s1", "yesterday"),
    (f"{SNAPSHOT} -base_keyspace=main -snapshot_time={FUTURE} s1", "future"),
    (f"{SNAPSHOT} -base_keyspace=nowhere -snapshot_time=2020-08-12T04:41:15+00:00 s1", "nowhere"),
    ("CreateKeyspace main", "main"),
    ("ListAllTablets -no_such_flag", "no_such_flag"),
]


READ = ("GetKeyspaces", "GetKeyspace main", "GetKeyspace restore", "GetVSchema main")


@pytest.fixture(scope="module")
def reader(walked: Walk) -> Iterator[ForkedProgram]:
    with forked_program("armillary.cli.vtctlclient", env=walked.shell.env) as program:
        yield program


@pytest.fixture(scope="module")
def seen() -> list[str]:
    """What the topology has been like, the newest last."""
    return []


def topology(walk: Walk, reader: ForkedProgram) -> str:
    _, *flags = walk.vtctlclient.split()
    answers = [reader.run(*flags, *command.split()) for command in READ]
    assert [answer.code for answer in answers] == [0] * len(READ), answers
    return "".join(answer.out for answer in answers)


@pytest.mark.parametrize(("command", "named"), REFUSED, ids=[c for c, _ in REFUSED])
def test_it_is_refused_by_name_and_nothing_changes(
    forwarded: Walk, reader: ForkedProgram, seen: list[str], command: str, named: str
) -> None:
    if not seen:
        seen.append(topology(forwarded, reader))
        assert "restore" in seen[0].split()
    code, _, stderr = forwarded.shell.try_run(f"timeout 20 {forwarded.vtctlclient} {command}")
    assert code not in (0, 124), f"exit code {code}: {stderr}"
    assert named in stderr
    seen.append(topology(forwarded, reader))
    assert seen[-1] == seen[-2]
