"""What vtgate is told about a keyspace, computed from its shard records. Pure.

Source: Vitess topotools/rebuild_keyspace.go.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from armillary.base.errors import PreconditionError
from armillary.pb import topodata_pb2, vschema_pb2

_SERVED_TYPES = (topodata_pb2.PRIMARY, topodata_pb2.REPLICA, topodata_pb2.RDONLY)


def build_srv_keyspace(
    keyspace: str,
    record: topodata_pb2.Keyspace,
    shards: Mapping[str, topodata_pb2.Shard],
    *,
    allow_partial: bool = False,
) -> topodata_pb2.SrvKeyspace:
    """Return the serving graph: the serving shards, once for each of the three served types.

    Raises:
        PreconditionError: the serving shards leave a gap or overlap. A snapshot keyspace may have
            gaps when `allow_partial` says so.
    """
    references = sorted(
        (
            topodata_pb2.ShardReference(
                name=name, key_range=shard.key_range if shard.HasField("key_range") else None
            )
            for name, shard in shards.items()
            if shard.is_primary_serving
        ),
        key=lambda reference: (reference.key_range.start, reference.name),
    )
    partial_is_fine = allow_partial and record.keyspace_type == topodata_pb2.SNAPSHOT
    if not partial_is_fine and (problem := _coverage_problem(references)):
        raise PreconditionError(f"keyspace {keyspace}: {problem}")
    graph = topodata_pb2.SrvKeyspace(
        partitions=[
            topodata_pb2.SrvKeyspace.KeyspacePartition(
                served_type=served_type, shard_references=references
            )
            for served_type in _SERVED_TYPES
        ]
    )
    if record.HasField("throttler_config"):
        graph.throttler_config.CopyFrom(record.throttler_config)
    return graph


def _coverage_problem(references: Sequence[topodata_pb2.ShardReference]) -> str:
    """Return why the ranges, sorted by start, are not one whole; empty when they are."""
    if not references:
        return "no serving shard"
    if not any(reference.HasField("key_range") for reference in references):
        return ""
    if references[0].key_range.start:
        return f"no shard serves the keyspace ids before {references[0].name}"
    if references[-1].key_range.end:
        return f"no shard serves the keyspace ids after {references[-1].name}"
    for left, right in pairwise(references):
        if left.key_range.end.rstrip(b"\0") != right.key_range.start.rstrip(b"\0"):
            return f"shards {left.name} and {right.name} do not meet"
    return ""


def build_srv_vschema(
    vschemas: Mapping[str, vschema_pb2.Keyspace],
    routing_rules: vschema_pb2.RoutingRules | None = None,
    shard_routing_rules: vschema_pb2.ShardRoutingRules | None = None,
    keyspace_routing_rules: vschema_pb2.KeyspaceRoutingRules | None = None,
    mirror_rules: vschema_pb2.MirrorRules | None = None,
) -> vschema_pb2.SrvVSchema:
    """Return all keyspaces' vschemas and the rules, as one record for vtgate."""
    return vschema_pb2.SrvVSchema(
        keyspaces=dict(vschemas),
        routing_rules=routing_rules or vschema_pb2.RoutingRules(),
        shard_routing_rules=shard_routing_rules or vschema_pb2.ShardRoutingRules(),
        keyspace_routing_rules=keyspace_routing_rules,
        mirror_rules=mirror_rules,
    )
