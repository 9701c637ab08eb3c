"""Which tests stay together when several processes share the work (pytest -n 3), and their order.

Each process takes the next scope when it is about to finish one, so the long ones go first: one
that began last would be waited for by all the others.
"""

from collections.abc import Sequence

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# Directories whose files share servers that are costly to start, and stories of one cluster.
TOGETHER = (
    "tests/integration/controllers/",
    "tests/integration/kubelet/",
    "tests/integration/vtgate/",
)
ONE_CLUSTER = frozenset(
    {
        "bad_commands_change_nothing",
        "comes_back",
        "procedure",
        "secrets_stay_secret",
        "two_clusters_one_location",
        "whole_cluster_recreated",
    }
)
# Files whose tests each start what they need.
APART = ("tests/e2e/test_buckets.py",)
_STORIES = "stories of one cluster"
_ON_MYSQL = "the gateway on MySQL"  # the same tests with servers of their own

# What takes long, in the order of the seconds that it takes. The rest follows.
LONGEST_FIRST = (
    _STORIES,
    "tests/e2e/test_killing_during_the_procedure.py",
    "tests/e2e/test_backup_stories.py",
    "tests/e2e/test_primary_moves.py",
    "tests/e2e/test_ordinary_user.py",
    "tests/e2e/test_verbs.py",
    "tests/e2e/test_buckets.py",
    "tests/conformance/kubectl/test_custom_resources.py",
    "tests/conformance/kubectl/test_running.py",
    "tests/conformance/kubectl/test_writing.py",
    "tests/conformance/kubectl/test_server_side_apply.py",
    "tests/integration/vtgate/",
    "tests/integration/kubelet/",
    "tests/integration/tablet/test_backup_and_restore.py",
    "tests/integration/tablet/test_shard_of_two.py",
    "tests/integration/mysqld/test_mysql_flavor.py",
    _ON_MYSQL,
    "tests/integration/tablet/test_ending_amid_backup.py",
    "tests/integration/vtctld/test_real_tablets.py",
    "tests/integration/vtctld/test_commands.py",
    "tests/integration/controllers/",
    "tests/integration/backup/test_take_and_restore.py",
    "tests/integration/backup/test_object_stores.py",
    "tests/integration/backup/test_verify_command.py",
    "tests/integration/running/test_run_tests.py",
    "tests/integration/backup/test_formats.py",
    "tests/integration/operator/test_backup_mirror.py",
    "tests/integration/operator/test_releasing_changes.py",
    "tests/integration/mysqld/test_one_server.py",
    "tests/integration/backup/test_faults_while_restoring.py",
    "tests/integration/backup/test_faults_while_taking.py",
    "tests/integration/backup/test_damaged_backups.py",
    "tests/integration/lockserver/test_lockserver_tls.py",
    "tests/integration/backup/test_vtbackup_process.py",
    "tests/integration/operator/test_objects_of_a_cluster.py",
    "tests/integration/apiserver/test_etcd_store.py",
)


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole files, or several where they share servers, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Return the name of what must run in one process. Pure."""
    file = nodeid.partition("::")[0]
    if file in APART:
        return nodeid
    for directory in TOGETHER:
        if file.startswith(directory):
            return _ON_MYSQL if "[MySQL" in nodeid else directory
    if file.removeprefix("tests/e2e/test_").removesuffix(".py") in ONE_CLUSTER:
        return _STORIES
    return file


def longest_first(nodeids: Sequence[str]) -> list[int]:
    """Return the indexes of tests in the order in which they should start. Pure."""
    ranks = {name: rank for rank, name in enumerate(LONGEST_FIRST)}

    def rank_of(index: int) -> int:
        scope = scope_of(nodeids[index])
        return ranks.get(scope.partition("::")[0], len(ranks))

    return sorted(range(len(nodeids)), key=rank_of)
