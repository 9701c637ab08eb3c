"""gRPC channels to etcd: addresses, TLS, deadlines, and errors in our own words. I/O."""

import ipaddress
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import grpc
import grpc.aio
from google.protobuf.message import Message

from armillary.base.cancelling import await_call
from armillary.base.clock import monotonic_s
from armillary.base.errors import ArmillaryError, DeadlineError, InputError, UnavailableError
from armillary.base.hosts import look_up, stamp
from armillary.etcd.handshake import certificate_problem
from armillary.etcd.records import EtcdTls, LeaseLostError, RevisionCompactedError

logger = logging.getLogger(__name__)

_REPEAT_S = 0.05
_CONNECT_S = 1.0  # a connection that takes longer is asked for its certificate
_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)

# An etcd that restarts is back within a second, and the default back-off of gRPC reaches two
# minutes. Pings find a peer that has gone without closing; etcd allows one each 5 s.
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 * 2**20),
    ("grpc.max_send_message_length", 16 * 2**20),
    ("grpc.enable_http_proxy", 0),
    # Two clients of one process are two connections: closing one must not disturb the other.
    ("grpc.use_local_subchannel_pool", 1),
)

_NAME_RETRY_S = 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """What one channel dials; `known_as` is the name that its certificate must have."""

    address: str
    known_as: str | None = None


class EtcdChannels:
    """One channel for each group of endpoints that gRPC cannot join; the next one on failure."""

    def __init__(self, endpoints: Sequence[str], tls: EtcdTls | None) -> None:
        assert endpoints, "etcd needs an endpoint"
        self.address = ",".join(endpoints)
        self._endpoints = tuple(endpoints)
        self._tls = tls
        self._targets: list[Target] = []
        self._channels: list[grpc.aio.Channel] = []
        self._retired: list[grpc.aio.Channel] = []  # to addresses that a name no longer has
        self._index = 0
        self._hosts_stamp = stamp()

    def open(self) -> None:
        self._hosts_stamp = stamp()
        self._targets = self._find_targets()
        self._channels = [self._open(target) for target in self._targets]

    def _find_targets(self) -> list[Target]:
        # gRPC would look for the list of addresses as a whole in each server's certificate.
        join = self._tls is None or self._tls.server_name is not None
        return targets(self._endpoints, join=join, look_up=look_up)

    def _open(self, target: Target) -> grpc.aio.Channel:
        options: list[tuple[str, int | str]] = list(_OPTIONS)
        if self._tls is None:
            return grpc.aio.insecure_channel(target.address, options=options)
        known_as = self._tls.server_name or target.known_as
        if known_as:
            options.append(("grpc.ssl_target_name_override", known_as))
        credentials = grpc.ssl_channel_credentials(
            _pem(self._tls.ca), _pem(self._tls.key), _pem(self._tls.cert)
        )
        return grpc.aio.secure_channel(target.address, credentials, options=options)

    async def close(self) -> None:
        for channel in (*self._channels, *self._retired):
            await channel.close(None)

    @property
    def current(self) -> grpc.aio.Channel:
        if self._hosts_stamp != stamp():
            self._follow_names()
        return self._channels[self._index]

    def _follow_names(self) -> None:
        """Dial where the hosts file says by now: gRPC's own resolver does not read it."""
        self._hosts_stamp = stamp()
        if (found := self._find_targets()) != self._targets:
            self._retired += self._channels  # others may have calls under way on them
            self._targets, self._index = found, 0
            self._channels = [self._open(target) for target in found]

    async def _wait_address(self) -> None:
        """Return when the hosts file, if there is one, has an address for us, or gRPC has.

        An etcd that is none of our pods never stands in that file: gRPC's own resolver knows it.
        Cancelled: nothing is left behind.
        """
        while self._hosts_stamp and all(t.address.startswith("dns:") for t in self._targets):
            if self._use_connected():
                return
            await anyio.sleep(_NAME_RETRY_S)
            if self._hosts_stamp != stamp():
                self._follow_names()

    async def _check_certificate(self) -> None:
        """Wait a little for a connection that speaks TLS, and find out why there is none.

        Raises:
            UnavailableError: the server's certificate is not trusted. Nothing was sent.
        """
        if self._tls is None or self._use_connected():
            return
        with anyio.move_on_after(_CONNECT_S):
            while not self._use_connected():  # noqa: ASYNC110  # gRPC tells nobody
                await anyio.sleep(_REPEAT_S)
            return
        target = self._targets[self._index]
        ca, known_as = _pem(self._tls.ca), self._tls.server_name or target.known_as
        problem = await certificate_problem(target.address, ca or b"", known_as=known_as)
        if problem:
            self.turn()
            raise UnavailableError(f"etcd at {self.address}: {problem}")

    def _use_connected(self) -> bool:
        """Dial with all channels; use one that is connected, the current one if it is."""
        count = len(self._channels)
        for index in ((self._index + step) % count for step in range(count)):
            state = self._channels[index].get_state(try_to_connect=True)
            if state is grpc.ChannelConnectivity.READY:
                self._index = index
                return True
        return False

    def turn(self) -> None:
        """Use the next channel from now on; with one channel gRPC itself reconnects."""
        self._index = (self._index + 1) % len(self._channels)

    async def call(
        self,
        method: str,
        request: _Request,
        response_class: type[_Response],
        *,
        timeout_s: float,
        repeat: bool,
    ) -> _Response:
        """Call one unary method.

        `repeat` says that calling twice does no harm: then a connection that breaks under the
        call is not an error while `timeout_s` lasts. Without it the outcome is unknown, and the
        caller hears so.

        Raises:
            UnavailableError, DeadlineError: etcd does not answer, or has a certificate that is not
                trusted.
            InputError: the request is larger than etcd takes.
        """
        deadline_s = monotonic_s() + timeout_s
        with anyio.move_on_after(timeout_s) as waiting:
            await self._wait_address()
        if waiting.cancelled_caught:
            raise UnavailableError(
                f"no server of etcd at {self.address} has an address yet, or none answers"
            )
        await self._check_certificate()
        while True:
            left_s = deadline_s - monotonic_s()
            if left_s <= 0:
                raise _no_answer(self.address)
            try:
                answer = self._method(method, response_class)(
                    request, timeout=left_s, wait_for_ready=True
                )
                return await await_call(answer, where=f"etcd at {self.address}")
            except grpc.aio.AioRpcError as error:
                self.turn()
                if not (repeat and error.code() is grpc.StatusCode.UNAVAILABLE):
                    raise translate(error, self.address) from None
                logger.debug("etcd call repeated", extra={"method": method})
            await anyio.sleep(_REPEAT_S)

    def open_stream(
        self,
        method: str,
        request_class: type[_Request],
        response_class: type[_Response],
        *,
        timeout_s: float | None = None,
    ) -> "grpc.aio.StreamStreamCall[_Request, _Response]":
        """Start a stream to write to and read from; whoever opens it cancels it."""
        method_call: grpc.aio.StreamStreamMultiCallable[_Request, _Response]
        method_call = self.current.stream_stream(
            f"/etcdserverpb.{method}",
            request_serializer=_serialize,
            response_deserializer=response_class.FromString,
        )
        assert issubclass(request_class, Message)
        # The stubs do not know that a stream without a request iterator is one to write to.
        return method_call(timeout=timeout_s, wait_for_ready=True)  # type: ignore[call-arg]

    def _method(
        self, method: str, response_class: type[_Response]
    ) -> "grpc.aio.UnaryUnaryMultiCallable[Message, _Response]":
        return self.current.unary_unary(
            f"/etcdserverpb.{method}",
            request_serializer=_serialize,
            response_deserializer=response_class.FromString,
        )


def _pem(source: Path | bytes | None) -> bytes | None:
    """Return the contents.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise InputError(f"TLS towards etcd: {error}") from None


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def targets(
    endpoints: Sequence[str],
    *,
    join: bool = True,
    look_up: Callable[[str], Sequence[str]] = lambda name: (),
) -> list[Target]:
    """Return what to dial: one target for all plain addresses, one for each name or socket.

    Args:
        join: False for one target for each plain address as well.
        look_up: addresses of a name, where gRPC's resolver does not know it.
    """
    plain: list[Target] = []
    rest: list[Target] = []
    for endpoint in endpoints:
        address = endpoint.removeprefix("http://").removeprefix("https://")
        host, _, port = address.rpartition(":")
        if address.startswith("unix:"):
            rest.append(Target(address))
        elif _is_ipv4(host):
            plain.append(Target(f"ipv4:{address}"))
        elif found := look_up(host):
            plain += [Target(f"ipv4:{ip}:{port}", known_as=host) for ip in found]
        else:
            rest.append(Target(f"dns:///{address}"))
    if join and plain:
        together = ",".join(target.address.removeprefix("ipv4:") for target in plain)
        plain = [Target(f"ipv4:{together}")]
    return plain + rest


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def translate(error: grpc.aio.AioRpcError, address: str) -> ArmillaryError:
    """Return our error for what gRPC raised."""
    detail = error.details() or error.code().name
    if "required revision has been compacted" in detail:
        return RevisionCompactedError(wanted=0, compacted=0)
    if "requested lease not found" in detail:
        return LeaseLostError(f"lease not found in etcd at {address}")
    if "request is too large" in detail or "larger than max" in detail:  # etcd's words, gRPC's
        return InputError(f"etcd at {address} does not take so much at once: {detail}")
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return _no_answer(address)
    return UnavailableError(f"etcd at {address}: {detail}")


def _no_answer(address: str) -> DeadlineError:
    return DeadlineError(f"etcd at {address} did not answer in time")
