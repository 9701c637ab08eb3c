"""The CustomResourceDefinitions as objects, made from the models. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.operator.crd.cell import CellSpec, CellStatus
from armillary.operator.crd.cluster import ClusterSpec, ClusterStatus, PlanetScaleClusterSpec
from armillary.operator.crd.columns import printer_columns
from armillary.operator.crd.keyspace import KeyspaceSpec, KeyspaceStatus
from armillary.operator.crd.lockserver import EtcdLockserverSpec, EtcdLockserverStatus
from armillary.operator.crd.schema import Schema, schema_of
from armillary.operator.crd.shard import ShardSpec, ShardStatus
from armillary.operator.crd.storage import (
    BackupObjectSpec,
    BackupScheduleSpec,
    BackupScheduleStatus,
    BackupStatus,
    BackupStorageSpec,
    BackupStorageStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    resource: ResourceKind
    short_names: tuple[str, ...]
    about: str
    spec: type[msgspec.Struct]
    status: type[msgspec.Struct]
    has_status_subresource: bool = True
    scale: tuple[str, str, str] | None = None  # paths of spec, status and selector


DEFINITIONS: Sequence[Definition] = (
    Definition(
        resource=kinds.PLANETSCALE_CLUSTER,
        short_names=("psc",),
        about="A cluster of MySQL shards: all that a user writes is in this one object.",
        spec=PlanetScaleClusterSpec,
        status=ClusterStatus,
    ),
    Definition(
        resource=kinds.VITESS_CLUSTER,
        short_names=("vt",),
        about="The same as a PlanetScaleCluster under the name that Vitess uses.",
        spec=ClusterSpec,
        status=ClusterStatus,
    ),
    Definition(
        resource=kinds.VITESS_CELL,
        short_names=("vtc",),
        about="One cell of a cluster. Written by the operator; change the cluster instead.",
        spec=CellSpec,
        status=CellStatus,
        scale=(
            ".spec.gateway.replicas",
            ".status.gateway.replicas",
            ".status.gateway.labelSelector",
        ),
    ),
    Definition(
        resource=kinds.VITESS_KEYSPACE,
        short_names=("vtk",),
        about="One keyspace of a cluster. Written by the operator; change the cluster instead.",
        spec=KeyspaceSpec,
        status=KeyspaceStatus,
    ),
    Definition(
        resource=kinds.VITESS_SHARD,
        short_names=("vts",),
        about="One shard of a keyspace. Written by the operator; change the cluster instead.",
        spec=ShardSpec,
        status=ShardStatus,
    ),
    Definition(
        resource=kinds.VITESS_BACKUP,
        short_names=("vtb",),
        about="A backup in storage, as a mirror: deleting this object deletes no backup.",
        spec=BackupObjectSpec,
        status=BackupStatus,
        has_status_subresource=False,
    ),
    Definition(
        resource=kinds.VITESS_BACKUP_STORAGE,
        short_names=("vtbs",),
        about="A place that backups go to. Written by the operator.",
        spec=BackupStorageSpec,
        status=BackupStorageStatus,
    ),
    Definition(
        resource=kinds.VITESS_BACKUP_SCHEDULE,
        short_names=(),
        about="Backups by cron expressions. Accepted, and not acted on in this version.",
        spec=BackupScheduleSpec,
        status=BackupScheduleStatus,
    ),
    Definition(
        resource=kinds.ETCD_LOCKSERVER,
        short_names=("etcdls",),
        about="An etcd of three members that holds topology. Written by the operator.",
        spec=EtcdLockserverSpec,
        status=EtcdLockserverStatus,
    ),
)


def build_crd(definition: Definition) -> KubeObject:
    """Return the CustomResourceDefinition."""
    resource = definition.resource
    subresources: Schema = {}
    if definition.has_status_subresource:
        subresources["status"] = {}
    if definition.scale:
        spec_path, status_path, selector_path = definition.scale
        subresources["scale"] = {
            "specReplicasPath": spec_path,
            "statusReplicasPath": status_path,
            "labelSelectorPath": selector_path,
        }
    names: Schema = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
    }
    if definition.short_names:
        names["shortNames"] = list(definition.short_names)
    version: Schema = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root_schema(definition)},
    }
    columns = printer_columns(resource)
    if columns:
        version["additionalPrinterColumns"] = columns
    if subresources:
        version["subresources"] = subresources
    return {
        "apiVersion": kinds.CUSTOM_RESOURCE_DEFINITION.api_version,
        "kind": kinds.CUSTOM_RESOURCE_DEFINITION.kind,
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {
            "group": resource.group,
            "names": names,
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _root_schema(definition: Definition) -> Schema:
    schema: Schema = {
        "description": definition.about,
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of this schema."},
            "kind": {"type": "string", "description": "Kind of the object."},
            "metadata": {"type": "object"},
            "spec": {"description": "What is wanted."} | schema_of(definition.spec),
            "status": {"description": "What is found."} | schema_of(definition.status),
        },
    }
    if "required" in schema["properties"]["spec"]:
        schema["required"] = ["spec"]
    return schema
