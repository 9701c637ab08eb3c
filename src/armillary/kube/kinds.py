"""The resource kinds that we speak of, and where the API serves them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from armillary.base.errors import InputError

KubeObject = dict[str, Any]  # one API object as JSON; treat it as read-only unless you made it


@dataclass(frozen=True, slots=True)
class ResourceKind:
    group: str  # "" is the core group
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> str:
        """Return the URL path of the collection, one object, or a subresource of it."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}{scope}/{self.plural}{tail}"

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


NAMESPACE = ResourceKind("", "v1", "namespaces", "Namespace", namespaced=False)
NODE = ResourceKind("", "v1", "nodes", "Node", namespaced=False)
POD = ResourceKind("", "v1", "pods", "Pod")
SERVICE = ResourceKind("", "v1", "services", "Service")
ENDPOINTS = ResourceKind("", "v1", "endpoints", "Endpoints")
SECRET = ResourceKind("", "v1", "secrets", "Secret")
CONFIG_MAP = ResourceKind("", "v1", "configmaps", "ConfigMap")
PERSISTENT_VOLUME_CLAIM = ResourceKind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
EVENT = ResourceKind("", "v1", "events", "Event")
LEASE = ResourceKind("coordination.k8s.io", "v1", "leases", "Lease")
DEPLOYMENT = ResourceKind("apps", "v1", "deployments", "Deployment")
REPLICA_SET = ResourceKind("apps", "v1", "replicasets", "ReplicaSet")
JOB = ResourceKind("batch", "v1", "jobs", "Job")
POD_DISRUPTION_BUDGET = ResourceKind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
PRIORITY_CLASS = ResourceKind(
    "scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False
)
CUSTOM_RESOURCE_DEFINITION = ResourceKind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)

PLANETSCALE_GROUP = "planetscale.com"


def _planetscale(plural: str, kind: str) -> ResourceKind:
    return ResourceKind(PLANETSCALE_GROUP, "v2", plural, kind)


PLANETSCALE_CLUSTER = _planetscale("planetscaleclusters", "PlanetScaleCluster")
VITESS_CLUSTER = _planetscale("vitessclusters", "VitessCluster")
VITESS_CELL = _planetscale("vitesscells", "VitessCell")
VITESS_KEYSPACE = _planetscale("vitesskeyspaces", "VitessKeyspace")
VITESS_SHARD = _planetscale("vitessshards", "VitessShard")
VITESS_BACKUP = _planetscale("vitessbackups", "VitessBackup")
VITESS_BACKUP_STORAGE = _planetscale("vitessbackupstorages", "VitessBackupStorage")
VITESS_BACKUP_SCHEDULE = _planetscale("vitessbackupschedules", "VitessBackupSchedule")
ETCD_LOCKSERVER = _planetscale("etcdlockservers", "EtcdLockserver")

KNOWN_KINDS: Mapping[tuple[str, str], ResourceKind] = {
    (kind.api_version, kind.kind): kind
    for kind in tuple(globals().values())
    if isinstance(kind, ResourceKind)
}


def kind_of(obj: KubeObject) -> ResourceKind:
    """Return the kind that an object names.

    Raises:
        InputError: it names none, or one that is not in this module.
    """
    found = (obj.get("apiVersion", ""), obj.get("kind", ""))
    if found not in KNOWN_KINDS:
        raise InputError(f"unknown kind {found[1]!r} of {found[0]!r}")
    return KNOWN_KINDS[found]
