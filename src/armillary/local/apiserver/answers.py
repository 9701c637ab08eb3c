"""Responses: objects, lists and watch events, as JSON or as the Table that kubectl prints. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.store.records import StoredObject, encode_json, encode_list
from armillary.local.apiserver.tables.render import render_table
from armillary.local.apiserver.verbs.call import Call, Json
from armillary.local.apiserver.verbs.read import Page
from armillary.local.apiserver.verbs.watch import WatchEvent


@dataclass(frozen=True, slots=True)
class Form:
    """How the client wants objects: whole, as a table, or their metadata only."""

    table_version: str = ""  # of meta.k8s.io
    include_object: str = "Metadata"
    metadata_only: bool = False


def choose_form(accept: str, call: Call) -> Form:
    """Return the first form in an Accept header that we know."""
    for choice in accept.split(","):
        media_type, *parameters = (part.strip() for part in choice.split(";"))
        wanted = dict(p.split("=", 1) for p in parameters if "=" in p)
        if not media_type.endswith(("json", "*/*")) or wanted.get("g", "") not in (
            "",
            "meta.k8s.io",
        ):
            continue
        match wanted.get("as"):
            case "Table":
                include = call.query.get("includeObject", "Metadata")
                return Form(table_version=wanted.get("v", "v1"), include_object=include)
            case "PartialObjectMetadata" | "PartialObjectMetadataList":
                return Form(metadata_only=True)
            case None:
                return Form()
    return Form()


def encode_object_for(value: StoredObject | Json, call: Call, form: Form) -> bytes:
    if form.table_version:
        shown = value.value if isinstance(value, StoredObject) else value
        if shown.get("kind") != call.resource.kind:
            return encode_json(shown)  # a Status, a Scale
        return encode_json(_table([shown], call.resource, form, {}))
    if form.metadata_only:
        shown = value.value if isinstance(value, StoredObject) else value
        return encode_json(_metadata_only(shown))
    return _encode_whole(value, call.resource)


def encode_page(page: Page, call: Call, form: Form) -> bytes:
    metadata: Json = {"resourceVersion": str(page.revision)}
    if page.next_token:
        metadata["continue"] = page.next_token
    if page.remaining is not None:
        metadata["remainingItemCount"] = page.remaining
    if form.table_version:
        values = [stored.value for stored in page.items]
        return encode_json(_table(values, call.resource, form, metadata))
    if form.metadata_only:
        kind = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        items = [encode_json(_metadata_only(stored.value)) for stored in page.items]
        return encode_list({**kind, "metadata": metadata}, items)
    resource = call.resource
    header = {"kind": resource.kind_of_list, "apiVersion": resource.api_version}
    items = [_encode_whole(stored, resource) for stored in page.items]
    return encode_list({**header, "metadata": metadata}, items)


class EventEncoder:
    """Encodes one watch's events; a table's column definitions come only with the first."""

    def __init__(self, call: Call, form: Form) -> None:
        self._resource = call.resource
        self._form = form
        self._columns_sent = False

    def encode(self, events: Sequence[WatchEvent]) -> bytes:
        return b"".join(self._encode(event) for event in events)

    def _encode(self, event: WatchEvent) -> bytes:
        if event.type == "ERROR":
            body = encode_json(event.object)
        elif self._form.table_version:
            body = self._encode_table(event)
        elif isinstance(event.object, StoredObject) and self._form.metadata_only:
            body = encode_json(_metadata_only(event.object.value))
        else:
            body = _encode_whole(event.object, self._resource)
        return b'{"type":"' + event.type.encode() + b'","object":' + body + b"}\n"

    def _encode_table(self, event: WatchEvent) -> bytes:
        if isinstance(event.object, StoredObject):
            values, metadata = [event.object.value], {}
        else:  # a bookmark: a table without rows, but for its version
            values, metadata = [event.object], event.object["metadata"]
        version = values[0]["metadata"].get("resourceVersion", "")
        table = _table(values, self._resource, self._form, {"resourceVersion": version})
        if event.type == "BOOKMARK":
            table["rows"] = [{"cells": [], "object": _metadata_only(values[0])}]
            table["metadata"] = {key: metadata[key] for key in metadata if metadata[key]}
        if self._columns_sent:
            table["columnDefinitions"] = None
        self._columns_sent = True
        return encode_json(table)


def _table(values: Sequence[Json], resource: Resource, form: Form, metadata: Json) -> Json:
    columns, rows = render_table(values, resource)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{form.table_version}",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": [
            {"cells": cells, "object": _row_object(value, form)}
            for value, cells in zip(values, rows, strict=True)
        ],
    }


def _row_object(value: Json, form: Form) -> Any:
    match form.include_object:
        case "Object":
            return value
        case "None":
            return None
    return _metadata_only(value)


def _metadata_only(value: Json) -> Json:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": value["metadata"],
    }


def _encode_whole(value: StoredObject | Json, resource: Resource) -> bytes:
    """Encode an object at the version of `resource`; versions of a CRD differ in name only."""
    if not isinstance(value, StoredObject):
        return encode_json(value)
    if resource.is_custom and value.value.get("apiVersion") != resource.api_version:
        return encode_json({**value.value, "apiVersion": resource.api_version})
    return value.encoded
