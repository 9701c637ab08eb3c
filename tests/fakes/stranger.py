"""Somebody on the machine who tries a port without being known to anyone."""

import socket
import ssl


def stranger_context() -> ssl.SSLContext:
    """Return TLS settings that believe everything and have nothing to show."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def ask(host: str, port: int, path: str, context: ssl.SSLContext | None = None) -> bytes:
    """Return the whole HTTP answer; empty when the connection is refused or closed."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    try:
        stream = socket.create_connection((host, port), timeout=5)
        with context.wrap_socket(stream) if context else stream as stream:
            stream.sendall(request)
            return b"".join(iter(lambda: stream.recv(4096), b""))
    except OSError:
        return b""
