"""COM_CHANGE_USER: another login over a connection that has one already."""

from armillary.vtgate.client.login import Login
from armillary.vtgate.client.users import Users
from armillary.vtgate.session import Session
from armillary.wire.authentication import RsaKey, native_scramble
from armillary.wire.handshake import (
    HandshakeResponse,
    encode_handshake_response,
    parse_auth_switch,
    parse_greeting,
)
from armillary.wire.protocol import NATIVE_PLUGIN, Capability

USERS = '{"ann": [{"Password": "one"}], "bob": [{"Password": "two"}]}'


def test_a_client_may_answer_with_the_nonce_of_the_greeting() -> None:
    """MariaDB's client library does, whatever nonce it is asked with."""
    said: list[bytes] = []
    session = Session(id=1)
    login = Login(Users.of_text(USERS), session, said.append, RsaKey)
    greeting = parse_greeting(login.greeting(server_version="10.11", tls=False))
    response = HandshakeResponse(
        capabilities=Capability.PROTOCOL_41 | Capability.SECURE_CONNECTION | Capability.PLUGIN_AUTH,
        collation_id=45,
        user="ann",
        auth_response=native_scramble("one", greeting.nonce),
        database=None,
        plugin=NATIVE_PLUGIN,
    )
    payload = encode_handshake_response(response)
    assert login.receive(payload, secure=False, tls_wanted=False)
    answer = native_scramble("two", greeting.nonce)
    login.change_user(b"\x11bob\x00\x14" + answer + b"\x00\x2d\x00", secure=False)
    assert parse_auth_switch(said[-1]) == (NATIVE_PLUGIN, greeting.nonce)
    assert login.receive(answer, secure=False, tls_wanted=False)
    assert session.user == "bob"
