"""`vtctlclient -server HOST:PORT COMMAND ...`: sends a command to vtctld and prints its answer.

The 2020 client of Vitess, word for word where scripts depend on it: results go to stdout, the log
to stderr, an error to both, and the exit code is 0 or 1, or 130 after Ctrl-C. I/O.
"""

import ipaddress
import logging
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import grpc

from armillary.base.errors import ArmillaryError, InputError, UnavailableError
from armillary.cli.start import INTERRUPTED, raise_interrupts
from armillary.pb import logutil_pb2, vtctldata_pb2
from armillary.rpc.static_users import ClientCredentials, load_client_credentials
from armillary.settings.flags import parse_duration

CONNECT_TIMEOUT_S = 5.0
METHOD = "/vtctlservice.Vtctl/ExecuteVtctlCommand"

USAGE = """usage: vtctlclient -server HOST:PORT [flags] COMMAND [command flags] [arguments]

Sends COMMAND to the vtctld of a cluster. Flags may be written -name or --name; those of the client
come before the command, those of the command after it.

  -server HOST:PORT
        Where vtctld's gRPC port is reached (required), as localhost:16999 after
        kubectl -n planetscale port-forward POD 16999:15999
  -action_timeout DURATION (default 1h)
        Give up after this long
  -grpc_auth_static_client_creds FILE
        User name and password as JSON. Without it: $ARMILLARY_GRPC_CREDS; and for a server on this
        machine $ARMILLARY_DIR/grpc-client.json or ~/.armillary/grpc-client.json
  -vtctld_grpc_ca FILE, -vtctld_grpc_cert FILE, -vtctld_grpc_key FILE,
  -vtctld_grpc_server_name NAME
        Use TLS

  vtctlclient help              lists the commands
  vtctlclient help COMMAND      explains one (as does COMMAND -h)

Results go to stdout, the log to stderr. Exit codes: 0 done, 1 error, 130 interrupted."""

_TEXT_FLAGS = {
    "server", "action_timeout", "grpc_auth_static_client_creds", "vtctld_grpc_ca",
    "vtctld_grpc_cert", "vtctld_grpc_key", "vtctld_grpc_server_name",
    "vtctl_client_protocol", "tablet_grpc_ca", "v", "stderrthreshold", "log_dir",
}  # fmt: skip
_BOOL_FLAGS = {"logtostderr", "alsologtostderr", "h", "help", "version"}


def main() -> None:
    logging.captureWarnings(True)
    try:
        raise_interrupts()
        code = run(sys.argv[1:], os.environ)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write(
            "vtctlclient: interrupted; vtctld was told to stop, and what it has done stays\n"
        )
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as in `| head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    sys.exit(code)


@dataclass(frozen=True, slots=True)
class Invocation:
    flags: Mapping[str, str]
    command: tuple[str, ...]

    @property
    def wants_help(self) -> bool:
        asked = {"h", "help"} & self.flags.keys()
        return bool(asked) or (bool(self.command) and self.command[0].lower() == "help")


def parse_words(words: Sequence[str]) -> Invocation:
    """Split the client's own flags from the command, which begins at the first other word.

    Raises:
        InputError: a flag that the client does not have, or one without its value.
    """
    queue = deque(words)
    flags: dict[str, str] = {}
    while queue and queue[0].startswith("-"):
        word = queue.popleft()
        if word == "--":
            break
        name, equals, text = word.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if name in _BOOL_FLAGS:
            flags[name] = text or "true"
        elif name not in _TEXT_FLAGS:
            raise InputError(f"flag provided but not defined: -{name}")
        elif equals or queue:
            flags[name] = text if equals else queue.popleft()
        else:
            raise InputError(f"flag needs an argument: -{name}")
    return Invocation(flags, tuple(queue))


def run(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what the words say; returns the exit code."""
    try:
        invocation = parse_words(words)
        if invocation.wants_help:
            return _help(invocation.command[1:])
        if not invocation.flags.get("server"):
            raise InputError("the -server flag is required: -server HOST:PORT of vtctld")
        if not invocation.command:
            raise InputError("no command was given: `vtctlclient help` lists them")
        timeout = parse_duration(invocation.flags.get("action_timeout", "1h"))
        credentials = find_credentials(invocation.flags, environ)
    except ArmillaryError as error:
        _log("E", str(error))
        sys.stdout.write(f"Error: {error}\n")
        sys.stderr.write("`vtctlclient -h` explains the usage\n")
        return 1
    return _execute(invocation, credentials, timeout)


def _help(words: Sequence[str]) -> int:
    """Explain without a server: the commands are known here."""
    from armillary.vtctld.commands import all_commands  # noqa: PLC0415  # only help needs them
    from armillary.vtctld.registry import Registry  # noqa: PLC0415

    registry = Registry(all_commands())
    try:
        text = registry.find(words[0]).help_text() if words else None
    except InputError as error:
        sys.stdout.write(f"Error: {error}\n")
        return 1
    sys.stdout.write((text or f"{USAGE}\n\n{registry.help_text()}") + "\n")
    return 0


def find_credentials(
    flags: Mapping[str, str], environ: Mapping[str, str]
) -> ClientCredentials | None:
    """Return what to log in with; None when nothing is known.

    A file that nobody named is used for a server on this machine only: a password is not sent
    to a stranger because of a default.

    Raises:
        InputError: the file that was named cannot be read.
    """
    named = flags.get("grpc_auth_static_client_creds") or environ.get("ARMILLARY_GRPC_CREDS")
    if named:
        return load_client_credentials(named)
    if not is_this_machine(flags["server"]):
        return None
    home = environ.get("ARMILLARY_DIR") or str(Path.home() / ".armillary")
    path = Path(home) / "grpc-client.json"
    return load_client_credentials(path) if path.is_file() else None


def is_this_machine(server: str) -> bool:
    host = server.rpartition(":")[0].strip("[]")
    if host in ("", "localhost") or server.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _execute(
    invocation: Invocation, credentials: ClientCredentials | None, timeout: timedelta
) -> int:
    server = invocation.flags["server"]
    command = invocation.command[0]
    try:
        _require_answer(server)
        with open_channel(invocation.flags) as channel:
            for event in events_of(channel, invocation.command, credentials, timeout):
                _print_event(event)
    except grpc.RpcError as error:
        text = _describe(error, server, credentials, timeout)
        if "flag: help requested" in text:
            sys.stdout.write(text.partition("\n")[2] + "\n")
            return 0
        return _fail(command, text)
    except ArmillaryError as error:
        return _fail(command, str(error))
    return 0


def _fail(command: str, text: str) -> int:
    sys.stdout.write(f"{command} Error: {text}\n")
    sys.stdout.flush()
    _log("E", f"{command} Error: {text}")
    return 1


def open_channel(flags: Mapping[str, str]) -> grpc.Channel:
    options: list[tuple[str, int | str]] = [
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_receive_message_length", 64 * 2**20),
        ("grpc.keepalive_time_ms", 10_000),  # a long backup must notice that vtctld is gone
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    if not flags.get("vtctld_grpc_ca"):
        return grpc.insecure_channel(flags["server"], options=options)
    if flags.get("vtctld_grpc_server_name"):
        options.append(("grpc.ssl_target_name_override", flags["vtctld_grpc_server_name"]))
    key, cert = flags.get("vtctld_grpc_key"), flags.get("vtctld_grpc_cert")
    try:
        tls = grpc.ssl_channel_credentials(
            Path(flags["vtctld_grpc_ca"]).read_bytes(),
            Path(key).read_bytes() if key else None,
            Path(cert).read_bytes() if cert else None,
        )
    except OSError as error:
        raise InputError(f"cannot read a TLS file: {error}") from None
    return grpc.secure_channel(flags["server"], tls, options=options)


def _require_answer(server: str) -> None:
    """Connect once by hand: it fails at once where gRPC would go on trying, and says why.

    Raises:
        UnavailableError: nothing answers there.
    """
    if server.startswith("unix:"):
        return
    host, _, port = server.rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"-server {server!r}: wanted HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnavailableError(
            f"cannot reach vtctld at {server}: {reason} (is the address right, and its "
            "port-forward running?)"
        ) from None


def events_of(
    channel: grpc.Channel,
    command: Sequence[str],
    credentials: ClientCredentials | None,
    timeout: timedelta,
) -> Iterator[logutil_pb2.Event]:
    """Let vtctld carry a command out; yields what it says meanwhile."""
    execute = channel.unary_stream(
        METHOD,
        request_serializer=vtctldata_pb2.ExecuteVtctlCommandRequest.SerializeToString,
        response_deserializer=vtctldata_pb2.ExecuteVtctlCommandResponse.FromString,
    )
    request = vtctldata_pb2.ExecuteVtctlCommandRequest(
        args=command, action_timeout=int(timeout.total_seconds() * 1e9)
    )
    stream = execute(
        request,
        timeout=timeout.total_seconds(),
        metadata=credentials.metadata if credentials else None,
    )
    try:
        for response in stream:
            yield response.event
    finally:
        cast(Any, stream).cancel()


def _print_event(event: logutil_pb2.Event) -> None:
    if event.level == logutil_pb2.CONSOLE:
        sys.stdout.write(event.value)
        sys.stdout.flush()
        return
    letter = {logutil_pb2.WARNING: "W", logutil_pb2.ERROR: "E"}.get(event.level, "I")
    at_s = event.time.seconds + event.time.nanoseconds / 1e9 if event.HasField("time") else None
    _log(letter, event.value, at_s=at_s, where=f"{event.file or 'vtctld'}:{event.line}")


def _log(letter: str, text: str, *, at_s: float | None = None, where: str = "vtctlclient") -> None:
    """Write a line to stderr in the form of Vitess's logs, UTC."""
    moment_s = time.time() if at_s is None else at_s
    stamp = time.strftime("%m%d %H:%M:%S", time.gmtime(moment_s))
    micros = int(moment_s % 1 * 1_000_000)
    sys.stderr.write(f"{letter}{stamp}.{micros:06d} {where}] {text.rstrip()}\n")
    sys.stderr.flush()


def _describe(
    error: grpc.RpcError,
    server: str,
    credentials: ClientCredentials | None,
    timeout: timedelta,
) -> str:
    """Return what went wrong, and what to do when the connection is the problem."""
    # What a call raises is an RpcError and a Call, which the stubs cannot say.
    call = cast(grpc.Call, error)
    details = (call.details() or call.code().name).replace("remote error: ", "")
    from_vtctld = "armillary-error" in dict(cast(Any, call.trailing_metadata()) or ())
    match call.code():
        case grpc.StatusCode.UNAVAILABLE if not from_vtctld:
            return f"lost vtctld at {server}: {details}; what the command has done stays"
        case grpc.StatusCode.DEADLINE_EXCEEDED if "Deadline Exceeded" in details:
            return f"no end after {timeout} (-action_timeout): it may go on without us"
        case grpc.StatusCode.UNAUTHENTICATED:
            sent = f"as {credentials.username}" if credentials else "without credentials"
            return f"{details}; we called {sent} (`armillary env` and `vtctlclient -h` tell more)"
    return details


if __name__ == "__main__":
    main()
