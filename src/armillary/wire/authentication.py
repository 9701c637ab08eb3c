"""Who is it? `mysql_native_password` and `caching_sha2_password`, both sides. Sans-IO.

A server's or client's part of the exchange is a small machine: payload in, `AuthStep`s out. After
`Rejected` the connection must close; no later payload is looked at.
Source: MySQL protocol, "Authentication Phase: Native" and "Caching_sha2_password".
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from armillary.base.errors import UnauthenticatedError, WireError
from armillary.wire.handshake import HandshakeResponse, encode_auth_switch, parse_auth_switch
from armillary.wire.protocol import CLEAR_PLUGIN, NATIVE_PLUGIN, SHA2_PLUGIN

_REQUEST_PUBLIC_KEY = b"\x02"
_MORE_DATA = b"\x01"
_FAST_AUTH_OK = b"\x01\x03"
_FULL_AUTH = b"\x01\x04"


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def native_stored_hash(password: str) -> bytes:
    """SHA1(SHA1(password)): what the server keeps, as `*HEX` in its tables."""
    return _sha1(_sha1(password.encode()))


def sha2_digest(password: str) -> bytes:
    """SHA256(SHA256(password)): what the fast path of caching_sha2 needs."""
    return hashlib.sha256(hashlib.sha256(password.encode()).digest()).digest()


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def native_scramble(password: str, nonce: bytes) -> bytes:
    if not password:
        return b""
    stage1 = _sha1(password.encode())
    return _xor(stage1, _sha1(nonce + _sha1(stage1)))


def is_native_scramble(stored_hash: bytes, nonce: bytes, scramble: bytes) -> bool:
    if len(scramble) != 20:
        return False
    stage1 = _xor(scramble, _sha1(nonce + stored_hash))
    return hmac.compare_digest(_sha1(stage1), stored_hash)


def sha2_scramble(password: str, nonce: bytes) -> bytes:
    if not password:
        return b""
    stage1 = hashlib.sha256(password.encode()).digest()
    mask = hashlib.sha256(hashlib.sha256(stage1).digest() + nonce).digest()
    return _xor(stage1, mask)


def is_sha2_scramble(digest: bytes, nonce: bytes, scramble: bytes) -> bool:
    if len(scramble) != 32:
        return False
    stage1 = _xor(scramble, hashlib.sha256(digest + nonce).digest())
    return hmac.compare_digest(hashlib.sha256(stage1).digest(), digest)


class Credential(Protocol):
    """What the server knows of one user."""

    def native_hash(self) -> bytes | None:
        """SHA1(SHA1(password)); empty for an empty password; None when not known."""
        ...

    def sha2_digest(self) -> bytes | None:
        """SHA256(SHA256(password)); empty for an empty password; None until it was seen."""
        ...

    def is_password(self, password: str) -> bool: ...

    def remember(self, password: str) -> None:
        """A right password came in clear over a safe channel: the next login may be fast."""
        ...


@dataclass(frozen=True, slots=True)
class SendAuth:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    user: str
    first: bytes = b""  # a payload to send before the OK packet


@dataclass(frozen=True, slots=True)
class Rejected:
    used_password: bool


AuthStep = SendAuth | Accepted | Rejected


class ServerAuthentication:
    """One login, seen from the server.

    An unknown user is rejected where a wrong password would be.
    """

    def __init__(
        self,
        find: Callable[[str], Credential | None],
        nonce: bytes,
        *,
        secure: bool,
        rsa: "Callable[[], RsaKey] | None" = None,
    ) -> None:
        self._find = find
        self._nonce = nonce
        self._secure = secure
        self._rsa = rsa
        self._user = ""
        self._plugin = ""
        self._over = False
        self._wants_password = False

    def start(self, response: HandshakeResponse) -> AuthStep:
        self._user = response.user
        self._plugin = response.plugin or NATIVE_PLUGIN
        if self._plugin not in (NATIVE_PLUGIN, SHA2_PLUGIN):
            self._plugin = NATIVE_PLUGIN
            return SendAuth(encode_auth_switch(NATIVE_PLUGIN, self._nonce))
        if self._plugin == SHA2_PLUGIN and not response.auth_response:
            # MySQL 9's clients have no other plugin, and say nothing where another one is offered.
            return SendAuth(encode_auth_switch(SHA2_PLUGIN, self._nonce))
        return self._judge(response.auth_response)

    def start_over(self, response: HandshakeResponse) -> AuthStep:
        """Begin a COM_CHANGE_USER: ask for an answer, as servers do, whatever came with it."""
        self._user = response.user
        known = response.plugin in (NATIVE_PLUGIN, SHA2_PLUGIN)
        self._plugin = response.plugin if known and response.plugin else NATIVE_PLUGIN
        return SendAuth(encode_auth_switch(self._plugin, self._nonce))

    def receive(self, payload: bytes) -> AuthStep:
        """Take the client's answer to the last `SendAuth`.

        Raises:
            WireError: an answer after the end, or one that cannot be read.
        """
        if self._over:
            raise WireError("authentication data after the end of authentication")
        if not self._wants_password:
            return self._judge(payload)
        if payload == _REQUEST_PUBLIC_KEY and not self._secure and self._rsa is not None:
            return SendAuth(_MORE_DATA + self._rsa().public_pem())
        if self._secure:
            password = payload.rstrip(b"\x00")
        elif self._rsa is not None:
            clear = self._rsa().decrypt(payload)
            pad = self._nonce * (len(clear) // len(self._nonce) + 1)
            password = _xor(clear, pad[: len(clear)]).rstrip(b"\x00")
        else:
            return self._end(accepted=False, used_password=True)
        credential = self._find(self._user)
        text = password.decode("utf-8", "replace")
        right = credential is not None and credential.is_password(text)
        if right and credential is not None:
            credential.remember(text)
        return self._end(accepted=right, used_password=True)

    def _judge(self, scramble: bytes) -> AuthStep:
        credential = self._find(self._user)
        if self._plugin == SHA2_PLUGIN and scramble == b"\x00":
            scramble = b""  # so it says that there is no password
        if self._plugin == NATIVE_PLUGIN:
            stored = credential.native_hash() if credential is not None else None
            right = stored is not None and _matches(
                is_native_scramble, stored, self._nonce, scramble
            )
            return self._end(accepted=right, used_password=bool(scramble))
        digest = credential.sha2_digest() if credential is not None else None
        if digest is not None and _matches(is_sha2_scramble, digest, self._nonce, scramble):
            self._over = True
            return Accepted(self._user, _FAST_AUTH_OK if digest else b"")
        if not scramble or digest is not None or credential is None:
            return self._end(accepted=False, used_password=bool(scramble))
        self._wants_password = True
        return SendAuth(_FULL_AUTH)

    def _end(self, *, accepted: bool, used_password: bool) -> AuthStep:
        self._over = True
        return Accepted(self._user) if accepted else Rejected(used_password)


def _matches(
    check: Callable[[bytes, bytes, bytes], bool], stored: bytes, nonce: bytes, scramble: bytes
) -> bool:
    """An empty stored hash is an empty password: only an empty answer matches it."""
    return check(stored, nonce, scramble) if stored else not scramble


class ClientAuthentication:
    """One login, seen from the client."""

    def __init__(self, *, user: str, password: str, secure: bool) -> None:
        self._user = user
        self._password = password
        self._secure = secure
        self._nonce = b""
        self._plugin = ""
        self._wants_key = False

    def first_response(self, plugin: str, nonce: bytes) -> tuple[str, bytes]:
        """Return the plugin that we shall use and its answer to the greeting's nonce."""
        self._nonce = nonce
        self._plugin = plugin if plugin in (NATIVE_PLUGIN, SHA2_PLUGIN) else NATIVE_PLUGIN
        return self._plugin, self._scramble()

    def _scramble(self) -> bytes:
        if self._plugin == NATIVE_PLUGIN:
            return native_scramble(self._password, self._nonce)
        return sha2_scramble(self._password, self._nonce)

    def receive(self, payload: bytes) -> bytes | None:
        """Answer the server's payload; None means nothing to say, wait for its next.

        Raises:
            UnauthenticatedError: the server wants a method that we do not do.
        """
        if payload[:1] == b"\xfe":
            plugin, self._nonce = parse_auth_switch(payload)
            if plugin == CLEAR_PLUGIN and self._secure:
                return self._password.encode() + b"\x00"
            if plugin not in (NATIVE_PLUGIN, SHA2_PLUGIN):
                raise UnauthenticatedError(f"the server wants authentication by {plugin!r}")
            self._plugin = plugin
            return self._scramble()
        if payload == _FAST_AUTH_OK:
            return None
        if payload == _FULL_AUTH:
            if self._secure:
                return self._password.encode() + b"\x00"
            self._wants_key = True
            return _REQUEST_PUBLIC_KEY
        if payload[:1] == _MORE_DATA and self._wants_key:
            clear = self._password.encode() + b"\x00"
            pad = self._nonce * (len(clear) // len(self._nonce) + 1)
            return encrypt_for(payload[1:], _xor(clear, pad[: len(clear)]))
        raise WireError(f"unexpected authentication data: {payload[:1].hex()}")


class RsaKey:
    """The server's key for passwords on a connection without TLS; made when first asked for."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415  heavy, rare

        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def public_pem(self) -> bytes:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  heavy, rare

        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def decrypt(self, data: bytes) -> bytes:
        """Raises: WireError: not encrypted for this key."""
        try:
            return self._key.decrypt(data, _oaep())
        except ValueError:
            raise WireError("a password encrypted with our public key wanted") from None


def encrypt_for(public_pem: bytes, data: bytes) -> bytes:
    """Raises: WireError: not a public RSA key."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  heavy, rare
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    try:
        key = serialization.load_pem_public_key(public_pem)
    except ValueError:
        raise WireError("the server's public key cannot be read") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise WireError("the server's public key is not an RSA key")
    return key.encrypt(data, _oaep())


def _oaep() -> Any:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  heavy, rare
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    return padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
