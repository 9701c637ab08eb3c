"""Turn what a client sent into an object that may be stored, or refuse it. No I/O but the cache."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from armillary.base.clock import utc_now
from armillary.local.apiserver.objects.addresses import ServiceAddresses
from armillary.local.apiserver.objects.checks import check_builtin
from armillary.local.apiserver.objects.defaults import apply_builtin_defaults
from armillary.local.apiserver.objects.metadata import (
    carry_metadata,
    check_deletion,
    check_metadata,
    count_generation,
    generate_name,
    start_metadata,
)
from armillary.local.apiserver.patch.managers import UPDATE, Manager
from armillary.local.apiserver.schema.shape import ANYTHING, Schema
from armillary.local.apiserver.schema.structural import (
    apply_defaults,
    drop_nulls,
    prune,
    validate,
)
from armillary.local.apiserver.status import (
    Cause,
    StatusError,
    bad_request,
    forbidden,
    invalid,
)
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.store.records import ObjectKey
from armillary.local.apiserver.verbs.call import Call, Json


@dataclass(frozen=True, slots=True)
class World:
    """What a write may have to look at besides its own object."""

    cache: ObjectCache
    addresses: ServiceAddresses


def timestamp() -> str:
    """Return now as Kubernetes writes instants."""
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")


def schema_of(call: Call) -> Schema:
    return call.resource.schema or ANYTHING


def manager_of(call: Call, *, operation: str = UPDATE) -> Manager:
    return Manager(
        call.field_manager, operation, call.subresource, call.resource.api_version, timestamp()
    )


def check_identity(value: Any, call: Call) -> Json:
    """Check that the body is an object of this resource; fill in what the path says anyway.

    Raises:
        StatusError: another kind, namespace or name than the path says.
    """
    if not isinstance(value, dict):
        raise bad_request("the request body must be one object")
    resource = call.resource
    found = value.setdefault("apiVersion", resource.api_version)
    if found != resource.api_version:
        raise bad_request(
            f"the API version in the data ({found}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if value.setdefault("kind", resource.kind) != resource.kind:
        raise bad_request(
            f'{value["kind"]} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: converting ({value['kind']}) to ({resource.kind}): "
            "unknown conversion"
        )
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        metadata = value["metadata"] = {}
    if resource.namespaced and metadata.setdefault("namespace", call.namespace) != call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if not resource.namespaced:
        metadata.pop("namespace", None)
    if call.name and metadata.setdefault("name", call.name) != call.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL "
            f"({call.name})"
        )
    return value


def prune_unknown(value: Json, call: Call) -> tuple[str, ...]:
    """Drop unknown fields; return warnings about them.

    Raises:
        StatusError: there are some, and the client asked for strict validation.
    """
    if not call.resource.is_custom:
        drop_nulls(value)
    unknown = prune(value, schema_of(call))
    problems = tuple(f'unknown field "{path}"' for path in unknown)
    if not problems or call.field_validation == "Ignore":
        return ()
    if call.field_validation == "Strict":
        kind = call.resource.kind
        if call.resource.is_custom:
            raise bad_request("strict decoding error: " + ", ".join(problems))
        raise bad_request(
            f'{kind} in version "{call.resource.version}" cannot be handled as a {kind}: '
            "strict decoding error: " + ", ".join(problems)
        )
    return problems


def start_object(value: Json, call: Call, world: World) -> Json:
    """Make a new object complete, in place.

    Raises:
        StatusError: invalid, or its namespace does not take it.
    """
    resource = call.resource
    metadata = value["metadata"]
    if not metadata.get("name"):
        if not metadata.get("generateName"):
            text = "Required value: name or generateName is required"
            cause = Cause("metadata.name", "FieldValueRequired", text)
            raise invalid(resource, "", [cause])
        metadata["name"] = generate_name(metadata["generateName"])
    check_namespace(call, world, metadata["name"])
    now = timestamp()
    start_metadata(value, resource, uid=str(uuid.uuid4()), now=now)
    if resource.has_status:
        value.pop("status", None)
    fill_defaults(value, call, now=now)
    _refuse(value, call, check_object(value, None, call))
    return value


def fill_defaults(value: Json, call: Call, *, now: str) -> None:
    if call.resource.is_custom:
        apply_defaults(value, schema_of(call))
        return
    try:
        apply_builtin_defaults(value, call.resource, now=now)
    except (AttributeError, KeyError, TypeError):
        # The object is not shaped as its kind: validation says where.
        _refuse(value, call, validate(value, schema_of(call)))
        raise


def check_namespace(call: Call, world: World, name: str) -> None:
    if not call.resource.namespaced:
        return
    namespace = world.cache.get(ObjectKey("namespaces", "", call.namespace))
    if namespace is None:
        raise _namespace_not_found(call.namespace)
    if "deletionTimestamp" in namespace.value["metadata"]:
        why = (
            f"unable to create new content in namespace {call.namespace} "
            "because it is being terminated"
        )
        raise forbidden(call.resource, name, why)


def _namespace_not_found(name: str) -> StatusError:
    details = {"name": name, "kind": "namespaces"}
    return StatusError(404, "NotFound", f'namespaces "{name}" not found', details=details)


def continue_object(value: Json, before: Mapping[str, Any], call: Call) -> Json:
    """Make a changed object complete: what may not change comes from `before`.

    Raises:
        StatusError: invalid, or a change that is not allowed.
    """
    resource = call.resource
    if call.subresource == "status":
        value = _with_status_only(value, before, call)
    elif resource.has_status:
        if "status" in before:
            value["status"] = before["status"]
        else:
            value.pop("status", None)
    carry_metadata(value, before)
    if resource.storage_name == "services":
        for name in ("clusterIP", "clusterIPs"):
            if name in before["spec"] and not (value.get("spec") or {}).get(name):
                value.setdefault("spec", {})[name] = before["spec"][name]
    if resource.storage_name == "namespaces" and call.subresource != "finalize":
        value["spec"] = before["spec"]
    fill_defaults(value, call, now=timestamp())
    _refuse(value, call, check_object(value, before, call))
    count_generation(value, before, resource)
    return value


def _with_status_only(value: Json, before: Mapping[str, Any], call: Call) -> Json:
    """A status update of a custom resource changes status and nothing else; built-in kinds also
    let metadata through."""
    metadata = dict(before["metadata"]) if call.resource.is_custom else value["metadata"]
    if "managedFields" in value["metadata"]:
        metadata["managedFields"] = value["metadata"]["managedFields"]
    result = {name: old for name, old in before.items() if name not in ("metadata", "status")}
    result["metadata"] = metadata
    if "status" in value:
        result["status"] = value["status"]
    return result


def check_object(value: Json, before: Mapping[str, Any] | None, call: Call) -> list[Cause]:
    causes = validate(value, schema_of(call))
    if not call.resource.is_custom:
        # Built-in kinds do not check what the control plane itself writes into status.
        causes = [cause for cause in causes if not _is_missing_in_status(cause)]
    if before is not None:
        causes += check_deletion(value, before)
    if causes:
        return causes  # the checks below rely on the shape
    if before is None or value["metadata"] != before["metadata"]:
        causes = check_metadata(value, call.resource)
    if not call.resource.is_custom:
        causes += check_builtin(value, before, call.resource)
    return causes


def _is_missing_in_status(cause: Cause) -> bool:
    return cause.reason == "FieldValueRequired" and cause.field.startswith("status.")


def _refuse(value: Json, call: Call, causes: list[Cause]) -> None:
    if causes:
        raise invalid(call.resource, value["metadata"].get("name", ""), causes)
