"""What `kubectl get -o wide` shows of each kind; without `-o wide` it is NAME and AGE. Pure.

The procedure's listings have these two columns, so everything else has priority 1.
"""

from collections.abc import Mapping, Sequence

from armillary.kube import kinds
from armillary.kube.kinds import ResourceKind
from armillary.operator.crd.parts import Json

_Column = tuple[str, str, str]  # heading, type, path
_READY = '.status.conditions[?(@.type=="Ready")]'

_WIDE: Mapping[ResourceKind, Sequence[_Column]] = {
    kinds.PLANETSCALE_CLUSTER: (
        ("Ready", "string", f"{_READY}.status"),
        ("Valid", "string", '.status.conditions[?(@.type=="SpecValid")].status'),
        ("Reason", "string", f"{_READY}.reason"),
        ("MySQL", "string", ".status.gatewayServiceName"),
    ),
    kinds.VITESS_CELL: (
        ("Gateway", "string", ".status.gateway.available"),
        ("Gateways", "integer", ".status.gateway.replicas"),
        ("Idle", "string", ".status.idle"),
    ),
    kinds.VITESS_KEYSPACE: (
        ("Ready", "string", f"{_READY}.status"),
        ("Desired", "string", ".status.partitionings[*].desiredTablets"),
        ("Tablets", "string", ".status.partitionings[*].readyTablets"),
        ("Idle", "string", ".status.idle"),
    ),
    kinds.VITESS_SHARD: (
        ("Ready", "string", ".status.conditions.Ready.status"),
        ("Primary", "string", ".status.masterAlias"),
        ("Writes", "string", ".status.servingWrites"),
        ("Cells", "string", ".status.cells[*]"),
        ("Last-Backup", "date", ".status.backupLocations[0].latestCompleteBackupTime"),
    ),
    kinds.VITESS_BACKUP: (
        ("Complete", "boolean", ".status.complete"),
        ("Engine", "string", ".status.engine"),
        ("Directory", "string", ".status.storageDirectory"),
        ("Storage-Name", "string", ".status.storageName"),
    ),
    kinds.VITESS_BACKUP_STORAGE: (
        ("Backups", "integer", ".status.totalBackupCount"),
        ("Mirrored", "string", '.status.conditions[?(@.type=="Mirrored")].status'),
    ),
    kinds.ETCD_LOCKSERVER: (
        ("Available", "string", ".status.available"),
        ("Service", "string", ".status.clientServiceName"),
    ),
}


def printer_columns(resource: ResourceKind) -> list[Json]:
    """Return `additionalPrinterColumns`: AGE, which they replace, and those of `-o wide`."""
    kind = kinds.PLANETSCALE_CLUSTER if resource == kinds.VITESS_CLUSTER else resource
    wide = _WIDE.get(kind, ())
    if not wide:
        return []
    age = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    return [
        age,
        *(
            {"name": name, "type": type_, "jsonPath": path, "priority": 1}
            for name, type_, path in wide
        ),
    ]
