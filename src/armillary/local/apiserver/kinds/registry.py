"""All resources that are served now. In memory, fed by the cache: no I/O."""

from collections.abc import Iterable

from armillary.local.apiserver.kinds.builtin import build_builtin_resources
from armillary.local.apiserver.kinds.crd import CRDS, build_custom_resources
from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.schema.builtin import BuiltinSchemas
from armillary.local.apiserver.store.cache import CacheEvent


class Registry:
    resource = CRDS  # what the registry follows

    def __init__(self, schemas: BuiltinSchemas) -> None:
        self._schemas = schemas
        self._builtin = build_builtin_resources(schemas.schema_of)
        self._custom: dict[str, tuple[Resource, ...]] = {}  # by the CRD's name
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self.revision = 0  # of the newest CRD change: discovery and OpenAPI are cached by it
        self._index()

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_path.get((group, version, plural))

    def all(self) -> Iterable[Resource]:
        return self._by_path.values()

    def builtin(self, storage_name: str) -> Resource:
        return next(r for r in self._builtin if r.storage_name == storage_name)

    def custom(self, crd_name: str) -> tuple[Resource, ...]:
        """Return the resources of one CRD, the storage version first."""
        return self._custom.get(crd_name, ())

    def follow(self, event: CacheEvent) -> None:
        """Follow one change of a CRD; runs in the same step as the change of the cache."""
        self.revision = event.revision
        if event.after is None:
            self._custom.pop(event.key.name, None)
        else:
            crd = event.after.value
            resources = build_custom_resources(crd, self._schemas.object_meta)
            self._custom[event.key.name] = resources
        self._index()

    def reset(self) -> None:
        self._custom = {}
        self._index()

    def _index(self) -> None:
        resources = [*self._builtin, *(r for rs in self._custom.values() for r in rs)]
        self._by_path = {(r.group, r.version, r.plural): r for r in resources}
