"""The VitessShard objects of one keyspace. Pure."""

from dataclasses import dataclass

import msgspec

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.operator.crd.keyspace import KeyspaceSpec, ShardTemplate
from armillary.operator.crd.read import to_json
from armillary.operator.keyspace.partition import WantedShard
from armillary.operator.render import names
from armillary.operator.render.labels import shard_labels
from armillary.operator.render.podparts import without_empty


@dataclass(frozen=True, slots=True)
class Keyspace:
    """One VitessKeyspace object, as its builders need it."""

    cluster: str
    namespace: str
    spec: KeyspaceSpec

    @property
    def database_name(self) -> str:
        return self.spec.database_name or f"vt_{self.spec.name}"


def build_shard(keyspace: Keyspace, shard: WantedShard) -> KubeObject:
    spec = keyspace.spec
    template = msgspec.convert(msgspec.to_builtins(shard.template), ShardTemplate)
    shard_spec = to_json(template) | without_empty(
        {
            "name": shard.name,
            "databaseName": keyspace.database_name,
            "keyRange": without_empty({"start": shard.start, "end": shard.end}),
            "zoneMap": dict(spec.zone_map),
            "images": to_json(spec.images),
            "imagePullPolicies": dict(spec.image_pull_policies),
            "imagePullSecrets": list(spec.image_pull_secrets),
            "globalLockserver": to_json(spec.global_lockserver),
            "backupLocations": [
                {"name": location.name} | to_json(location) for location in spec.backup_locations
            ],
            "backupEngine": spec.backup_engine,
            "backupPolicy": spec.backup_policy,
            "extraVitessFlags": dict(spec.extra_vitess_flags),
            "topologyReconciliation": to_json(spec.topology_reconciliation),
            "updateStrategy": to_json(spec.update_strategy),
        }
    )
    metadata = without_empty(
        {
            "name": names.shard_name(keyspace.cluster, spec.name, shard.name),
            "namespace": keyspace.namespace,
            "labels": shard_labels(keyspace.cluster, spec.name, shard.name),
            "annotations": dict(template.annotations),
        }
    )
    return {
        "apiVersion": kinds.VITESS_SHARD.api_version,
        "kind": kinds.VITESS_SHARD.kind,
        "metadata": metadata,
        "spec": shard_spec,
    }
