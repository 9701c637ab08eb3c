"""What the API server knows about one resource. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALL_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where a scalable object keeps its replica counts, as paths of field names."""

    spec_replicas: tuple[str, ...]
    status_replicas: tuple[str, ...]
    selector: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column of a custom resource's table, as its CRD declares it."""

    name: str
    type: str
    json_path: str
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resource:
    """One resource at one version. Objects of all versions of a group share one place."""

    group: str  # "" is the core group
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_status: bool = False  # /status exists, and the main endpoint does not write status
    has_generation: bool = False  # metadata.generation counts the changes of spec
    scale: ScalePaths | None = None
    more_subresources: Mapping[str, str] = field(default_factory=dict)  # name -> kind
    schema: Mapping[str, Any] | None = None  # OpenAPI v3; None: take what comes
    is_custom: bool = False
    columns: tuple[PrinterColumn, ...] | None = None  # custom resources only
    list_kind: str = ""

    @property
    def verbs(self) -> tuple[str, ...]:
        """What one can ask for. Namespaces, with all in them, are not deleted at a stroke."""
        if self.storage_name == "namespaces":
            return tuple(verb for verb in ALL_VERBS if verb != "deletecollection")
        return ALL_VERBS

    @property
    def storage_name(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_name(self) -> str:
        """As error messages name it: `pods`, `deployments.apps`."""
        return self.storage_name

    @property
    def qualified_kind(self) -> str:
        """As validation messages name it: `Pod`, `Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def kind_of_list(self) -> str:
        return self.list_kind or f"{self.kind}List"
