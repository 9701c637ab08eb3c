"""Vitess's static authentication: a user name and password in each request's metadata. I/O.

The server's file is `[{"Username": "...", "Password": "..."}]`, the client's one such object.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from armillary.base.errors import InputError


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    username: str
    password: str = field(repr=False)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("username", self.username), ("password", self.password))


def load_client_credentials(path: Path | str) -> ClientCredentials:
    """Read a client's credentials file.

    Raises:
        InputError: the file cannot be read, or is not such an object.
    """
    return _credentials(_load(path), path)


def load_server_credentials(path: Path | str) -> tuple[ClientCredentials, ...]:
    """Read who may call a server.

    Raises:
        InputError: the file cannot be read, or is not a list of such objects with one at least.
    """
    entries = _load(path)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"credentials file {path}: wanted a JSON list with at least one entry")
    return tuple(_credentials(entry, path) for entry in entries)


def _load(path: Path | str) -> Any:
    try:
        return json.loads(Path(path).read_text())
    except OSError as error:
        raise InputError(f"credentials file {path}: {error.strerror}") from None
    except ValueError:
        # The parser's message would quote the file, and the file holds a password.
        raise InputError(f"credentials file {path} is not JSON") from None


def _credentials(entry: Any, path: Path | str) -> ClientCredentials:
    match entry:
        case {"Username": str(username), "Password": str(password)} if username and password:
            return ClientCredentials(username, password)
    raise InputError(f'credentials file {path}: wanted {{"Username": "...", "Password": "..."}}')


class StaticAuth(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # no generic at run time
    """Refuses every request whose user name and password are not among those given.

    With a file it reads it again when it changes, so that a rotated secret needs no restart.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._accepted = load_server_credentials(self._path)
        self._modified_ns = self._path.stat().st_mtime_ns
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

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
        username, password = given.get("username", b""), given.get("password", b"")
        self._reload()
        # Every entry is compared in full: neither the time nor the order tells who exists.
        matches = [
            hmac.compare_digest(username, entry.username.encode())
            & hmac.compare_digest(password, entry.password.encode())
            for entry in self._accepted
        ]
        return any(matches)

    def _reload(self) -> None:
        try:
            modified_ns = self._path.stat().st_mtime_ns
            if modified_ns != self._modified_ns:
                self._accepted = load_server_credentials(self._path)
                self._modified_ns = modified_ns
        except (OSError, InputError):
            return  # half written or gone for a moment: what was read before stays good


async def _refuse(request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> None:
    await context.abort(
        grpc.StatusCode.UNAUTHENTICATED,
        "wrong or missing username and password (see --grpc_auth_static_client_creds)",
    )


def _as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
