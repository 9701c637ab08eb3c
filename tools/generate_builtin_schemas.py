"""Write the OpenAPI schemas of the built-in Kubernetes kinds that our API server offers.

    pip install lightkube-models        # Kubernetes' own types, generated, Apache-2.0
    python tools/generate_builtin_schemas.py

Types come from `lightkube.models`. What those leave out (merge keys, list types, value types of
maps) comes from the tables below, which repeat the markers in Kubernetes' types.go. Descriptions
are left out: they are Kubernetes' text.
"""

import importlib
import json
import typing
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "src/armillary/local/apiserver/schema"
PREFIXES = {
    "core_v1": "io.k8s.api.core.v1",
    "apps_v1": "io.k8s.api.apps.v1",
    "batch_v1": "io.k8s.api.batch.v1",
    "coordination_v1": "io.k8s.api.coordination.v1",
    "discovery_v1": "io.k8s.api.discovery.v1",
    "policy_v1": "io.k8s.api.policy.v1",
    "rbac_v1": "io.k8s.api.rbac.v1",
    "scheduling_v1": "io.k8s.api.scheduling.v1",
    "scheduling_v1alpha3": "io.k8s.api.scheduling.v1alpha3",
    "storage_v1": "io.k8s.api.storage.v1",
    "authorization_v1": "io.k8s.api.authorization.v1",
    "meta_v1": "io.k8s.apimachinery.pkg.apis.meta.v1",
    "apiextensions_v1": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
}
ROOTS = {
    "core_v1": "ConfigMap Endpoints Event Namespace Node PersistentVolumeClaim PersistentVolume "
    "Pod Secret ServiceAccount Service",
    "apps_v1": "Deployment ReplicaSet",
    "batch_v1": "Job",
    "coordination_v1": "Lease",
    "discovery_v1": "EndpointSlice",
    "policy_v1": "PodDisruptionBudget",
    "rbac_v1": "ClusterRoleBinding ClusterRole RoleBinding Role",
    "scheduling_v1": "PriorityClass",
    "storage_v1": "StorageClass",
    "apiextensions_v1": "CustomResourceDefinition",
    "meta_v1": "DeleteOptions Status",
}
GROUPS = {
    "io.k8s.api.core.v1": ("", "v1"),
    "io.k8s.api.apps.v1": ("apps", "v1"),
    "io.k8s.api.batch.v1": ("batch", "v1"),
    "io.k8s.api.coordination.v1": ("coordination.k8s.io", "v1"),
    "io.k8s.api.discovery.v1": ("discovery.k8s.io", "v1"),
    "io.k8s.api.policy.v1": ("policy", "v1"),
    "io.k8s.api.rbac.v1": ("rbac.authorization.k8s.io", "v1"),
    "io.k8s.api.scheduling.v1": ("scheduling.k8s.io", "v1"),
    "io.k8s.api.storage.v1": ("storage.k8s.io", "v1"),
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1": ("apiextensions.k8s.io", "v1"),
}

# Type.field -> keys by which its items are told apart (list type "map").
LIST_MAP_KEYS = {
    "PodSpec.containers": "name",
    "PodSpec.initContainers": "name",
    "PodSpec.ephemeralContainers": "name",
    "PodSpec.volumes": "name",
    "PodSpec.imagePullSecrets": "name",
    "PodSpec.hostAliases": "ip",
    "PodSpec.topologySpreadConstraints": "topologyKey whenUnsatisfiable",
    "PodSpec.resourceClaims": "name",
    "PodSpec.schedulingGates": "name",
    "Container.env": "name",
    "Container.ports": "containerPort protocol",
    "Container.volumeMounts": "mountPath",
    "Container.volumeDevices": "devicePath",
    "EphemeralContainer.env": "name",
    "EphemeralContainer.ports": "containerPort protocol",
    "EphemeralContainer.volumeMounts": "mountPath",
    "EphemeralContainer.volumeDevices": "devicePath",
    "PodStatus.conditions": "type",
    "PodStatus.podIPs": "ip",
    "NodeStatus.conditions": "type",
    "NodeStatus.addresses": "type",
    "NamespaceStatus.conditions": "type",
    "PersistentVolumeClaimStatus.conditions": "type",
    "ServiceSpec.ports": "port protocol",
    "ServiceStatus.conditions": "type",
    "ServiceAccount.secrets": "name",
    "DeploymentStatus.conditions": "type",
    "ReplicaSetStatus.conditions": "type",
    "PodDisruptionBudgetStatus.conditions": "type",
    "ObjectMeta.ownerReferences": "uid",
    "CustomResourceDefinitionStatus.conditions": "type",
}
# The keys of strategic merges where they differ from the above: only the first key counts there.
PATCH_MERGE_KEYS = {"JobStatus.conditions": "type"}
LIST_SETS = {"ObjectMeta.finalizers", "NodeSpec.podCIDRs"}
PATCH_RETAIN_KEYS = {"PodSpec.volumes", "DeploymentSpec.strategy"}
ATOMIC_TYPES = {
    "LabelSelector",
    "NodeSelector",
    "NodeSelectorTerm",
    "ConfigMapKeySelector",
    "SecretKeySelector",
    "ObjectFieldSelector",
    "ResourceFieldSelector",
    "LocalObjectReference",
    "TypedLocalObjectReference",
    "ObjectReference",
    "SecretReference",
    "OwnerReference",
    "EndpointAddress",
    "EndpointPort",
    "RoleRef",
    "Subject",
}
ATOMIC_FIELDS = {"ServiceSpec.selector", "PodSpec.nodeSelector"}
OPEN = {"x-kubernetes-preserve-unknown-fields": True}
QUANTITY: dict[str, Any] = {"x-kubernetes-int-or-string": True}
STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
QUANTITIES = {"type": "object", "additionalProperties": QUANTITY}
QUANTITY_MAPS = {
    *("allocatable", "allocatedResources", "capacity", "default", "defaultRequest", "hard"),
    *("limits", "max", "maxLimitRequestRatio", "min", "overhead", "requests", "used"),
}
SPECIAL_MAPS: dict[str, dict[str, Any]] = {
    "JSONSchemaProps.properties": {"type": "object", "additionalProperties": OPEN},
    "JSONSchemaProps.patternProperties": {"type": "object", "additionalProperties": OPEN},
    "JSONSchemaProps.definitions": {"type": "object", "additionalProperties": OPEN},
    "JSONSchemaProps.dependencies": {"type": "object", "additionalProperties": OPEN},
    "PodDisruptionBudgetStatus.disruptedPods": STRINGS,
}
NAMED: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "util_intstr.IntOrString": {"x-kubernetes-int-or-string": True},
    "resource.Quantity": QUANTITY,
    "meta_v1.Time": {"type": "string", "format": "date-time"},
    "meta_v1.MicroTime": {"type": "string", "format": "date-time"},
    "meta_v1.FieldsV1": {"type": "object"} | OPEN,
    "runtime.RawExtension": {"type": "object"} | OPEN,
}


class Generator:
    def __init__(self) -> None:
        self.types: dict[str, dict[str, Any]] = {}

    def add(self, module: str, name: str) -> str:
        full = f"{PREFIXES[module]}.{name}"
        if full not in self.types:
            self.types[full] = {}
            self.types[full].update(self.object_schema(module, name, full))
        return full

    def object_schema(self, module: str, name: str, full: str) -> dict[str, Any]:
        model = getattr(importlib.import_module(f"lightkube.models.{module}"), name)
        properties: dict[str, Any] = {}
        required = []
        for python_name, annotation in model.__annotations__.items():
            json_name = model.__struct_encode_fields__[model.__struct_fields__.index(python_name)]
            optional = annotation.startswith("Optional[")
            text = annotation.removeprefix("Optional[").removesuffix("]" if optional else "")
            properties[json_name] = self.field_schema(module, name, json_name, text)
            if not optional:
                required.append(json_name)
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if name in ATOMIC_TYPES:
            schema["x-kubernetes-map-type"] = "atomic"
        group = GROUPS.get(full.rsplit(".", 1)[0])
        if name in ROOTS.get(module, "").split() and group:
            gvk = {"group": group[0], "version": group[1], "kind": name}
            schema["x-kubernetes-group-version-kind"] = [gvk]
        return schema

    def field_schema(self, module: str, owner: str, field: str, text: str) -> dict[str, Any]:
        schema = dict(self.type_schema(module, owner, field, text))
        path = f"{owner}.{field}"
        if path in LIST_MAP_KEYS:
            keys = LIST_MAP_KEYS[path].split()
            schema["x-kubernetes-list-type"] = "map"
            schema["x-kubernetes-list-map-keys"] = keys
            schema["x-kubernetes-patch-merge-key"] = keys[0]
            schema["x-kubernetes-patch-strategy"] = "merge"
        elif path in PATCH_MERGE_KEYS:
            schema["x-kubernetes-list-type"] = "atomic"
            schema["x-kubernetes-patch-merge-key"] = PATCH_MERGE_KEYS[path]
            schema["x-kubernetes-patch-strategy"] = "merge"
        elif path in LIST_SETS:
            schema["x-kubernetes-list-type"] = "set"
            schema["x-kubernetes-patch-strategy"] = "merge"
        elif schema.get("type") == "array":
            schema["x-kubernetes-list-type"] = "atomic"
        if path in PATCH_RETAIN_KEYS:
            strategy = "merge,retainKeys" if path in LIST_MAP_KEYS else "retainKeys"
            schema["x-kubernetes-patch-strategy"] = strategy
        if path in ATOMIC_FIELDS:
            schema["x-kubernetes-map-type"] = "atomic"
        return schema

    def type_schema(self, module: str, owner: str, field: str, text: str) -> dict[str, Any]:
        if text.startswith("List["):
            items = self.type_schema(module, owner, field, text[5:-1])
            return {"type": "array", "items": items}
        if text == "dict":
            special = SPECIAL_MAPS.get(f"{owner}.{field}")
            return special or (QUANTITIES if field in QUANTITY_MAPS else STRINGS)
        qualified = text if "." in text else f"{module}.{text}"
        if text in NAMED or qualified in NAMED:
            return NAMED.get(text) or NAMED[qualified]
        target_module, _, target = qualified.partition(".")
        model = getattr(importlib.import_module(f"lightkube.models.{target_module}"), target)
        opaque = (typing.Any, typing.Dict)  # noqa: UP006  (the models are annotated with this one)
        if model in opaque or not hasattr(model, "__annotations__"):
            return dict(OPEN)
        return {"$ref": self.add(target_module, target)}


def main() -> None:
    generator = Generator()
    for module, names in ROOTS.items():
        for name in names.split():
            generator.add(module, name)
    schema_properties = "JSONSchemaProps"
    props = generator.types[f"{PREFIXES['apiextensions_v1']}.{schema_properties}"]
    # Nested schemas are open: what they may hold is checked by the structural rules.
    props["x-kubernetes-preserve-unknown-fields"] = True
    text = json.dumps(generator.types, sort_keys=True, separators=(",", ":"))
    (OUT / "builtin_generated.json").write_text(text.replace('},"io.k8s', '},\n"io.k8s') + "\n")


if __name__ == "__main__":
    main()
