"""The HTTP side: one handler that finds what a request asks for, and answers in Kubernetes' way."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from ssl import SSLContext
from typing import Any, cast

import anyio
from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from armillary.base.errors import UnavailableError
from armillary.local.apiserver import discovery
from armillary.local.apiserver.answers import (
    EventEncoder,
    choose_form,
    encode_object_for,
    encode_page,
)
from armillary.local.apiserver.auth import Gate
from armillary.local.apiserver.bodies.decode import BODY_BYTES_MAX, decode_body
from armillary.local.apiserver.kinds.crd import CRDS
from armillary.local.apiserver.kinds.crd_check import tell_unchecked_rules
from armillary.local.apiserver.kinds.registry import Registry
from armillary.local.apiserver.openapi import (
    V2_JSON,
    V2_PROTOBUF,
    V2_PROTOBUF_TYPE,
    OpenApi,
)
from armillary.local.apiserver.paths import Review, parse_resource_path
from armillary.local.apiserver.relay import STREAMS, Relay
from armillary.local.apiserver.status import (
    StatusError,
    method_not_allowed,
    path_not_found,
)
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.store.records import encode_json
from armillary.local.apiserver.taken import TakenResponse
from armillary.local.apiserver.verbs.call import Answer, Call
from armillary.local.apiserver.verbs.evict import BUDGETS, Evictor
from armillary.local.apiserver.verbs.pods import bind_pod
from armillary.local.apiserver.verbs.read import get, list_page
from armillary.local.apiserver.verbs.remove import Remover
from armillary.local.apiserver.verbs.reviews import answer_review
from armillary.local.apiserver.verbs.scale import get_scale, update_scale
from armillary.local.apiserver.verbs.watch import WatchEvent, check_watch, watch
from armillary.local.apiserver.verbs.write import Writer
from armillary.local.apiserver.watch_socket import send_events, wants_websocket

logger = logging.getLogger(__name__)

_JSON = "application/json"
_HEALTH_PATHS = ("healthz", "livez", "readyz")
HEAD_BYTES_MAX = 2**20  # as the real server: the words of `kubectl exec` are in the URL
_SHUTDOWN_S = 0.5  # watches never end by themselves; a write takes milliseconds


class ApiServer:
    """Answers requests; knows neither sockets nor where objects are kept."""

    def __init__(
        self,
        *,
        gate: Gate,
        cache: ObjectCache,
        registry: Registry,
        writer: Writer,
        relay: Relay,
    ) -> None:
        self._gate = gate
        self._cache = cache
        self._registry = registry
        self._writer = writer
        self._remover = Remover(cache, writer)
        self._evictor = Evictor(cache, writer, self._remover, registry.builtin(BUDGETS))
        self._relay = relay
        self._openapi = OpenApi(registry)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; the one place where our errors become HTTP statuses."""
        try:
            self._gate.check(request)
            return await self._dispatch(request)
        except StatusError as error:
            return _json(error.body(), status=error.code)
        except web.HTTPRequestEntityTooLarge:
            message = f"limit is {BODY_BYTES_MAX}"
            too_large = StatusError(
                413, "RequestEntityTooLarge", f"Request entity is too large: {message}"
            )
            return _json(too_large.body(), status=413)
        except UnavailableError as error:
            failure = StatusError(503, "ServiceUnavailable", f"the store does not answer: {error}")
            return _json(failure.body(), status=503)
        except ConnectionError:
            return TakenResponse()  # the client has gone
        except Exception:
            logger.exception(
                "request failed", extra={"method": request.method, "path": request.path}
            )
            failure = StatusError(500, "InternalError", "Internal error occurred: see the log")
            return _json(failure.body(), status=500)

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        parts = [part for part in request.path.split("/") if part]
        if not parts:
            return _json({"paths": ["/api", "/apis", "/healthz", "/openapi/v3", "/version"]})
        if parts[0] in _HEALTH_PATHS:
            return web.Response(text="ok")
        if parts[0] == "version":
            return _json(discovery.VERSION)
        if parts[0] == "openapi":
            return self._answer_openapi(parts, request)
        if parts[0] not in ("api", "apis"):
            raise path_not_found()
        described = self._discover(parts, request)
        return described if described is not None else await self._answer(parts, request)

    def _answer_openapi(self, parts: list[str], request: web.BaseRequest) -> web.Response:
        if parts[1:2] == ["v2"]:
            if "protobuf" in request.headers.get("Accept", ""):
                headers = {"Content-Type": V2_PROTOBUF_TYPE}
                return web.Response(body=V2_PROTOBUF, headers=headers)
            return _json(V2_JSON)
        body, etag = self._openapi.document("/".join(parts[2:]))
        # kubectl keeps what it may on disk: a document, whose URL changes with it; never the index.
        may_keep = "public, immutable" if "hash" in request.query else "no-cache, private"
        headers = {"Etag": f'"{etag}"', "Cache-Control": may_keep}
        if request.headers.get("If-None-Match") == f'"{etag}"':
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type=_JSON, headers=headers)

    def _discover(self, parts: list[str], request: web.BaseRequest) -> web.Response | None:
        """Answer a discovery request; None when the path goes deeper."""
        is_legacy = parts[0] == "api"
        if len(parts) == 1:
            media_type = discovery.aggregated_type(request.headers.get("Accept", ""))
            if media_type is not None:
                body = discovery.aggregated(self._registry, legacy=is_legacy, media_type=media_type)
                return web.Response(
                    body=encode_json(body), headers={"Content-Type": media_type, "Vary": "Accept"}
                )
            plain = (
                discovery.legacy_versions() if is_legacy else discovery.group_list(self._registry)
            )
            return _json(plain)
        if is_legacy and len(parts) == 2:
            return _json(discovery.resource_list(self._registry, "", parts[1]))
        if not is_legacy and len(parts) == 2:
            return _json(discovery.one_group(self._registry, parts[1]))
        if not is_legacy and len(parts) == 3:
            return _json(discovery.resource_list(self._registry, parts[1], parts[2]))
        return None

    async def _answer(self, parts: list[str], request: web.BaseRequest) -> web.StreamResponse:
        agent = request.headers.get("User-Agent", "")
        target = parse_resource_path(parts, self._registry, request.query, agent)
        if isinstance(target, Review):
            if request.method != "POST":
                raise method_not_allowed()
            body = await _read_body(request)
            return _json(answer_review(target.kind, target.api_version, body), status=201)
        if target.subresource in STREAMS:
            return await self._relay.stream(request, target)
        match request.method:
            case "GET" | "HEAD":
                return await self._read(request, target)
            case "POST":
                answer = await self._post(request, target)
            case "PUT" if target.name:
                answer = await self._put(request, target)
            case "PATCH" if target.name:
                answer = await self._patch(request, target)
            case "DELETE" if not target.subresource:
                return await self._delete(request, target)
            case _:
                raise method_not_allowed()
        return _answer(answer, request, target)

    async def _read(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        if call.flag("watch"):
            return await self._watch(request, call)
        form = choose_form(request.headers.get("Accept", ""), call)
        if not call.name:
            return _bytes(encode_page(await list_page(self._cache, call), call, form))
        if call.subresource == "scale":
            return _json(get_scale(self._cache, call))
        return _bytes(encode_object_for(get(self._cache, call), call, form))

    async def _watch(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        if call.name:  # the old way to watch one object
            selector = f"metadata.name={call.name}"
            call = Call(
                resource=call.resource,
                namespace=call.namespace,
                query={**call.query, "fieldSelector": selector},
            )
        check_watch(call)
        encoder = EventEncoder(call, choose_form(request.headers.get("Accept", ""), call))
        events = cast("_Closable", watch(self._cache, call))
        async with aclosing(events) as batches:
            if wants_websocket(request):
                return await send_events(request, batches, encoder)
            response = web.StreamResponse(headers={"Content-Type": _JSON})
            response.enable_chunked_encoding()
            await response.prepare(request)
            async for batch in batches:
                await response.write(encoder.encode(batch))
            await response.write_eof()
        return response

    async def _post(self, request: web.BaseRequest, call: Call) -> Answer:
        body = await _read_body(request)
        match call.subresource:
            case "":
                if call.name:
                    raise method_not_allowed()
                if call.resource.namespaced and not call.namespace:
                    raise method_not_allowed()
                return await self._writer.create(call, body)
            case "binding":
                return await bind_pod(self._writer, call, body)
            case "eviction":
                return await self._evictor.evict(call, body)
            case _:
                raise method_not_allowed()

    async def _put(self, request: web.BaseRequest, call: Call) -> Answer:
        body = await _read_body(request)
        if call.subresource == "scale":
            return await update_scale(self._writer, call, body)
        return await self._writer.update(call, body)

    async def _patch(self, request: web.BaseRequest, call: Call) -> Answer:
        content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
        body = await _read_body(request)
        if call.subresource == "scale":
            return await update_scale(self._writer, call, body, content_type)
        return await self._writer.patch(call, body, content_type)

    async def _delete(self, request: web.BaseRequest, call: Call) -> web.Response:
        options = await _read_body(request)
        if isinstance(options, dict) and options.get("dryRun"):
            call = call.with_dry_run()
        form = choose_form(request.headers.get("Accept", ""), call)
        if not call.name:
            if "deletecollection" not in call.resource.verbs:
                raise method_not_allowed()
            page = await self._remover.delete_collection(call, options)
            return _bytes(encode_page(page, call, form))
        return _answer(await self._remover.delete(call, options), request, call)


class _Closable(AsyncIterator[list[WatchEvent]]):
    async def aclose(self) -> None: ...


async def _read_body(request: web.BaseRequest) -> Any:
    return decode_body(await request.read(), request.headers.get("Content-Type", ""))


def _answer(answer: Answer, request: web.BaseRequest, call: Call) -> web.Response:
    form = choose_form(request.headers.get("Accept", ""), call)
    response = _bytes(encode_object_for(answer.value, call, form), status=answer.code)
    notes: list[str] = []
    if call.resource.storage_name == CRDS and answer.json().get("kind") == call.resource.kind:
        notes = tell_unchecked_rules(answer.json())
    for warning in (*answer.warnings, *notes):
        escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{escaped}"')
    return response


def _json(body: Any, *, status: int = 200) -> web.Response:
    return _bytes(encode_json(body), status=status)


def _bytes(body: bytes, *, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type=_JSON)


@asynccontextmanager
async def serve(api: ApiServer, host: str, port: int, tls: SSLContext) -> AsyncIterator[int]:
    """Listen; yields the port (useful when `port` is 0). Open watches end when this closes."""

    def make_request(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: Any,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(
            message, payload, protocol, writer, task, loop, client_max_size=BODY_BYTES_MAX
        )

    server = web.Server(
        api.handle,
        handler_cancellation=True,
        request_factory=make_request,
        access_log=None,
        max_line_size=HEAD_BYTES_MAX,
    )
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls, backlog=512)
        await site.start()
        listener = cast("asyncio.Server", site._server)
        yield listener.sockets[0].getsockname()[1]
    finally:
        with anyio.CancelScope(shield=True):
            await runner.cleanup()
