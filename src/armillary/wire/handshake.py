"""The connection phase: greeting, response, SSLRequest, authentication switch. Pure.

Source: MySQL protocol, "Connection Phase", HandshakeV10 and HandshakeResponse41.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from armillary.base.errors import WireError
from armillary.wire.lenenc import encode_int, encode_string, read_int, read_nul_string, read_string
from armillary.wire.protocol import NONCE_BYTES, PROTOCOL_VERSION, Capability, Status

_SSL_REQUEST_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    server_version: str
    connection_id: int
    nonce: bytes
    capabilities: int
    collation_id: int
    plugin: str
    status: int = Status.AUTOCOMMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeResponse:
    capabilities: int
    collation_id: int
    user: str
    auth_response: bytes
    database: str | None = None
    plugin: str | None = None
    packet_bytes_max: int = 1 << 24
    attributes: Mapping[str, str] = field(default_factory=dict)


def encode_greeting(greeting: Greeting) -> bytes:
    assert len(greeting.nonce) == NONCE_BYTES
    low, high = greeting.capabilities & 0xFFFF, greeting.capabilities >> 16
    return (
        bytes((PROTOCOL_VERSION,))
        + greeting.server_version.encode()
        + b"\x00"
        + greeting.connection_id.to_bytes(4, "little")
        + greeting.nonce[:8]
        + b"\x00"
        + low.to_bytes(2, "little")
        + bytes((greeting.collation_id & 0xFF,))
        + greeting.status.to_bytes(2, "little")
        + high.to_bytes(2, "little")
        + bytes((NONCE_BYTES + 1,))
        + b"\x00" * 10
        + greeting.nonce[8:]
        + b"\x00"
        + greeting.plugin.encode()
        + b"\x00"
    )


def parse_greeting(payload: bytes) -> Greeting:
    """Raises: WireError: not protocol version 10, or cut off."""
    if not payload or payload[0] != PROTOCOL_VERSION:
        raise WireError(f"protocol version 10 wanted, found {payload[:1].hex() or 'nothing'}")
    version, at = read_nul_string(payload, 1)
    if len(payload) < at + 31:
        raise WireError("greeting is cut off")
    connection_id = int.from_bytes(payload[at : at + 4], "little")
    nonce = payload[at + 4 : at + 12]
    at += 13
    low = int.from_bytes(payload[at : at + 2], "little")
    collation_id = payload[at + 2]
    status = int.from_bytes(payload[at + 3 : at + 5], "little")
    high = int.from_bytes(payload[at + 5 : at + 7], "little")
    nonce_bytes = payload[at + 7]
    at += 18
    rest = max(13, nonce_bytes - 8)
    nonce += payload[at : at + rest].rstrip(b"\x00")
    plugin, _, _ = payload[at + rest :].partition(b"\x00")
    return Greeting(
        server_version=version.decode("utf-8", "replace"),
        connection_id=connection_id,
        nonce=nonce,
        capabilities=low | high << 16,
        collation_id=collation_id,
        plugin=plugin.decode("ascii", "replace"),
        status=status,
    )


def is_ssl_request(payload: bytes) -> bool:
    return (
        len(payload) == _SSL_REQUEST_BYTES
        and int.from_bytes(payload[:4], "little") & Capability.SSL != 0
    )


def encode_ssl_request(capabilities: int, collation_id: int) -> bytes:
    return _response_prefix(capabilities | Capability.SSL, 1 << 24, collation_id)


def _response_prefix(capabilities: int, packet_bytes_max: int, collation_id: int) -> bytes:
    return (
        capabilities.to_bytes(4, "little")
        + packet_bytes_max.to_bytes(4, "little")
        + bytes((collation_id & 0xFF,))
        + b"\x00" * 23
    )


def parse_handshake_response(payload: bytes) -> HandshakeResponse:
    """Raises: WireError: an older protocol than 4.1, or cut off."""
    capabilities = int.from_bytes(payload[:4], "little")
    if len(payload) < _SSL_REQUEST_BYTES or not capabilities & Capability.PROTOCOL_41:
        raise WireError("a client of MySQL 4.1 or newer wanted, found an older one")
    user, at = read_nul_string(payload, _SSL_REQUEST_BYTES)
    auth_response, at = _read_auth_response(payload, at, capabilities)
    database: bytes = b""
    plugin: bytes = b""
    if capabilities & Capability.CONNECT_WITH_DB and at < len(payload):
        database, at = _read_last_string(payload, at)
    if capabilities & Capability.PLUGIN_AUTH and at < len(payload):
        plugin, at = _read_last_string(payload, at)
    attributes: dict[str, str] = {}
    if capabilities & Capability.CONNECT_ATTRS and at < len(payload):
        attributes = _read_attributes(payload, at)
    return HandshakeResponse(
        capabilities=capabilities,
        packet_bytes_max=int.from_bytes(payload[4:8], "little"),
        collation_id=payload[8],
        user=user.decode("utf-8", "replace"),
        auth_response=auth_response,
        database=database.decode("utf-8", "replace") or None,
        plugin=plugin.decode("ascii", "replace") or None,
        attributes=attributes,
    )


def _read_auth_response(payload: bytes, at: int, capabilities: int) -> tuple[bytes, int]:
    if capabilities & Capability.PLUGIN_AUTH_LENENC:
        return read_string(payload, at)
    if capabilities & Capability.SECURE_CONNECTION:
        if at >= len(payload):
            raise WireError("authentication data wanted, end of packet found")
        length = payload[at]
        return payload[at + 1 : at + 1 + length], at + 1 + length
    return read_nul_string(payload, at)


def _read_last_string(payload: bytes, at: int) -> tuple[bytes, int]:
    """Some clients leave out the NUL of the last string."""
    end = payload.find(b"\x00", at)
    return (payload[at:end], end + 1) if end >= 0 else (payload[at:], len(payload))


def _read_attributes(payload: bytes, at: int) -> dict[str, str]:
    length, at = read_int(payload, at)
    end = min(at + length, len(payload))
    attributes: dict[str, str] = {}
    while at < end:
        key, at = read_string(payload, at)
        value, at = read_string(payload, at)
        attributes[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    return attributes


def encode_handshake_response(response: HandshakeResponse) -> bytes:
    capabilities = response.capabilities
    parts = [
        _response_prefix(capabilities, response.packet_bytes_max, response.collation_id),
        response.user.encode() + b"\x00",
    ]
    if capabilities & Capability.PLUGIN_AUTH_LENENC:
        parts.append(encode_string(response.auth_response))
    else:
        parts.append(bytes((len(response.auth_response),)) + response.auth_response)
    if capabilities & Capability.CONNECT_WITH_DB:
        parts.append((response.database or "").encode() + b"\x00")
    if capabilities & Capability.PLUGIN_AUTH:
        parts.append((response.plugin or "").encode() + b"\x00")
    if capabilities & Capability.CONNECT_ATTRS:
        body = b"".join(
            encode_string(key.encode()) + encode_string(value.encode())
            for key, value in response.attributes.items()
        )
        parts.append(encode_int(len(body)) + body)
    return b"".join(parts)


def parse_change_user(payload: bytes, capabilities: int) -> HandshakeResponse:
    """Parse COM_CHANGE_USER (with its command byte) as the response that it stands for."""
    user, at = read_nul_string(payload, 1)
    if at >= len(payload):
        raise WireError("COM_CHANGE_USER is cut off")
    length = payload[at]
    auth_response = payload[at + 1 : at + 1 + length]
    at += 1 + length
    database, at = _read_last_string(payload, at)
    collation_id = payload[at] if at < len(payload) else 0
    at += 2
    plugin = b""
    if capabilities & Capability.PLUGIN_AUTH and at < len(payload):
        plugin, at = _read_last_string(payload, at)
    return HandshakeResponse(
        capabilities=capabilities,
        collation_id=collation_id,
        user=user.decode("utf-8", "replace"),
        auth_response=auth_response,
        database=database.decode("utf-8", "replace") or None,
        plugin=plugin.decode("ascii", "replace") or None,
    )


def encode_auth_switch(plugin: str, nonce: bytes) -> bytes:
    return b"\xfe" + plugin.encode() + b"\x00" + nonce + b"\x00"


def parse_auth_switch(payload: bytes) -> tuple[str, bytes]:
    """Return the plugin and the nonce of an authentication switch."""
    if payload == b"\xfe":
        raise WireError("authentication by mysql_old_password wanted; we do not do it")
    plugin, at = read_nul_string(payload, 1)
    return plugin.decode("ascii", "replace"), payload[at:].rstrip(b"\x00")
