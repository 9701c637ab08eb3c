"""Read manifests and make the shipped examples fit this machine. I/O in `load_*` only."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from armillary.base.errors import InputError
from armillary.kube.kinds import KubeObject

CLUSTER_KINDS = ("PlanetScaleCluster", "VitessCluster")
CLUSTER_SCOPED_KINDS = frozenset({"Namespace", "CustomResourceDefinition", "PriorityClass", "Node"})


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it: a date is a text, since JSON has none."""


def _as_text(loader: _Loader, node: yaml.Node) -> object:
    return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_text)


def load_manifest(path: Path, *, namespace: str) -> tuple[KubeObject, ...]:
    """Return the objects of a YAML file; those without a namespace go into `namespace`.

    Raises:
        InputError: no such file, not YAML, or a document without kind and name.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text: {error}") from None
    objects = parse_manifest(text, namespace=namespace, source=str(path))
    if not objects:
        raise InputError(f"{path} holds no object: wanted the cluster, and what it needs")
    return objects


def load_crds() -> tuple[KubeObject, ...]:
    """Return the CustomResourceDefinitions that this version of the operator needs."""
    return _load_shipped("crds")


def load_example(name: str, *, namespace: str, directory: Path) -> tuple[KubeObject, ...]:
    """Return a shipped example, its backups pointed into `directory`."""
    text = (_shipped() / "examples" / f"{name}.yaml").read_text()
    objects = parse_manifest(text, namespace=namespace, source=f"example {name}")
    return adapt_example(objects, backups=directory / "backups")


def parse_manifest(text: str, *, namespace: str, source: str) -> tuple[KubeObject, ...]:
    """Return the documents of `text` as objects with a namespace. Pure."""
    try:
        documents = [document for document in yaml.load_all(text, _Loader) if document]
    except yaml.YAMLError as error:
        raise InputError(f"{source} is not YAML: {error}") from error
    return tuple(_placed(obj, namespace, source) for obj in _flat(documents))


def adapt_example(objects: Sequence[KubeObject], *, backups: Path) -> tuple[KubeObject, ...]:
    """Point every hostPath backup location at `backups`; nothing else changes. Pure."""
    adapted = copy.deepcopy(tuple(objects))
    for obj in adapted:
        if obj["kind"] not in CLUSTER_KINDS:
            continue
        for location in (obj["spec"].get("backup") or {}).get("locations") or ():
            if "hostPath" in (location.get("volume") or {}):
                location["volume"]["hostPath"]["path"] = str(backups)
    return adapted


def clusters_of(objects: Sequence[KubeObject]) -> tuple[KubeObject, ...]:
    return tuple(obj for obj in objects if obj["kind"] in CLUSTER_KINDS)


def _placed(obj: Any, namespace: str, source: str) -> KubeObject:
    if not isinstance(obj, Mapping) or not obj.get("kind") or not obj.get("apiVersion"):
        raise InputError(f"{source}: a document has no apiVersion and kind")
    metadata = obj.get("metadata")
    if not isinstance(metadata, Mapping) or not metadata.get("name"):
        raise InputError(f"{source}: a {obj['kind']} has no metadata.name")
    for field, value in (
        ("apiVersion", obj["apiVersion"]),
        ("kind", obj["kind"]),
        ("metadata.name", metadata["name"]),
        ("metadata.namespace", metadata.get("namespace", "")),
    ):
        if not isinstance(value, str):
            raise InputError(
                f"{source}: {field} of a {obj['kind']}: wanted a text, found {value!r}"
            )
    placed = copy.deepcopy(dict(obj))
    if placed["kind"] not in CLUSTER_SCOPED_KINDS:
        placed["metadata"].setdefault("namespace", namespace)
    return placed


def _flat(documents: Sequence[Any]) -> Iterator[Any]:
    for document in documents:
        if isinstance(document, Mapping) and document.get("kind") == "List":
            yield from document.get("items") or ()
        else:
            yield document


def _shipped() -> resources.abc.Traversable:
    return resources.files("armillary") / "deploy"


def _load_shipped(folder: str) -> tuple[KubeObject, ...]:
    files = sorted(
        (file for file in (_shipped() / folder).iterdir() if file.name.endswith(".yaml")),
        key=lambda file: file.name,
    )
    return tuple(
        obj
        for file in files
        for obj in parse_manifest(file.read_text(), namespace="default", source=file.name)
    )
