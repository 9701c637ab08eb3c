"""Where in a cluster's spec things are: paths for people, and all Secrets it names. Pure."""

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from armillary.operator.crd.keyspace import KeyspaceTemplate, ShardTemplate
from armillary.operator.crd.parts import SecretSource


@dataclass(frozen=True, slots=True)
class ShardPath:
    path: str
    template: ShardTemplate


def shard_templates(path: str, keyspace: KeyspaceTemplate) -> Iterator[ShardPath]:
    """Yield every shard template of a keyspace; `path` is the keyspace's."""
    for index, partitioning in enumerate(keyspace.partitionings):
        base = f"{path}.partitionings[{index}]"
        if partitioning.equal is not None:
            yield ShardPath(f"{base}.equal.shardTemplate", partitioning.equal.shard_template)
        if partitioning.custom is not None:
            for number, shard in enumerate(partitioning.custom.shards):
                yield ShardPath(f"{base}.custom.shards[{number}]", shard)


@dataclass(frozen=True, slots=True)
class SecretReference:
    path: str
    name: str
    key: str


def secret_references(spec: msgspec.Struct) -> list[SecretReference]:
    """Return every Secret that a spec names in a field that we act on."""
    return list(_walk(spec, "spec"))


def _walk(value: Any, path: str) -> Iterator[SecretReference]:
    if isinstance(value, SecretSource):
        if value.name and not value.volume_name:  # a volume of the pod wins over the Secret
            yield SecretReference(path, value.name, value.key)
    elif isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            if not _is_not_acted_on(field.type):
                child = getattr(value, field.name)
                yield from _walk(child, f"{path}.{field.encode_name}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            name = getattr(child, "name", "")
            yield from _walk(child, f"{path}[{name or index}]")


def _is_not_acted_on(annotation: Any) -> bool:
    metas = typing.get_args(annotation)[1:]
    return any((getattr(meta, "extra", None) or {}).get("not_acted_on") for meta in metas)
