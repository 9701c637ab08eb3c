"""One client's login: greeting, authentication, its place in a session. No I/O."""

import os
from collections.abc import Callable
from dataclasses import replace

from armillary.base.errors import WireError
from armillary.vtgate.client.users import Users
from armillary.vtgate.errors import SqlError
from armillary.vtgate.session import Session, charset_of_collation
from armillary.vtgate.targets import Target
from armillary.wire.authentication import (
    Accepted,
    AuthStep,
    Rejected,
    RsaKey,
    SendAuth,
    ServerAuthentication,
)
from armillary.wire.handshake import (
    Greeting,
    HandshakeResponse,
    encode_greeting,
    parse_change_user,
    parse_handshake_response,
)
from armillary.wire.protocol import NATIVE_PLUGIN, UTF8MB4_GENERAL_CI, Capability

CAPABILITIES = (
    Capability.LONG_PASSWORD
    | Capability.FOUND_ROWS
    | Capability.LONG_FLAG
    | Capability.CONNECT_WITH_DB
    | Capability.PROTOCOL_41
    | Capability.TRANSACTIONS
    | Capability.SECURE_CONNECTION
    | Capability.MULTI_STATEMENTS
    | Capability.MULTI_RESULTS
    | Capability.PS_MULTI_RESULTS
    | Capability.PLUGIN_AUTH
    | Capability.PLUGIN_AUTH_LENENC
    | Capability.CONNECT_ATTRS
    | Capability.SESSION_TRACK
)


def make_nonce() -> bytes:
    """20 random bytes, none of them NUL or `$`, which old clients stumble over."""
    return bytes(1 + byte % 35 if byte % 128 in (0, 36) else byte % 128 for byte in os.urandom(20))


class InsecureTransportError(WireError):
    errno = 3159

    def __init__(self) -> None:
        super().__init__("Connections using insecure transport are prohibited")


class Login:
    """Feed it the client's payloads until it returns the response that was accepted.

    Args:
        say: sends a payload to the client.
        rsa: the key for passwords without TLS, made when first needed.
    """

    def __init__(
        self,
        users: Users,
        session: Session,
        say: Callable[[bytes], None],
        rsa: Callable[[], RsaKey],
    ) -> None:
        self._users = users
        self._session = session
        self._say = say
        self._rsa = rsa
        self._nonce = make_nonce()
        self._authentication: ServerAuthentication | None = None
        self._response: HandshakeResponse | None = None

    def greeting(self, *, server_version: str, tls: bool) -> bytes:
        return encode_greeting(
            Greeting(
                server_version=server_version,
                connection_id=self._session.id,
                nonce=self._nonce,
                capabilities=CAPABILITIES | (Capability.SSL if tls else 0),
                collation_id=UTF8MB4_GENERAL_CI,
                plugin=NATIVE_PLUGIN,
            )
        )

    @property
    def has_begun(self) -> bool:
        """Whether the client has said who it is: what follows is proof, and no request for TLS."""
        return self._authentication is not None

    def receive(self, payload: bytes, *, secure: bool, tls_wanted: bool) -> bool:
        """Take a payload; True when the login is accepted.

        Raises:
            SqlError: access denied, or a character set that we do not read.
            InsecureTransportError: TLS is demanded, and this is none.
        """
        if self._authentication is not None:
            return self._take(self._authentication.receive(payload))
        if tls_wanted and not secure:
            raise InsecureTransportError
        self._response = parse_handshake_response(payload)
        self._authentication = self._make_authentication(secure=secure)
        return self._take(self._authentication.start(self._response))

    def change_user(self, payload: bytes, *, secure: bool) -> None:
        """Begin a COM_CHANGE_USER; its answers come through `receive`.

        The nonce stays the connection's first, as servers do: MariaDB's client library answers
        with it whatever it is asked for.
        """
        session = self._session
        capabilities = session.capabilities | Capability.CONNECT_WITH_DB
        response = parse_change_user(payload, session.capabilities)
        session.reset()
        session.target = Target()
        self._response = replace(response, capabilities=capabilities)
        self._authentication = self._make_authentication(secure=secure)
        self._take(self._authentication.start_over(response))

    def _make_authentication(self, *, secure: bool) -> ServerAuthentication:
        rsa = None if secure else self._rsa
        return ServerAuthentication(self._users.find, self._nonce, secure=secure, rsa=rsa)

    def _take(self, step: AuthStep) -> bool:
        response = self._response
        assert response is not None
        match step:
            case SendAuth(payload):
                self._say(payload)
                return False
            case Rejected(used_password):
                shown = "YES" if used_password else "NO"
                raise SqlError(
                    1045, f"Access denied for user '{response.user}' (using password: {shown})"
                )
            case Accepted(user, first):
                if first:
                    self._say(first)
                session = self._session
                session.charset = charset_of_collation(response.collation_id)
                session.collation_id = response.collation_id or 8
                session.user = user
                session.capabilities = response.capabilities & CAPABILITIES
                return True

    @property
    def database(self) -> str:
        """The database that the accepted client asked for."""
        response = self._response
        if response is None or not response.capabilities & Capability.CONNECT_WITH_DB:
            return ""
        return response.database or ""
