"""Paths of topology records below the root of the global topology or of a cell. Pure.

Source: Vitess topology layout, version 1 (topo/server.go).
"""

from armillary.model.tablet import TabletAlias

CELLS = "cells"
CELLS_ALIASES = "cells_aliases"
KEYSPACES = "keyspaces"
TABLETS = "tablets"
ROUTING_RULES = "RoutingRules"
SHARD_ROUTING_RULES = "ShardRoutingRules"
KEYSPACE_ROUTING_RULES = "routing_rules/keyspace/Rules"
MIRROR_RULES = "MirrorRules"
SRV_VSCHEMA = "SrvVSchema"

# Global


def cell_info(cell: str) -> str:
    return f"{CELLS}/{cell}/CellInfo"


def cells_alias(alias: str) -> str:
    return f"{CELLS_ALIASES}/{alias}/CellsAlias"


def keyspace_dir(keyspace: str) -> str:
    return f"{KEYSPACES}/{keyspace}"


def keyspace(keyspace: str) -> str:
    return f"{KEYSPACES}/{keyspace}/Keyspace"


def vschema(keyspace: str) -> str:
    return f"{KEYSPACES}/{keyspace}/VSchema"


def shards_dir(keyspace: str) -> str:
    return f"{KEYSPACES}/{keyspace}/shards"


def shard_dir(keyspace: str, shard: str) -> str:
    return f"{KEYSPACES}/{keyspace}/shards/{shard}"


def shard(keyspace: str, shard: str) -> str:
    return f"{KEYSPACES}/{keyspace}/shards/{shard}/Shard"


# In each cell


def tablet(alias: TabletAlias) -> str:
    return f"{TABLETS}/{alias}/Tablet"


def shard_replication(keyspace: str, shard: str) -> str:
    return f"{KEYSPACES}/{keyspace}/shards/{shard}/ShardReplication"


def srv_keyspace(keyspace: str) -> str:
    return f"{KEYSPACES}/{keyspace}/SrvKeyspace"


def names_with_record(paths: list[str], directory: str, record: str) -> list[str]:
    """Return NAME of every path `directory/NAME/record`, sorted.

    Locks and other records lie below the same directories; they do not make a name exist.
    """
    prefix, suffix = f"{directory}/", f"/{record}"
    found = {
        path[len(prefix) : -len(suffix)]
        for path in paths
        if path.startswith(prefix) and path.endswith(suffix)
    }
    return sorted(name for name in found if name and "/" not in name)
