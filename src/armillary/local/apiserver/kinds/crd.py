"""From a CustomResourceDefinition to the resources that it adds. Pure."""

from collections.abc import Mapping
from typing import Any

from armillary.local.apiserver.kinds.resource import PrinterColumn, Resource, ScalePaths
from armillary.local.apiserver.schema.shape import ANYTHING, Schema

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def build_custom_resources(crd: Mapping[str, Any], object_meta: Schema) -> tuple[Resource, ...]:
    """Return one resource for each served version, the storage version first."""
    versions = [v for v in crd["spec"]["versions"] if v.get("served", True)]
    versions.sort(key=lambda version: not version.get("storage"))
    return tuple(_build(crd["spec"], version, object_meta) for version in versions)


def _build(spec: Mapping[str, Any], version: Mapping[str, Any], object_meta: Schema) -> Resource:
    names = spec["names"]
    subresources = version.get("subresources") or {}
    return Resource(
        group=spec["group"],
        version=version["name"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        kind=names["kind"],
        list_kind=names.get("listKind") or f"{names['kind']}List",
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        has_status="status" in subresources,
        has_generation=True,
        scale=_scale(subresources.get("scale")),
        schema=build_root_schema(version, object_meta),
        is_custom=True,
        columns=_columns(version.get("additionalPrinterColumns") or ()),
    )


def build_root_schema(version: Mapping[str, Any], object_meta: Schema) -> Schema:
    """Return the version's schema with the fields that every object has."""
    declared: Schema = (version.get("schema") or {}).get("openAPIV3Schema") or ANYTHING
    common = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": object_meta,
    }
    return {**declared, "properties": {**declared.get("properties", {}), **common}}


def _scale(declared: Mapping[str, str] | None) -> ScalePaths | None:
    if declared is None:
        return None
    return ScalePaths(
        _field_names(declared["specReplicasPath"]),
        _field_names(declared["statusReplicasPath"]),
        _field_names(declared.get("labelSelectorPath", "")),
    )


def _field_names(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix(".").split(".")) if path else ()


def _columns(declared: Any) -> tuple[PrinterColumn, ...]:
    return tuple(
        PrinterColumn(
            column["name"],
            column["type"],
            column["jsonPath"],
            column.get("format", ""),
            column.get("description", ""),
            column.get("priority", 0),
        )
        for column in declared
    )


def accept_crd(crd: dict[str, Any], *, now: str) -> None:
    """Fill in the defaults of a CRD and say that it is established, in place."""
    spec = crd["spec"]
    names = spec["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
    status = crd.setdefault("status", {})
    status["acceptedNames"] = dict(names)
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    kept = [name for name in status.get("storedVersions", ()) if name not in stored]
    status["storedVersions"] = kept + stored
    conditions = status.setdefault("conditions", [])
    for kind, reason, message in (
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ):
        if not any(condition["type"] == kind for condition in conditions):
            conditions.append(
                {
                    "type": kind,
                    "status": "True",
                    "lastTransitionTime": now,
                    "reason": reason,
                    "message": message,
                }
            )
