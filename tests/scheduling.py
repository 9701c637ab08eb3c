"""Which tests stay together when several processes share the work (pytest -n 2)."""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# Directories whose files share servers that are costly to start, and stories of one cluster.
TOGETHER = (
    "tests/integration/controllers/",
    "tests/integration/kubelet/",
    "tests/integration/vtctld/",
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


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole files, or several where they share servers, the longest first."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Return the name of what must run in one process. Pure."""
    file = nodeid.partition("::")[0]
    for directory in TOGETHER:
        if file.startswith(directory):
            return directory
    if file.removeprefix("tests/e2e/test_").removesuffix(".py") in ONE_CLUSTER:
        return "stories of one cluster"
    return file
