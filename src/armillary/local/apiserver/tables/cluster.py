"""Tables of everything built in that does not make pods. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from armillary.local.apiserver.tables.cells import (
    AGE,
    Column,
    age,
    created_age,
    joined,
    pairs,
    wide,
)

Value = Mapping[str, Any]
Table = tuple[Sequence[Column], Callable[[Value, datetime], list[Any]]]

_ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_ADDRESSES_SHOWN = 3


def _service(value: Value, now: datetime) -> list[Any]:
    spec = value["spec"]
    external = list(spec.get("externalIPs") or ())
    ingress = ((value.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    external += [entry.get("ip") or entry.get("hostname", "") for entry in ingress]
    if spec.get("type") == "ExternalName":
        external = [spec.get("externalName", "")]
    waiting = "<pending>" if spec.get("type") == "LoadBalancer" else "<none>"
    return [
        spec.get("type", "ClusterIP"),
        spec.get("clusterIP") or "<none>",
        joined(external, empty=waiting),
        joined([_service_port(port) for port in spec.get("ports") or ()]),
        created_age(value, now),
        pairs(spec.get("selector")),
    ]


def _service_port(port: Value) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}"


def _endpoints(value: Value, now: datetime) -> list[Any]:
    shown: list[str] = []
    for subset in value.get("subsets") or ():
        ports = subset.get("ports") or [{}]
        for port in ports:
            for address in subset.get("addresses") or ():
                number = f":{port['port']}" if "port" in port else ""
                shown.append(f"{address['ip']}{number}")
    text = joined(shown[:_ADDRESSES_SHOWN])
    if len(shown) > _ADDRESSES_SHOWN:
        text += f" + {len(shown) - _ADDRESSES_SHOWN} more..."
    return [text, created_age(value, now)]


def _endpointslice(value: Value, now: datetime) -> list[Any]:
    ports = [str(port.get("port", "")) for port in value.get("ports") or ()]
    addresses = [a for e in value.get("endpoints") or () for a in e.get("addresses") or ()]
    return [
        value.get("addressType", ""),
        joined(ports, empty="<unset>"),
        joined(addresses[:_ADDRESSES_SHOWN], empty="<unset>"),
        created_age(value, now),
    ]


def _secret(value: Value, now: datetime) -> list[Any]:
    return [value.get("type", ""), len(value.get("data") or {}), created_age(value, now)]


def _configmap(value: Value, now: datetime) -> list[Any]:
    count = len(value.get("data") or {}) + len(value.get("binaryData") or {})
    return [count, created_age(value, now)]


def _namespace(value: Value, now: datetime) -> list[Any]:
    return [(value.get("status") or {}).get("phase", ""), created_age(value, now)]


def _serviceaccount(value: Value, now: datetime) -> list[Any]:
    return [len(value.get("secrets") or ()), created_age(value, now)]


def _claim(value: Value, now: datetime) -> list[Any]:
    spec, status = value["spec"], value.get("status") or {}
    phase = "Terminating" if "deletionTimestamp" in value["metadata"] else status.get("phase", "")
    bound = bool(spec.get("volumeName"))
    modes = [_ACCESS_MODES.get(mode, mode) for mode in status.get("accessModes") or ()]
    return [
        phase,
        spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", "") if bound else "",
        joined(modes, empty="") if bound else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName", "<unset>"),
        created_age(value, now),
        spec.get("volumeMode", "<unset>"),
    ]


def _volume(value: Value, now: datetime) -> list[Any]:
    spec, status = value["spec"], value.get("status") or {}
    claim = spec.get("claimRef") or {}
    modes = [_ACCESS_MODES.get(mode, mode) for mode in spec.get("accessModes") or ()]
    return [
        (spec.get("capacity") or {}).get("storage", ""),
        joined(modes, empty=""),
        spec.get("persistentVolumeReclaimPolicy", ""),
        status.get("phase", ""),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName", "<unset>"),
        status.get("reason", ""),
        created_age(value, now),
        spec.get("volumeMode", "<unset>"),
    ]


def _node(value: Value, now: datetime) -> list[Any]:
    status = value.get("status") or {}
    info = status.get("nodeInfo") or {}
    addresses = {entry["type"]: entry["address"] for entry in status.get("addresses") or ()}
    conditions = {c["type"]: c.get("status") for c in status.get("conditions") or ()}
    words = {"True": "Ready", "False": "NotReady", "Unknown": "NotReady"}
    state = words.get(conditions.get("Ready", ""), "Unknown")
    if (value.get("spec") or {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    labels = value["metadata"].get("labels") or {}
    roles = sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))
    return [
        state,
        joined(roles),
        created_age(value, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", "<none>"),
        addresses.get("ExternalIP", "<none>"),
        info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _event(value: Value, now: datetime) -> list[Any]:
    involved = value.get("involvedObject") or {}
    first = value.get("firstTimestamp") or value.get("eventTime")
    series = value.get("series") or {}
    last = series.get("lastObservedTime") or value.get("lastTimestamp") or first
    source = value.get("source") or {}
    kind, name = involved.get("kind", "").lower(), involved.get("name", "")
    return [
        age(last, now),
        value.get("type", ""),
        value.get("reason", ""),
        f"{kind}/{name}" if name else kind,
        involved.get("fieldPath", ""),
        joined([t for t in (source.get("component"), source.get("host")) if t], empty=""),
        value.get("message", "").strip(),
        age(first, now),
        series.get("count") or value.get("count") or 1,
        value["metadata"].get("name", ""),
    ]


def _lease(value: Value, now: datetime) -> list[Any]:
    return [(value.get("spec") or {}).get("holderIdentity", ""), created_age(value, now)]


def _pdb(value: Value, now: datetime) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    return [
        str(spec.get("minAvailable", "N/A")),
        str(spec.get("maxUnavailable", "N/A")),
        status.get("disruptionsAllowed", 0),
        created_age(value, now),
    ]


def _priority_class(value: Value, now: datetime) -> list[Any]:
    return [
        value.get("value", 0),
        value.get("globalDefault", False),
        created_age(value, now),
        value.get("preemptionPolicy", ""),
    ]


def _storage_class(value: Value, now: datetime) -> list[Any]:
    return [
        value.get("provisioner", ""),
        value.get("reclaimPolicy", "Delete"),
        value.get("volumeBindingMode", "Immediate"),
        value.get("allowVolumeExpansion", False),
        created_age(value, now),
    ]


def _binding(value: Value, now: datetime) -> list[Any]:
    role = value.get("roleRef") or {}
    subjects: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in value.get("subjects") or ():
        name = subject.get("name", "")
        if subject.get("kind") == "ServiceAccount":
            name = f"{subject.get('namespace', '')}/{name}"
        subjects.setdefault(subject.get("kind", ""), []).append(name)
    return [
        f"{role.get('kind', '')}/{role.get('name', '')}",
        created_age(value, now),
        *(", ".join(subjects[kind]) for kind in ("User", "Group", "ServiceAccount")),
    ]


def _created(value: Value, now: datetime) -> list[Any]:
    return [value["metadata"].get("creationTimestamp")]


_CREATED_AT = Column("Created At", type="date")
_ROLE: Table = ((_CREATED_AT,), _created)
_BINDING: Table = (
    (Column("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")),
    _binding,
)

CLUSTER_TABLES: Mapping[str, Table] = {
    "services": (
        (
            Column("Type"),
            Column("Cluster-IP"),
            Column("External-IP"),
            Column("Port(s)"),
            AGE,
            wide("Selector"),
        ),
        _service,
    ),
    "endpoints": ((Column("Endpoints"), AGE), _endpoints),
    "endpointslices.discovery.k8s.io": (
        (Column("AddressType"), Column("Ports"), Column("Endpoints"), AGE),
        _endpointslice,
    ),
    "secrets": ((Column("Type"), Column("Data", "integer"), AGE), _secret),
    "configmaps": ((Column("Data", "integer"), AGE), _configmap),
    "namespaces": ((Column("Status"), AGE), _namespace),
    "serviceaccounts": ((Column("Secrets", "integer"), AGE), _serviceaccount),
    "persistentvolumeclaims": (
        (
            Column("Status"),
            Column("Volume"),
            Column("Capacity"),
            Column("Access Modes"),
            Column("StorageClass"),
            Column("VolumeAttributesClass"),
            AGE,
            wide("VolumeMode"),
        ),
        _claim,
    ),
    "persistentvolumes": (
        (
            Column("Capacity"),
            Column("Access Modes"),
            Column("Reclaim Policy"),
            Column("Status"),
            Column("Claim"),
            Column("StorageClass"),
            Column("VolumeAttributesClass"),
            Column("Reason"),
            AGE,
            wide("VolumeMode"),
        ),
        _volume,
    ),
    "nodes": (
        (
            Column("Status"),
            Column("Roles"),
            AGE,
            Column("Version"),
            wide("Internal-IP"),
            wide("External-IP"),
            wide("OS-Image"),
            wide("Kernel-Version"),
            wide("Container-Runtime"),
        ),
        _node,
    ),
    "leases.coordination.k8s.io": ((Column("Holder"), AGE), _lease),
    "poddisruptionbudgets.policy": (
        (
            Column("Min Available"),
            Column("Max Unavailable"),
            Column("Allowed Disruptions", "integer"),
            AGE,
        ),
        _pdb,
    ),
    "priorityclasses.scheduling.k8s.io": (
        (
            Column("Value", "integer"),
            Column("Global-Default", "boolean"),
            AGE,
            Column("PreemptionPolicy"),
        ),
        _priority_class,
    ),
    "storageclasses.storage.k8s.io": (
        (
            Column("Provisioner"),
            Column("ReclaimPolicy"),
            Column("VolumeBindingMode"),
            Column("AllowVolumeExpansion"),
            AGE,
        ),
        _storage_class,
    ),
    "roles.rbac.authorization.k8s.io": _ROLE,
    "clusterroles.rbac.authorization.k8s.io": _ROLE,
    "rolebindings.rbac.authorization.k8s.io": _BINDING,
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDING,
    "customresourcedefinitions.apiextensions.k8s.io": _ROLE,
}

# Events do not begin with their name; `-o wide` shows it last.
EVENT_TABLE: Table = (
    (
        Column("Last Seen"),
        Column("Type"),
        Column("Reason"),
        Column("Object"),
        wide("Subobject"),
        wide("Source"),
        Column("Message"),
        wide("First Seen"),
        wide("Count"),
        wide("Name"),
    ),
    _event,
)
