"""Write which protobuf field is which JSON field, for the kinds that our API server offers.

    go mod download k8s.io/api k8s.io/apimachinery   # Kubernetes' own types, Apache-2.0
    python tools/generate_protobuf_tables.py DIRECTORY/api@VERSION DIRECTORY/apimachinery@VERSION

Go clients send protobuf. Numbers, names and types are in the tags of the fields in types.go; no
text of it is kept. How a field is written down: `local/apiserver/bodies/protobuf_tables.py`.
"""

import json
import re
import sys
from pathlib import Path

OUT = Path(__file__).parents[1] / "src/armillary/local/apiserver/bodies/protobuf_generated.json"
ROOTS = {
    "core/v1": "ConfigMap Endpoints Event Namespace Node PersistentVolumeClaim PersistentVolume "
    "Pod Secret ServiceAccount Service Binding",
    "apps/v1": "Deployment ReplicaSet",
    "autoscaling/v1": "Scale",
    "batch/v1": "Job",
    "coordination/v1": "Lease",
    "discovery/v1": "EndpointSlice",
    "policy/v1": "PodDisruptionBudget Eviction",
    "rbac/v1": "ClusterRoleBinding ClusterRole RoleBinding Role",
    "scheduling/v1": "PriorityClass",
    "storage/v1": "StorageClass",
    "authentication/v1": "SelfSubjectReview",
    "authorization/v1": "SelfSubjectAccessReview SelfSubjectRulesReview",
    "meta/v1": "DeleteOptions",
}
META = "k8s.io/apimachinery/pkg/apis/meta/v1"
SPECIAL = {
    f"{META}.Time": "T",
    f"{META}.MicroTime": "M",
    f"{META}.FieldsV1": "F",
    "k8s.io/apimachinery/pkg/api/resource.Quantity": "Q",
    "k8s.io/apimachinery/pkg/util/intstr.IntOrString": "I",
    "k8s.io/apimachinery/pkg/types.UID": "s",
    "k8s.io/apimachinery/pkg/types.NodeName": "s",
}
PLAIN = {"string": "s", "bool": "b", "int": "i", "int32": "i", "int64": "i", "[]byte": "B"}
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^type (\w+) ([\w.\[\]]+)$", re.MULTILINE)
FIELD = re.compile(r"^\t(?:(\w+) +)?([\w.*\[\]]+) +`(.*)`", re.MULTILINE)
IMPORT = re.compile(r'^\t(\w+)? ?"(k8s\.io/[\w./-]+)"', re.MULTILINE)
TAG = re.compile(r'(\w+):"([^"]*)"')


class Types:
    """What one Go package declares."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.structs = dict(STRUCT.findall(text))
        self.names = dict(NAMED.findall(text))
        self.aliases = {
            alias or where.rpartition("/")[2]: where for alias, where in IMPORT.findall(text)
        }

    def resolve(self, name: str) -> tuple[str, str]:
        alias, _, last = name.rpartition(".")
        return (self.aliases[alias] if alias else self.path), last


class Tables:
    def __init__(self, api: Path, machinery: Path) -> None:
        self.roots = {"k8s.io/api": api, "k8s.io/apimachinery": machinery}
        self.packages: dict[str, Types] = {}
        self.messages: dict[str, dict[str, list[str]]] = {}

    def package(self, path: str) -> Types:
        if path not in self.packages:
            module = "/".join(path.split("/")[:2])
            file = self.roots[module] / path.removeprefix(f"{module}/") / "types.go"
            self.packages[path] = Types(path, file.read_text())
        return self.packages[path]

    def add(self, path: str, name: str) -> str:
        """Write one message down, and those that it holds; return what it is called."""
        label = f"{'/'.join(path.split('/')[-2:])}.{name}"
        if label in self.messages:
            return label
        table = self.messages[label] = {}
        types = self.package(path)
        for field, go_type, tags in FIELD.findall(types.structs[name]):
            given = dict(TAG.findall(tags))
            if "protobuf" not in given:
                continue
            json_name, *options = given["json"].split(",")
            if field and not json_name:
                raise SystemExit(f"{label}.{field} has no name in JSON")
            form = self.form(types, go_type.removeprefix("*"))
            if form in ("s", "b", "i") and "omitempty" in options and go_type[0] != "*":
                form += "0"
            if "{}[]" not in form:  # a message of its own; only the server writes such
                table[given["protobuf"].split(",")[1]] = [json_name, form]
        return label

    def form(self, types: Types, go_type: str) -> str:
        """Return how the value of a Go type is written down."""
        if go_type in PLAIN:
            return PLAIN[go_type]
        if go_type.startswith("[]"):
            return "[]" + self.form(types, go_type[2:])
        if go_type.startswith("map["):
            return "{}" + self.form(types, go_type.partition("]")[2])
        path, name = types.resolve(go_type)
        if f"{path}.{name}" in SPECIAL:
            return SPECIAL[f"{path}.{name}"]
        package = self.package(path)
        if name in package.names:
            return self.form(package, package.names[name])
        return "@" + self.add(path, name)


def main() -> None:
    tables = Tables(Path(sys.argv[1]), Path(sys.argv[2]))
    kinds = {}
    for folder, names in ROOTS.items():
        for name in names.split():
            kinds[name] = tables.add(META if folder == "meta/v1" else f"k8s.io/api/{folder}", name)
    OUT.write_text(json.dumps({"kinds": kinds, "messages": tables.messages}, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
