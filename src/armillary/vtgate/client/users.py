"""Who may log in: Vitess's static file of MySQL users. I/O: reads the file, again when it changes.

{"user": [{"Password": "secret"}], "other": [{"MysqlNativePassword": "*HEX"}]}
"""

import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import Any

from armillary.base.errors import InputError
from armillary.wire.authentication import native_stored_hash, sha2_digest

logger = logging.getLogger(__name__)


class User:
    """One entry; knows a password, or only its hash."""

    def __init__(self, *, password: str | None, native_hash: bytes | None) -> None:
        self._password = password
        self._native = native_hash
        self._sha2: bytes | None = None
        if password is not None:
            self._native = native_stored_hash(password) if password else b""
            self._sha2 = sha2_digest(password) if password else b""

    def native_hash(self) -> bytes | None:
        return self._native

    def sha2_digest(self) -> bytes | None:
        return self._sha2

    def is_password(self, password: str) -> bool:
        if self._password is not None:
            return hmac.compare_digest(self._password.encode(), password.encode())
        return self._native is not None and hmac.compare_digest(
            native_stored_hash(password), self._native
        )

    def remember(self, password: str) -> None:
        self._sha2 = sha2_digest(password)


def parse_users(text: str) -> dict[str, User]:
    """Raises: InputError: another form; the message quotes nothing of the text."""
    try:
        document = json.loads(text)
    except ValueError:
        raise InputError("the file of MySQL users is not JSON") from None
    if not isinstance(document, dict):
        raise InputError("the file of MySQL users: an object of user to entries wanted")
    users = {}
    for name, value in document.items():
        entries = value if isinstance(value, list) else [value]
        if not entries or not isinstance(entries[0], dict):
            raise InputError(f"the file of MySQL users: entries of {name!r}: an object wanted")
        users[str(name)] = _user(name, entries[0])
    return users


def _user(name: str, entry: dict[str, Any]) -> User:
    native = entry.get("MysqlNativePassword") or ""
    if native:
        try:
            return User(password=None, native_hash=bytes.fromhex(native.lstrip("*")))
        except ValueError:
            raise InputError(
                f"the file of MySQL users: MysqlNativePassword of {name!r}: *HEX wanted"
            ) from None
    return User(password=str(entry.get("Password") or ""), native_hash=None)


class Users:
    """The users of the file; `reload` takes a change in."""

    def __init__(self, path: Path | None, *, open_to_all: bool = False) -> None:
        self._path = path
        self._open_to_all = open_to_all
        self._users: dict[str, User] = {}
        self._seen = b""
        if path is not None:
            self._load()

    @classmethod
    def of_text(cls, text: str) -> "Users":
        """Raises: InputError: another form."""
        users = cls(None)
        users._users = parse_users(text)
        return users

    def _load(self) -> None:
        assert self._path is not None
        try:
            text = self._path.read_text()
        except OSError as error:
            raise InputError(
                f"cannot read the file of MySQL users {self._path}: {error.strerror}"
            ) from None
        self._users = parse_users(text)
        self._seen = hashlib.sha256(text.encode()).digest()

    def reload(self) -> bool:
        """Read the file again if it changed; a broken file leaves the users as they were."""
        if self._path is None:
            return False
        try:
            if hashlib.sha256(self._path.read_bytes()).digest() == self._seen:
                return False
            self._load()
        except (InputError, OSError) as error:
            logger.warning("users not reloaded", extra={"reason": str(error)})
            return False
        logger.info("users reloaded", extra={"users": len(self._users)})
        return True

    def find(self, name: str) -> User | None:
        if self._open_to_all:
            return _ANYBODY
        return self._users.get(name)


class _Anybody(User):
    """Vitess's `--mysql_auth_server_impl=none`: every name and password is right."""

    def __init__(self) -> None:
        super().__init__(password="", native_hash=None)

    def is_password(self, password: str) -> bool:
        return True

    def native_hash(self) -> bytes | None:
        return None

    def sha2_digest(self) -> bytes | None:
        return None


_ANYBODY = _Anybody()
