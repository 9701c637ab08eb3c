"""A store that speaks S3 and knows no conditional put: a proxy before one that does."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Literal
from urllib.parse import unquote, urlsplit

import obstore

from armillary.settings.backup import BackupStorageSettings
from tests.addresses import host
from tests.fakes.object_stores import BUCKET, open_bucket

REFUSAL = (
    b"<?xml version='1.0'?><Error><Code>NotImplemented</Code><Message>A header you provided "
    b"implies functionality that is not implemented</Message></Error>"
)


@contextmanager
def without_conditions(
    settings: BackupStorageSettings, kind: Literal["ignores", "refuses"]
) -> Iterator[BackupStorageSettings]:
    """Yield settings for the same store, which ignores or refuses `If-None-Match` on a put."""
    target = urlsplit(settings.s3_backup_aws_endpoint)
    store = open_bucket(settings.s3_backup_aws_endpoint)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name != "Connection"}
            condition = [name for name in headers if name.lower() == "if-none-match"]
            if self.command == "PUT" and condition and kind == "refuses":
                self.answer(501, {"Content-Type": "application/xml"}, REFUSAL)
                return
            if self.command == "PUT" and condition:
                # The header is signed, so it cannot be left out of the client's own request.
                key = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")
                tag = str(obstore.put(store, key, body, mode="overwrite")["e_tag"])
                self.answer(200, {"ETag": tag}, b"")
                return
            connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=30)
            # The signature is over the Host that the client knows.
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            self.answer(response.status, dict(response.getheaders()), response.read())
            connection.close()

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else len(body)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            return None

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = forward

    server = ThreadingHTTPServer((host(), 0), Proxy)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address, port = server.server_address[:2]
        url = f"http://{address!s}:{port}"
        yield replace(settings, s3_backup_aws_endpoint=url)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
