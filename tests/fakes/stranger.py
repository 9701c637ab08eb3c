"""Somebody on the machine who tries a port without being known to anyone.

Each `try_*` returns what the port gave away, empty when it gave nothing.
"""

import re
import socket
import ssl
from collections.abc import Callable

import grpc
import pymysql


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


WEB_PATHS = (
    "/", "/healthz", "/metrics", "/debug/health", "/debug/status", "/debug/vars", "/debug/pprof/",
    "/config", "/etc/passwd", "/v2/keys/",
)  # fmt: skip
BARE_WORDS = (b"ok\n", b"not ready\n", b"")
GRPC_METHODS = (
    "/vtctlservice.Vtctl/ExecuteVtctlCommand",
    "/tabletmanagerservice.TabletManager/Ping",
    "/queryservice.Query/StreamHealth",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)
GRPC_REFUSALS = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAVAILABLE,  # a Service without pods behind it
)
MYSQL_USERS = ("root", "", "mysql", "vt_dba", "vt_app", "vt_repl", "vt_allprivs", "vt_monitor")
MYSQL_REFUSALS = (1045, 1698, 2013)  # 2013: a Service without pods behind it hangs up
TLS_PATHS = ("/api/v1/secrets", "/api/v1/namespaces/planetscale/secrets", "/pods", "/metrics")


def try_web(host: str, port: int) -> str:
    for path in WEB_PATHS:
        head, _, body = ask(host, port, path).partition(b"\r\n\r\n")
        if b" 401 " not in head.split(b"\r\n", 1)[0] and body not in BARE_WORDS:
            return f"{path}: {body[:100]!r}"
    return ""


def try_grpc(host: str, port: int) -> str:
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        for method in GRPC_METHODS:
            try:
                answers = list(channel.unary_stream(method, bytes, bytes)(b"", timeout=5))
            except grpc.RpcError as refused:
                if refused.code() not in GRPC_REFUSALS:
                    return f"{method}: {refused.code()} {refused.details()}"
            else:
                return f"{method}: {answers!r}"
    return ""


def try_mysql(host: str, port: int) -> str:
    for user in MYSQL_USERS:
        try:
            pymysql.connect(host=host, port=port, user=user, password="", connect_timeout=5).close()
        except pymysql.err.OperationalError as refused:
            if refused.args[0] not in MYSQL_REFUSALS:
                return f"{user!r}: {refused}"
        else:
            return f"{user!r} may log in"
    return ""


def try_kubernetes(host: str, port: int) -> str:
    for path in TLS_PATHS:
        found = ask(host, port, path, stranger_context())
        if found and not re.match(rb"HTTP/1\.1 40[13] ", found):
            return f"{path}: {found[:100]!r}"
    return f"plain HTTP: {found!r}" if (found := ask(host, port, "/")) else ""


def try_lockserver(host: str, port: int) -> str:
    for context in (None, stranger_context()):
        if found := ask(host, port, "/version", context):
            return f"{found[:100]!r}"
    return ""


def try_lockserver_health(host: str, port: int) -> str:
    """etcd cannot ask for a password here; see ADR 15 for what it tells, and that it is no data."""
    if b'{"health":"true"}' not in ask(host, port, "/health"):
        return "no health"
    for path in ("/v2/keys/", "/v3/kv/range", "/v2/members", "/debug/pprof/", "/debug/vars", "/"):
        if b"404 Not Found" not in (found := ask(host, port, path)):
            return f"{path}: {found[:100]!r}"
    return ""


TRIES: dict[int, Callable[[str, int], str]] = {
    3306: try_mysql,
    15000: try_web,
    9104: try_web,
    15999: try_grpc,
    2379: try_lockserver,
    2380: try_lockserver,
    2381: try_lockserver_health,
}
