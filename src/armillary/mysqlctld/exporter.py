"""mysqld_exporter: one mysqld's status as Prometheus metrics. I/O.

Names are those of Prometheus's own mysqld_exporter. It must be small (one runs beside every
tablet), so it is plain standard library and PyMySQL, reads only when it is asked, and keeps
nothing in between.
"""

import configparser
import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType
from typing import Any

from armillary.base.errors import InputError
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.driver import pymysql
from armillary.rpc.static_users import StaticUsers
from armillary.settings.flags import HelpRequested, parse_flags
from armillary.settings.mysqlctld import EXPORTER_WITHOUT_EFFECT, ExporterSettings

_NUMBER = re.compile(r"-?\d+(\.\d+)?$")
_DATA_SOURCE = re.compile(r"^(?P<user>[^:@]*)(:(?P<password>.*))?@unix\((?P<socket>[^)]*)\)/")
_WORDS = {"ON": "1", "YES": "1", "OFF": "0", "NO": "0", "CONNECTING": "0"}
_COUNTERS = ("com_", "bytes_", "connections", "questions", "queries", "slow_queries", "aborted_")
_TIMEOUT_S = 5


def main() -> None:
    """Serve until SIGTERM. Exit codes: 0 asked to end, 1 cannot listen, 2 flags."""
    try:
        settings = parse_flags(
            ExporterSettings,
            sys.argv[1:],
            program="mysqld_exporter",
            accepted_without_effect=EXPORTER_WITHOUT_EFFECT,
        )
        target = connect_arguments(settings, os.environ)
        users = StaticUsers(path) if (path := settings.web_auth_static_file) else None
    except HelpRequested as text:
        sys.stdout.write(f"{text}\n")
        sys.exit(0)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    host, _, port = (
        settings.web_listen_address or f"{os.environ.get('POD_IP', '127.0.0.1')}:9104"
    ).rpartition(":")
    signal.signal(signal.SIGTERM, _end)
    try:
        server = HTTPServer((host or "127.0.0.1", int(port)), handler_for(target, users))
    except OSError as error:
        sys.stderr.write(f"cannot listen on {host}:{port}: {error.strerror}\n")
        sys.exit(1)
    server.serve_forever(poll_interval=3600)  # accepting wakes it; the poll is for shutdown() only


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def connect_arguments(settings: ExporterSettings, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return how to reach mysqld: DATA_SOURCE_NAME first, then my.cnf's socket, then the flag.

    Raises:
        InputError: a credentials file that cannot be read.
    """
    user, socket = settings.db_monitor_user, settings.mysql_socket
    password: str | None = None
    if settings.config_my_cnf and Path(settings.config_my_cnf).is_file():
        options = configparser.ConfigParser(strict=False, allow_no_value=True, interpolation=None)
        options.read(settings.config_my_cnf)
        socket = options.get("mysqld", "socket", fallback=socket)
    if match := _DATA_SOURCE.match(environ.get("DATA_SOURCE_NAME", "")):
        user, socket, password = match["user"], match["socket"], match["password"]
    if password is None:
        password = Credentials.load(settings.db_credentials_file).password(user)
    return {"user": user, "password": password, "unix_socket": socket, "ssl_disabled": True}


def handler_for(
    target: Mapping[str, Any], users: StaticUsers | None
) -> type[BaseHTTPRequestHandler]:
    """Return the request handler class for the server at `target`; `users` None is everybody."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT_S

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path == "/healthz":
                self._send("ok\n")
            elif users and not users.accepts_basic(self.headers.get("Authorization", "")):
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="mysqld_exporter"')
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif path == "/metrics":
                self._send("".join(f"{line}\n" for line in scrape(target)))
            elif path == "/":
                self._send("mysqld_exporter: see /metrics\n")
            else:
                self.send_error(404)

        def _send(self, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None  # a scrape every few seconds is not news

    return Handler


def scrape(target: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one answer; only `mysql_up 0` when mysqld does not answer."""
    try:
        connection = pymysql.connect(
            **target, connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, autocommit=True
        )
    except pymysql.err.MySQLError:
        yield "# TYPE mysql_up gauge"
        yield "mysql_up 0"
        return
    with connection, connection.cursor() as cursor:
        yield "# TYPE mysql_up gauge"
        yield "mysql_up 1"
        cursor.execute("SELECT VERSION()")
        version = str((cursor.fetchone() or ("",))[0])
        yield f'mysql_version_info{{version="{version}"}} 1'
        yield from status_lines(cursor, "SHOW GLOBAL STATUS", "mysql_global_status")
        yield from status_lines(cursor, "SHOW GLOBAL VARIABLES", "mysql_global_variables")
        yield from replica_lines(cursor, "REPLICA" if "maria" not in version.lower() else "SLAVE")


def status_lines(cursor: Any, statement: str, prefix: str) -> Iterator[str]:
    """Yield one metric for each row whose value is a number or a switch."""
    cursor.execute(statement)
    for name, value in cursor.fetchall():
        number = _number(value)
        if number is None:
            continue
        key = re.sub("[^a-z0-9_]", "_", str(name).lower())
        if prefix == "mysql_global_status" and key.startswith("com_"):
            yield f'{prefix}_commands_total{{command="{key[4:]}"}} {number}'
            continue
        kind = "counter" if key.startswith(_COUNTERS) else "gauge"
        yield f"# TYPE {prefix}_{key} {kind}"
        yield f"{prefix}_{key} {number}"


def replica_lines(cursor: Any, word: str) -> Iterator[str]:
    """Yield the replication status under `mysql_slave_status_*`; nothing on a primary."""
    try:
        cursor.execute(f"SHOW {word} STATUS")
    except pymysql.err.MySQLError:
        return
    names = [column[0] for column in cursor.description or ()]
    for row in cursor.fetchall():
        status = dict(zip(names, row, strict=True))
        host = status.get("Master_Host") or status.get("Source_Host") or ""
        for name, value in status.items():
            number = _number(value)
            if number is not None:
                yield f'mysql_slave_status_{name.lower()}{{master_host="{host}"}} {number}'


def _number(value: object) -> str | None:
    text = str(value)
    if _NUMBER.match(text):
        return text
    return _WORDS.get(text.upper())


if __name__ == "__main__":
    main()
