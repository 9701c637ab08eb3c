"""The connection phase, both sides, against each other."""

import pytest

from armillary.base.errors import WireError
from armillary.wire.authentication import (
    Accepted,
    ClientAuthentication,
    Rejected,
    RsaKey,
    SendAuth,
    ServerAuthentication,
    native_scramble,
    native_stored_hash,
    sha2_digest,
)
from armillary.wire.handshake import (
    Greeting,
    HandshakeResponse,
    encode_greeting,
    encode_handshake_response,
    encode_ssl_request,
    is_ssl_request,
    parse_greeting,
    parse_handshake_response,
)
from armillary.wire.protocol import NATIVE_PLUGIN, SHA2_PLUGIN, Capability

NONCE = bytes(range(1, 21))
ALL = (
    Capability.PROTOCOL_41
    | Capability.SECURE_CONNECTION
    | Capability.PLUGIN_AUTH
    | Capability.CONNECT_WITH_DB
    | Capability.CONNECT_ATTRS
)


class Known:
    """A user of whom the server knows a password, or only its hash."""

    def __init__(self, password: str, *, hash_only: bool = False) -> None:
        self._password = password
        self._sha2 = None if hash_only else (sha2_digest(password) if password else b"")

    def native_hash(self) -> bytes | None:
        return native_stored_hash(self._password) if self._password else b""

    def sha2_digest(self) -> bytes | None:
        return self._sha2

    def is_password(self, password: str) -> bool:
        return password == self._password

    def remember(self, password: str) -> None:
        self._sha2 = sha2_digest(password)


KEY = RsaKey()


def log_in(
    known: Known | None, password: str, *, plugin: str, secure: bool = False
) -> Accepted | Rejected:
    """Run a whole exchange between our client and our server."""
    server = ServerAuthentication(lambda name: known, NONCE, secure=secure, rsa=lambda: KEY)
    client = ClientAuthentication(user="u", password=password, secure=secure)
    used, answer = client.first_response(plugin, NONCE)
    step = server.start(
        HandshakeResponse(
            capabilities=ALL, collation_id=45, user="u", auth_response=answer, plugin=used
        )
    )
    for _ in range(5):
        if not isinstance(step, SendAuth):
            return step
        reply = client.receive(step.payload)
        assert reply is not None
        step = server.receive(reply)
    raise AssertionError("the exchange does not end")


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("hash_only", [False, True])
@pytest.mark.parametrize("plugin", [NATIVE_PLUGIN, SHA2_PLUGIN])
def test_only_the_right_password_is_accepted(plugin: str, hash_only: bool, secure: bool) -> None:
    known = Known("secret", hash_only=hash_only)
    assert isinstance(log_in(known, "secret", plugin=plugin, secure=secure), Accepted)
    for wrong in ("Secret", "", "secret "):
        assert isinstance(log_in(known, wrong, plugin=plugin, secure=secure), Rejected)
    assert isinstance(log_in(None, "secret", plugin=plugin, secure=secure), Rejected)
    assert isinstance(log_in(None, "", plugin=plugin, secure=secure), Rejected)


@pytest.mark.parametrize("plugin", [NATIVE_PLUGIN, SHA2_PLUGIN])
def test_an_empty_password_is_a_password(plugin: str) -> None:
    assert isinstance(log_in(Known(""), "", plugin=plugin), Accepted)
    assert isinstance(log_in(Known(""), "x", plugin=plugin), Rejected)


def test_after_the_end_nothing_is_accepted() -> None:
    """The hole of another gateway: a refused client went on as if accepted."""
    known = Known("secret")
    server = ServerAuthentication(lambda name: known, NONCE, secure=False)
    refused = server.start(
        HandshakeResponse(
            capabilities=ALL, collation_id=45, user="u", auth_response=b"", plugin=NATIVE_PLUGIN
        )
    )
    assert isinstance(refused, Rejected)
    with pytest.raises(WireError):
        server.receive(native_scramble("secret", NONCE))


def test_an_unknown_method_is_switched() -> None:
    known = Known("secret")
    server = ServerAuthentication(lambda name: known, NONCE, secure=False)
    step = server.start(
        HandshakeResponse(
            capabilities=ALL, collation_id=45, user="u", auth_response=b"?", plugin="dialog"
        )
    )
    assert isinstance(step, SendAuth)
    client = ClientAuthentication(user="u", password="secret", secure=False)
    reply = client.receive(step.payload)
    assert reply is not None
    assert isinstance(server.receive(reply), Accepted)


@pytest.mark.parametrize("password", ["secret", ""])
def test_a_client_that_has_no_other_method_is_asked_by_its_own(password: str) -> None:
    """MySQL 9's client, where another method than its only one is offered."""
    server = ServerAuthentication(lambda name: Known(password), NONCE, secure=False)
    step = server.start(
        HandshakeResponse(
            capabilities=ALL, collation_id=45, user="u", auth_response=b"", plugin=SHA2_PLUGIN
        )
    )
    assert isinstance(step, SendAuth)
    client = ClientAuthentication(user="u", password=password, secure=False)
    reply = client.receive(step.payload)
    assert reply is not None
    assert isinstance(server.receive(reply or b"\x00"), Accepted)


def test_greeting_and_response_survive_encoding() -> None:
    greeting = Greeting(
        server_version="8.0.30",
        connection_id=77,
        nonce=NONCE,
        capabilities=ALL | Capability.SSL,
        collation_id=45,
        plugin=NATIVE_PLUGIN,
    )
    assert parse_greeting(encode_greeting(greeting)) == greeting
    response = HandshakeResponse(
        capabilities=ALL,
        collation_id=33,
        user="ü",
        auth_response=b"x" * 20,
        database="main:-80",
        plugin=SHA2_PLUGIN,
        attributes={"_client_name": "test"},
    )
    assert parse_handshake_response(encode_handshake_response(response)) == response


def test_a_cut_response_is_an_error_and_not_a_crash() -> None:
    response = encode_handshake_response(
        HandshakeResponse(
            capabilities=ALL, collation_id=33, user="u", auth_response=b"x" * 20, database="d"
        )
    )
    for size in range(len(response)):
        try:
            parse_handshake_response(response[:size])
        except WireError:
            continue


def test_an_ssl_request_is_told_from_a_response() -> None:
    assert is_ssl_request(encode_ssl_request(ALL, 45))
    response = HandshakeResponse(capabilities=ALL, collation_id=45, user="", auth_response=b"")
    assert not is_ssl_request(encode_handshake_response(response))
