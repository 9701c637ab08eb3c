"""Who may talk to the API server: the holder of the token, or of a certificate of our CA."""

import secrets
import ssl
from asyncio.sslproto import SSLProtocol

from aiohttp import web

from armillary.local.apiserver.status import StatusError, unauthorized
from armillary.local.pki import Pki

_READ_BUFFER_BYTES = 32 * 1024  # two TLS records


class Gate:
    """Lets through what carries the token or a client certificate; nothing else, nowhere."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def check(self, request: web.BaseRequest) -> None:
        """Raise StatusError: 401, the caller does not prove who it is; 403, it asks to be another.

        All who get in may do everything: to do it in the name of one who may less would be a lie.
        """
        if not (_has_client_certificate(request) or self._has_token(request)):
            raise unauthorized()
        if "Impersonate-User" in request.headers:
            raise StatusError(403, "Forbidden", "impersonation (--as) is not offered here")

    def _has_token(self, request: web.BaseRequest) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(
            given.strip().encode("utf-8", "surrogateescape"), self._token
        )


def _has_client_certificate(request: web.BaseRequest) -> bool:
    """The handshake has checked any certificate against our CA: that there is one is enough."""
    transport = request.transport
    return transport is not None and bool(transport.get_extra_info("peercert"))


def build_tls(pki: Pki) -> ssl.SSLContext:
    """Return the context of the listener; also makes each TLS connection of this process smaller.

    asyncio gives every connection a read buffer of 256 KiB, written with zeros at once. A control
    plane keeps some forty watches open: that would be 10 MB for nothing.
    """
    SSLProtocol.max_size = _READ_BUFFER_BYTES
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.apiserver_cert, pki.apiserver_key)
    context.load_verify_locations(pki.ca_cert)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context
