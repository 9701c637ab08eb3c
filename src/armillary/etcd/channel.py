"""gRPC channels to etcd: addresses, TLS, deadlines, and errors in our own words. I/O."""

import ipaddress
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import grpc
import grpc.aio
from google.protobuf.message import Message

from armillary.base.errors import ArmillaryError, DeadlineError, InputError, UnavailableError
from armillary.etcd.records import EtcdTls, LeaseLostError, RevisionCompactedError

logger = logging.getLogger(__name__)

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


class EtcdChannels:
    """One channel for each group of endpoints that gRPC cannot join; the next one on failure."""

    def __init__(self, endpoints: Sequence[str], tls: EtcdTls | None) -> None:
        assert endpoints, "etcd needs an endpoint"
        self.address = ",".join(endpoints)
        # gRPC would look for the list of addresses as a whole in each server's certificate.
        self._targets = targets(endpoints, join=tls is None or tls.server_name is not None)
        self._tls = tls
        self._channels: list[grpc.aio.Channel] = []
        self._index = 0

    def open(self) -> None:
        options: list[tuple[str, int | str]] = list(_OPTIONS)
        if self._tls is None:
            self._channels = [grpc.aio.insecure_channel(t, options=options) for t in self._targets]
            return
        if self._tls.server_name:
            options.append(("grpc.ssl_target_name_override", self._tls.server_name))
        credentials = grpc.ssl_channel_credentials(
            _pem(self._tls.ca), _pem(self._tls.key), _pem(self._tls.cert)
        )
        self._channels = [
            grpc.aio.secure_channel(t, credentials, options=options) for t in self._targets
        ]

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close(None)

    @property
    def current(self) -> grpc.aio.Channel:
        return self._channels[self._index]

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
            UnavailableError, DeadlineError: etcd does not answer.
        """
        with anyio.fail_after(timeout_s + 1.0):
            while True:
                try:
                    return await self._method(method, response_class)(
                        request, timeout=timeout_s, wait_for_ready=True
                    )
                except grpc.aio.AioRpcError as error:
                    self.turn()
                    if not (repeat and error.code() is grpc.StatusCode.UNAVAILABLE):
                        raise translate(error, self.address) from None
                    logger.debug("etcd call repeated", extra={"method": method})
                    await anyio.sleep(0.05)

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


def targets(endpoints: Sequence[str], *, join: bool = True) -> list[str]:
    """Return gRPC targets: one for all plain addresses, one for each name or socket.

    Args:
        join: False for one target for each plain address as well.
    """
    plain: list[str] = []
    rest: list[str] = []
    for endpoint in endpoints:
        address = endpoint.removeprefix("http://").removeprefix("https://")
        if address.startswith("unix:"):
            rest.append(address)
        elif _is_ipv4(address):
            plain.append(address)
        else:
            rest.append(f"dns:///{address}")
    groups = [",".join(plain)] if join and plain else plain
    return [f"ipv4:{group}" for group in groups] + rest


def _is_ipv4(address: str) -> bool:
    try:
        ipaddress.IPv4Address(address.rpartition(":")[0])
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
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineError(f"etcd at {address} did not answer in time")
    return UnavailableError(f"etcd at {address}: {detail}")
