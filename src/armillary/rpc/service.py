"""Serve and call a protobuf service from its descriptor: no generated gRPC code is needed.

A method `GetTablet` is the coroutine `get_tablet` on both sides; server streams are async
generators (implementation) and async iterators (stub). I/O.
"""

import inspect
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import anyio
import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from armillary.base.cancelling import await_call
from armillary.base.errors import ArmillaryError
from armillary.rpc.static_users import ClientCredentials
from armillary.rpc.status import ERROR_METADATA_KEY, error_from_status, status_code

logger = logging.getLogger(__name__)

# A header of over 8 KiB may be refused; outside ASCII a character takes up to 12 bytes there.
_ASCII_MAX, _OTHER_MAX = 6000, 600

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Send = Callable[[Any], Awaitable[None]]


def snake_case(name: str) -> str:
    """Return `execute_fetch_as_dba` for `ExecuteFetchAsDba`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def service_handler(
    descriptor: ServiceDescriptor, implementation: object
) -> "grpc.GenericRpcHandler[Any, Any]":
    """Return a handler that answers with the snake_case coroutine methods of `implementation`.

    A method takes the request message and returns the response; a server stream is an async
    generator of responses, or a coroutine that takes the request and an async `send(response)`
    (for one that needs a task group, which must not be left by a `yield`). Methods that are
    absent answer UNIMPLEMENTED. Our errors become their statuses, any other exception becomes
    UNKNOWN and is logged with its traceback.
    """
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    for method in descriptor.methods:
        function = getattr(implementation, snake_case(method.name), None)
        if function is None or method.client_streaming:
            continue
        make, behaviour = (
            (grpc.unary_stream_rpc_method_handler, _streaming(function))
            if method.server_streaming
            else (grpc.unary_unary_rpc_method_handler, _unary(function))
        )
        handlers[method.name] = make(
            behaviour,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=_serialize,
        )
    return grpc.method_handlers_generic_handler(descriptor.full_name, handlers)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _unary(function: Callable[[Message], Awaitable[Message]]) -> Any:
    async def behaviour(request: Message, context: _Context) -> Message | None:
        try:
            return await function(request)
        except Exception as error:  # noqa: BLE001  # the edge of the process
            await _abort(context, error)
        return None

    return behaviour


def _streaming(function: Any) -> Any:
    if inspect.iscoroutinefunction(function):
        return _sending(function)

    async def behaviour(request: Message, context: _Context) -> None:
        # Written with `write`, not yielded: a generator that gRPC drops would be closed late, by
        # the garbage collector, outside the task that its cancel scopes belong to.
        responses = function(request)
        try:
            async for response in responses:
                await context.write(response)
        except Exception as error:  # noqa: BLE001  # the edge of the process
            await _abort(context, error)
        finally:
            with anyio.CancelScope(shield=True):
                await responses.aclose()

    return behaviour


def _sending(function: Callable[[Message, Send], Awaitable[None]]) -> Any:
    async def behaviour(request: Message, context: _Context) -> None:
        try:
            await function(request, context.write)
        except Exception as error:  # noqa: BLE001  # the edge of the process
            await _abort(context, error)

    return behaviour


async def _abort(context: _Context, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if not isinstance(error, ArmillaryError | TimeoutError):
        logger.error("rpc failed unexpectedly", exc_info=error)
    context.set_trailing_metadata(((ERROR_METADATA_KEY, type(error).__name__),))
    await context.abort(status_code(error), fit_header(str(error) or type(error).__name__))


def fit_header(text: str) -> str:
    """Return `text`, or its two ends: it travels in a header, and a peer takes some kilobytes."""
    limit = _ASCII_MAX if text.isascii() else _OTHER_MAX
    if len(text) <= limit:
        return text
    left_out, half = len(text) - limit, limit // 2
    return f"{text[:half]} ... ({left_out} characters left out) ... {text[-half:]}"


class ServiceStub:
    """Callable snake_case methods of a remote service.

        stub = ServiceStub(channel, vtctlservice_pb2.DESCRIPTOR.services_by_name["Vtctl"], creds)
        response = await stub.get_tablet(request, timeout_s=5)
        async for event in stub.backup(request): ...

    Methods raise our errors. Stubs are cheap: the channel is what costs.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        descriptor: ServiceDescriptor,
        credentials: ClientCredentials | None = None,
        *,
        where: str = "",
    ) -> None:
        self._channel = channel
        self._methods = {snake_case(method.name): method for method in descriptor.methods}
        self._service = descriptor.full_name
        self._metadata = credentials.metadata if credentials else None
        self._where = where

    def __getattr__(self, name: str) -> Any:
        method = self.__dict__.get("_methods", {}).get(name)
        if method is None:
            raise AttributeError(name)
        call = self._stream(method) if method.server_streaming else self._unary(method)
        self.__dict__[name] = call
        return call

    def _unary(self, method: MethodDescriptor) -> Callable[..., Awaitable[Any]]:
        remote = self._channel.unary_unary(
            f"/{self._service}/{method.name}",
            request_serializer=_serialize,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )

        async def call(
            request: Message, *, timeout_s: float | None = None, wait_for_ready: bool = False
        ) -> Any:
            try:
                return await await_call(
                    remote(
                        request,
                        timeout=timeout_s,
                        metadata=self._metadata,
                        wait_for_ready=wait_for_ready,
                    ),
                    where=self._where or method.full_name,
                )
            except grpc.aio.AioRpcError as error:
                raise error_from_status(error, where=self._where) from None

        return call

    def _stream(self, method: MethodDescriptor) -> Callable[..., AsyncIterator[Message]]:
        remote = self._channel.unary_stream(
            f"/{self._service}/{method.name}",
            request_serializer=_serialize,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )

        async def call(
            request: Message, *, timeout_s: float | None = None, wait_for_ready: bool = False
        ) -> AsyncIterator[Message]:
            stream = remote(
                request, timeout=timeout_s, metadata=self._metadata, wait_for_ready=wait_for_ready
            )
            try:
                async for response in stream:
                    yield response
            except grpc.aio.AioRpcError as error:
                raise error_from_status(error, where=self._where) from None
            finally:
                stream.cancel()

        return call
