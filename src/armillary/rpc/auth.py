"""Vitess's static authentication: a user name and password in each request's metadata. I/O."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from armillary.base.errors import InputError
from armillary.rpc.static_users import StaticUsers, load_server_credentials


class StaticAuth(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # no generic at run time
    """Refuses every request whose user name and password are not among those of the file."""

    def __init__(self, path: Path | str) -> None:
        """Raises: InputError: the file cannot be read, or is not a list of users."""
        load_server_credentials(path)
        self.users = StaticUsers(path)
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

    @classmethod
    def of_mode(cls, mode: str, path: str) -> "StaticAuth | None":
        """Return what the flags --grpc_auth_mode and --grpc_auth_static_password_file ask for.

        Raises:
            InputError: another mode than static and none, or a file that cannot be used.
        """
        if not mode:
            return None
        if mode != "static":
            raise InputError(f"flag --grpc_auth_mode: {mode!r}: wanted static, or nothing")
        return cls(path)

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Any, Any] | None"]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        if self._accepts(handler_call_details.invocation_metadata):
            return await continuation(handler_call_details)
        return self._refusal

    def _accepts(self, metadata: Sequence[tuple[str, str | bytes]] | None) -> bool:
        given = {key: _as_bytes(value) for key, value in metadata or ()}
        return self.users.accepts(given.get("username", b""), given.get("password", b""))


async def _refuse(request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> None:
    await context.abort(
        grpc.StatusCode.UNAUTHENTICATED,
        "wrong or missing username and password (see --grpc_auth_static_client_creds)",
    )


def _as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
