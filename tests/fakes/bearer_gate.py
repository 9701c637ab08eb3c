"""A token server of a service account, and a gate before a store that wants its tokens."""

import base64
import json
import secrets
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.addresses import host

ACCOUNT = "backups@tests.iam.gserviceaccount.com"
_HOP_BY_HOP = {"host", "authorization", "connection", "transfer-encoding", "content-length"}


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class BearerGate:
    """`url` is both: `/token` sells tokens for signed assertions, the rest goes to the store."""

    store: str
    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    sold: set[str] = field(default_factory=set)
    let_through: int = 0
    refused: int = 0

    def key_file(self, key: rsa.RSAPrivateKey | None = None) -> str:
        """Return a service account's JSON key; with another `key` nobody believes it."""
        pem = (key or self.key).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "tests",
                "private_key_id": "1",
                "private_key": pem.decode(),
                "client_email": ACCOUNT,
                "token_uri": f"{self.url}/token",
            }
        )

    def sell(self, body: bytes) -> tuple[int, dict[str, Any]]:
        assertion = urllib.parse.parse_qs(body.decode())["assertion"][0]
        signed, _, signature = assertion.rpartition(".")
        try:
            self.key.public_key().verify(
                _decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            self.refused += 1
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        claims = json.loads(_decoded(signed.split(".")[1]))
        if claims["iss"] != ACCOUNT or "devstorage" not in claims["scope"]:
            self.refused += 1
            return 400, {"error": "invalid_grant", "error_description": f"claims: {claims}"}
        token = secrets.token_urlsafe()
        self.sold.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def bearer_gate(store: str) -> Iterator[BearerGate]:
    gate = BearerGate(store)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/token":
                status, told = gate.sell(body)
                self._send(status, json.dumps(told).encode(), {"Content-Type": "application/json"})
                return
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or token not in gate.sold:
                gate.refused += 1
                self._send(401, b'{"error": {"message": "no token"}}', {})
                return
            gate.let_through += 1
            self._send(*_forwarded(gate.store, self.command, self.path, dict(self.headers), body))

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    # A session of an upload begins here and goes on here.
                    self.send_header(name, value.replace(gate.store, gate.url))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: object) -> None:
            return None

    address = host()
    server = ThreadingHTTPServer((address, 0), Handler)
    gate.url = f"http://{address}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _forwarded(
    store: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, bytes, dict[str, str]]:
    kept = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
    request = urllib.request.Request(store + path, data=body, headers=kept, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)
