"""The cluster of the procedure, built the way the operator builds it: object by object."""

from pathlib import Path
from typing import Any

import yaml

from armillary.kube.kinds import KubeObject
from armillary.operator.cell.build import Cell
from armillary.operator.cluster.build import build_cell, build_keyspace
from armillary.operator.cluster.model import Cluster, parse_cluster
from armillary.operator.crd.cell import CellSpec
from armillary.operator.crd.keyspace import KeyspaceSpec
from armillary.operator.crd.read import read_spec
from armillary.operator.keyspace.build import Keyspace, build_shard
from armillary.operator.keyspace.partition import wanted_shards
from armillary.operator.shard.tablets import Shard, parse_shard

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"


def example_object(name: str = "procedure") -> KubeObject:
    documents = list(yaml.safe_load_all((EXAMPLES / f"{name}.yaml").read_text()))
    obj: dict[str, Any] = documents[0]
    obj["metadata"] |= {"namespace": "planetscale", "uid": "1", "generation": 1}
    return obj


def example_cluster(name: str = "procedure") -> Cluster:
    return parse_cluster(example_object(name))


def example_cell(cluster: Cluster, index: int = 0) -> Cell:
    obj = build_cell(cluster, cluster.spec.cells[index])
    return Cell(cluster.name, cluster.namespace, read_spec(obj, CellSpec))


def shard_objects(cluster: Cluster) -> list[KubeObject]:
    objects = []
    for template in cluster.spec.keyspaces:
        spec = read_spec(build_keyspace(cluster, template), KeyspaceSpec)
        keyspace = Keyspace(cluster.name, cluster.namespace, spec)
        for shard in wanted_shards(spec.partitionings):
            obj = build_shard(keyspace, shard)
            obj["metadata"] |= {"uid": obj["metadata"]["name"], "generation": 1}
            objects.append(obj)
    return objects


def example_shards(cluster: Cluster) -> list[Shard]:
    return [parse_shard(obj) for obj in shard_objects(cluster)]


def example_shard(name: str = "-80", keyspace: str = "main") -> Shard:
    return next(
        shard
        for shard in example_shards(example_cluster())
        if (shard.keyspace, shard.name) == (keyspace, name)
    )
