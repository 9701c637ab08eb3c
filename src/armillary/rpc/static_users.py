"""Vitess's static users: who may call a server, and as whom a client calls. I/O; loads no gRPC.

The server's file is `[{"Username": "...", "Password": "..."}]`, the client's one such object.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


class StaticUsers:
    """Who may call, by a file that is read again when it changes: a rotated secret needs no
    restart. A client's file will do as well: then it is that client who may."""

    def __init__(self, path: Path | str) -> None:
        """Raises: InputError: the file cannot be read, or names nobody."""
        self._path = Path(path)
        self._accepted = _load_either(self._path)
        self._modified_ns = self._path.stat().st_mtime_ns

    def accepts(self, username: bytes, password: bytes) -> bool:
        self._reload()
        # Every entry is compared in full: neither the time nor the order tells who exists.
        matches = [
            hmac.compare_digest(username, entry.username.encode())
            & hmac.compare_digest(password, entry.password.encode())
            for entry in self._accepted
        ]
        return any(matches)

    def accepts_basic(self, authorization: str) -> bool:
        """Whether the value of an HTTP `Authorization` header is of somebody who may."""
        scheme, _, encoded = authorization.strip().partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            username, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        return bool(colon) and self.accepts(username, password)

    def _reload(self) -> None:
        try:
            modified_ns = self._path.stat().st_mtime_ns
            if modified_ns != self._modified_ns:
                self._accepted = _load_either(self._path)
                self._modified_ns = modified_ns
        except (OSError, InputError):
            return  # half written or gone for a moment: what was read before stays good


def _load_either(path: Path) -> tuple[ClientCredentials, ...]:
    if isinstance(_load(path), dict):
        return (load_client_credentials(path),)
    return load_server_credentials(path)


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
