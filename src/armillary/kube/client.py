"""A thin client of the Kubernetes API over aiohttp: objects in and out are plain dicts. I/O.

Why not a library: docs/adr/0014-kubernetes-client.md.
"""

import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import aiohttp
import msgspec
from aiohttp.connector import Connection

from armillary.base.errors import (
    DeadlineError,
    InputError,
    NotFoundError,
    UnavailableError,
    WireError,
)
from armillary.kube.errors import ExpiredError, error_for_status
from armillary.kube.kinds import KubeObject, ResourceKind, kind_of
from armillary.kube.kubeconfig import ApiServerAccess, load_in_cluster, load_kubeconfig
from armillary.kube.objects import name_of, namespace_of

APPLY = "application/apply-patch+yaml"  # JSON is YAML
MERGE_PATCH = "application/merge-patch+json"
JSON = "application/json"

_PAGE_OBJECTS = 500
_LINE_BYTES_MAX = 64 * 2**20
_REQUEST_TIMEOUT_S = 30.0
# Longer than what loops sleep that look every 30 s: a handshake costs more than a request. API
# servers keep a connection for longer still.
_KEEP_IDLE_S = 60.0

Propagation = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True, slots=True)
class KubeList:
    items: list[KubeObject]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    type: str  # ADDED, MODIFIED, DELETED or BOOKMARK
    object: KubeObject


class KubeClient:
    """Use as an async context manager; one pool of connections for its life."""

    def __init__(self, access: ApiServerAccess) -> None:
        self.access = access
        # Asked at the last moment before anything is changed; it raises to prevent that.
        self.fence: Callable[[], None] | None = None
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_kubeconfig(cls, path: Path, *, context: str | None = None) -> Self:
        return cls(load_kubeconfig(path, context=context))

    @classmethod
    def in_cluster(cls) -> Self:
        environment = os.environ
        return cls(
            load_in_cluster(
                host=environment.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc"),
                port=environment.get("KUBERNETES_SERVICE_PORT", "443"),
            )
        )

    async def __aenter__(self) -> Self:
        ssl_context = self.access.ssl_context
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=True if ssl_context is None else ssl_context,
                keepalive_timeout=_KEEP_IDLE_S,
            ),
            timeout=aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_S),
            auto_decompress=True,
            request_class=self._request_class(),
        )
        return self

    def _request_class(self) -> type[aiohttp.ClientRequest]:
        """Return requests that ask the fence when they have a connection, so just before sending.

        Waiting for the connection may take as long as this process is stopped or starved.
        """
        client = self

        class FencedRequest(aiohttp.ClientRequest):
            async def send(self, conn: Connection) -> aiohttp.ClientResponse:
                if client.fence is not None and self.method not in ("GET", "HEAD"):
                    client.fence()
                return await super().send(conn)

        return FencedRequest

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()
        self._session = None

    # --- reading

    async def get(
        self, kind: ResourceKind, name: str, namespace: str | None = None
    ) -> KubeObject | None:
        """Return the object, or None when there is none of that name."""
        try:
            return await self.request("GET", kind.path(namespace, name))
        except NotFoundError:
            return None

    async def list(
        self,
        kind: ResourceKind,
        namespace: str | None = None,
        *,
        labels: str | Mapping[str, str] | None = None,
        fields: str | None = None,
    ) -> KubeList:
        """Return all objects, in pages behind the scenes; `namespace=None` means all of them.

        Raises:
            ExpiredError: the list changed too much between two pages: call again.
        """
        items: list[KubeObject] = []
        params = _selectors(labels, fields) | {"limit": str(_PAGE_OBJECTS)}
        while True:
            page = await self.request("GET", kind.path(namespace), params=params)
            metadata = page.get("metadata") or {}
            for item in page.get("items") or ():
                # A real API server leaves these two out of a list's items.
                item.setdefault("apiVersion", kind.api_version)
                item.setdefault("kind", kind.kind)
                items.append(item)
            if not metadata.get("continue"):
                return KubeList(items, str(metadata.get("resourceVersion") or ""))
            params["continue"] = metadata["continue"]

    async def watch(
        self,
        kind: ResourceKind,
        namespace: str | None = None,
        *,
        labels: str | Mapping[str, str] | None = None,
        fields: str | None = None,
        resource_version: str = "",
        timeout_s: int = 300,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Yield changes after `resource_version`; ends when the server ends the stream.

        A change may be a BOOKMARK, which only moves the resource version on.

        Raises:
            ExpiredError: the resource version is too old: list again.
            UnavailableError: the stream broke.
        """
        params = _selectors(labels, fields) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(timeout_s),
        }
        if resource_version:
            params["resourceVersion"] = resource_version
        path = kind.path(namespace)
        # A peer that vanished without a FIN is noticed at the latest when the watch should end.
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=timeout_s + 15)
        async with self._response("GET", path, params=params, limits=limits) as response:
            async for line in _lines(response):
                yield _watch_event(line, kind, path)

    # --- writing

    async def create(
        self, obj: KubeObject, *, namespace: str | None = None, dry_run: bool = False
    ) -> KubeObject:
        """Create the object and return it as stored.

        Args:
            dry_run: only judge it; nothing is stored.
        Raises:
            AlreadyExistsError: one of that name is there.
        """
        path = kind_of(obj).path(namespace or namespace_of(obj))
        params = {"dryRun": "All"} if dry_run else None
        return await self.request("POST", path, body=obj, params=params)

    async def replace(self, obj: KubeObject, *, subresource: str | None = None) -> KubeObject:
        """Put the object in place of the stored one of the same resource version.

        Raises:
            ConflictError: it was changed since it was read.
        """
        path = kind_of(obj).path(namespace_of(obj), name_of(obj), subresource)
        return await self.request("PUT", path, body=obj)

    async def apply(
        self,
        obj: KubeObject,
        field_manager: str,
        *,
        force: bool = True,
        subresource: str | None = None,
    ) -> KubeObject:
        """Make the fields in `obj` so (server-side apply), and drop those we applied before.

        Again: the same object changes nothing.
        """
        path = kind_of(obj).path(namespace_of(obj), name_of(obj), subresource)
        params = {"fieldManager": field_manager, "force": "true" if force else "false"}
        return await self.request("PATCH", path, body=obj, params=params, content_type=APPLY)

    async def merge_patch(
        self,
        kind: ResourceKind,
        name: str,
        namespace: str | None,
        patch: Mapping[str, Any],
        *,
        subresource: str | None = None,
    ) -> KubeObject:
        """Set the given fields; null removes one. Lists are replaced whole."""
        path = kind.path(namespace, name, subresource)
        return await self.request("PATCH", path, body=patch, content_type=MERGE_PATCH)

    async def patch_status(
        self, kind: ResourceKind, name: str, namespace: str | None, status: Mapping[str, Any]
    ) -> KubeObject:
        """Merge `status` into the object's status subresource."""
        return await self.merge_patch(
            kind, name, namespace, {"status": status}, subresource="status"
        )

    async def delete(
        self,
        kind: ResourceKind,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_s: int | None = None,
        propagation: Propagation | None = None,
    ) -> bool:
        """Delete the object; False when it was gone already.

        Raises:
            ConflictError: the object is another one than `uid` or `resource_version` says.
        """
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid or resource_version:
            body["preconditions"] = {key: text for key, text in preconditions.items() if text}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        if propagation:
            body["propagationPolicy"] = propagation
        try:
            await self.request("DELETE", kind.path(namespace, name), body=body)
        except NotFoundError:
            return False
        return True

    # --- the wire

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
    ) -> KubeObject:
        """Send one request and return its JSON answer.

        Raises:
            the errors of `kube.errors.error_for_status`; UnavailableError when nobody answers.
        """
        async with self._response(
            method, path, params=params, body=body, content_type=content_type
        ) as response:
            try:
                answer = msgspec.json.decode(await response.read())
            except msgspec.DecodeError as error:
                raise WireError(f"{method} {path}: the answer is not JSON: {error}") from error
            return answer if isinstance(answer, dict) else {"items": answer}

    async def text(self, path: str, *, params: Mapping[str, str] | None = None) -> str:
        """Return what a path answers that speaks plain text, such as a pod's log."""
        async with self._response("GET", path, params=params) as response:
            return (await response.read()).decode("utf-8", "replace")

    @contextlib.asynccontextmanager
    async def _response(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        limits: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise InputError("the client is closed: use it inside 'async with'")
        asked = f"{method} {path}"
        headers = {"Accept": JSON, "Content-Type": content_type}
        if bearer := self.access.bearer():
            headers["Authorization"] = f"Bearer {bearer}"
        extra: dict[str, Any] = {"timeout": limits} if limits else {}
        try:
            async with self._session.request(
                method,
                self.access.url + path,
                params=params,
                data=None if body is None else msgspec.json.encode(body),
                headers=headers,
                **extra,
            ) as response:
                if response.status >= 400:
                    raise error_for_status(
                        response.status, _decoded(await response.read()), asked=asked
                    )
                yield response
        except TimeoutError as error:
            raise DeadlineError(f"{asked}: no answer in time") from error
        except aiohttp.ClientError as error:
            raise UnavailableError(f"{asked}: {str(error) or type(error).__name__}") from error


def _selectors(labels: str | Mapping[str, str] | None, fields: str | None) -> dict[str, str]:
    params: dict[str, str] = {}
    if isinstance(labels, Mapping):
        labels = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    if labels:
        params["labelSelector"] = labels
    if fields:
        params["fieldSelector"] = fields
    return params


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return data.decode(errors="replace")


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Split the body at newlines. aiohttp's own readline refuses lines over 128 KiB."""
    unread = bytearray()
    async for chunk in response.content.iter_any():
        unread += chunk
        while (end := unread.find(b"\n")) >= 0:
            line = bytes(unread[:end])
            del unread[: end + 1]
            if line.strip():
                yield line
        if len(unread) > _LINE_BYTES_MAX:
            raise WireError(f"a watch event of more than {_LINE_BYTES_MAX} bytes")


def _watch_event(line: bytes, kind: ResourceKind, path: str) -> WatchEvent:
    try:
        event = msgspec.json.decode(line)
        event_type, obj = event["type"], event["object"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise WireError(f"watch {path}: not a watch event: {line[:200]!r}") from error
    if event_type == "ERROR":
        code = int(obj.get("code") or 500)
        if obj.get("reason") == "Expired" or _is_too_new(obj):
            raise ExpiredError(f"watch {path}: {obj.get('message')}")
        raise error_for_status(code, obj, asked=f"watch {path}")
    obj.setdefault("apiVersion", kind.api_version)
    obj.setdefault("kind", kind.kind)
    return WatchEvent(event_type, obj)


def _is_too_new(status: Mapping[str, Any]) -> bool:
    """The server's store was put back to an earlier state: our version will never come."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "ResourceVersionTooLarge" for cause in causes)
