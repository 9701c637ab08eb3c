"""Get and list, from the cache. Lists page at the revision of their first page."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import anyio
import msgspec

from armillary.base.errors import InputError
from armillary.local.apiserver.selectors import (
    Match,
    build_match,
    parse_field_selector,
    parse_label_selector,
)
from armillary.local.apiserver.status import bad_request, expired, not_found, too_new
from armillary.local.apiserver.store.cache import ExpiredError, ObjectCache
from armillary.local.apiserver.store.records import (
    ObjectKey,
    StoredObject,
    decode_json,
    encode_json,
)
from armillary.local.apiserver.verbs.call import Call

VERSION_WAIT_S = 3.0  # as the real server


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[StoredObject]
    revision: int
    next_token: str = ""
    remaining: int | None = None


def get(cache: ObjectCache, call: Call) -> StoredObject:
    stored = cache.get(call.key)
    if stored is None:
        raise not_found(call.resource, call.name)
    return stored


def match_of(call: Call) -> Match | None:
    """Return the predicate of the request's selectors (and of a single name in the path)."""
    try:
        labels = parse_label_selector(call.query.get("labelSelector", ""))
        fields = parse_field_selector(call.query.get("fieldSelector", ""), call.resource)
    except InputError as error:
        raise bad_request(str(error)) from error
    return build_match(labels, fields)


async def list_page(cache: ObjectCache, call: Call) -> Page:
    """Return one page of a list.

    Raises:
        StatusError: a bad selector, a bad token, or a token whose revision is gone (410).
    """
    token = call.query.get("continue", "")
    if token:
        revision, start = _decode_token(token)
        try:
            objects = cache.select_at(call.resource.storage_name, call.namespace, revision)
        except ExpiredError as error:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result. "
                "You can start a new list without the continue parameter."
            ) from error
        after = (start.namespace, start.name)
        objects = [o for o in objects if (o.key.namespace, o.key.name) > after]
    else:
        revision, objects = await _first_page_of(cache, call)
    matches = match_of(call)
    if matches is not None:
        objects = [stored for stored in objects if matches(stored.value)]
    limit = call.number("limit") or 0
    if not 0 < limit < len(objects):
        return Page(objects, revision)
    page = objects[:limit]
    # With a selector the real server does not know how many remain either.
    remaining = len(objects) - limit if matches is None else None
    return Page(page, revision, _encode_token(revision, page[-1].key), remaining)


async def _first_page_of(cache: ObjectCache, call: Call) -> tuple[int, list[StoredObject]]:
    """Return a revision and the objects at it: no older than the version the client has seen."""
    version = call.number("resourceVersion") or 0
    await wait_for_version(cache, version)
    name = call.resource.storage_name
    if call.query.get("resourceVersionMatch") != "Exact":
        return cache.revision, cache.select(name, call.namespace)
    try:
        return version, cache.select_at(name, call.namespace, version)
    except ExpiredError as error:
        message = f"The resourceVersion for the provided list is too old: {version}"
        raise expired(message) from error


async def wait_for_version(cache: ObjectCache, version: int) -> None:
    """Wait a little for a version that this server has not seen yet.

    Raises:
        StatusError: it does not come. A store that was put back to an earlier state never has it.
    """
    if version > cache.revision:
        with anyio.move_on_after(VERSION_WAIT_S):
            await cache.wait_for(version)
    if version > cache.revision:
        raise too_new(version, cache.revision)


def _encode_token(revision: int, key: ObjectKey) -> str:
    data = encode_json({"rv": revision, "namespace": key.namespace, "name": key.name, "v": 1})
    return base64.urlsafe_b64encode(data).decode()


def _decode_token(token: str) -> tuple[int, ObjectKey]:
    try:
        fields = decode_json(base64.urlsafe_b64decode(token))
        return int(fields["rv"]), ObjectKey("", fields["namespace"], fields["name"])
    except (ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise bad_request("continue key is not valid: encoded continue key is corrupt") from error
