"""One request for a resource, already taken apart. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.status import bad_request
from armillary.local.apiserver.store.records import ObjectKey, StoredObject

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: Mapping[str, str]
    user_agent: str = ""

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.resource.storage_name, self.namespace, self.name)

    @property
    def is_dry_run(self) -> bool:
        value = self.query.get("dryRun", "")
        if value not in ("", "All"):
            raise bad_request(f'dryRun: Unsupported value: "{value}": supported values: "All"')
        return value == "All"

    def with_dry_run(self) -> "Call":
        return replace(self, query={**self.query, "dryRun": "All"})

    @property
    def field_manager(self) -> str:
        """Who writes: the query says it, else the first word of the user agent."""
        return self.query.get("fieldManager") or self.user_agent.partition("/")[0] or "unknown"

    @property
    def field_validation(self) -> str:
        return self.query.get("fieldValidation") or "Warn"

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("true", "1")

    def number(self, name: str) -> int | None:
        text = self.query.get(name, "")
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a verb returns: an object (stored, or made for this answer), a code, warnings."""

    value: StoredObject | Json
    code: int = 200
    warnings: tuple[str, ...] = ()

    def json(self) -> Json:
        return self.value.value if isinstance(self.value, StoredObject) else self.value
