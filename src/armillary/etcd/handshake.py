"""Why an etcd's certificate is not trusted: gRPC only says that nobody answered. I/O."""

import ssl
from collections.abc import Iterator

import anyio

_ASK_S_MAX = 2.0


async def certificate_problem(address: str, ca: bytes, *, known_as: str | None) -> str:
    """Return why a certificate at gRPC's `address` is refused; "" when none is, or nobody answers.

    Args:
        known_as: the name that it must have; None for the host that is dialled.
    """
    with anyio.move_on_after(_ASK_S_MAX):
        for host, port in _hosts(address):
            if problem := await _problem_of(host, port, ca, known_as or host):
                return (
                    f"the certificate at {host}:{port} is not trusted: {problem}. Wanted one for "
                    f"{known_as or host}, signed by the CA that was given: give the CA that signed "
                    "this one, or the server another certificate"
                )
    return ""


async def _problem_of(host: str, port: int, ca: bytes, known_as: str) -> str:
    try:
        context = ssl.create_default_context(cadata=ca.decode("ascii", "replace"))
        async with await anyio.connect_tcp(
            host, port, ssl_context=context, tls_standard_compatible=False, tls_hostname=known_as
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message.rstrip(".")
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
        return ""  # it does not answer, or wants a certificate of us: that is for the call to find


def _hosts(address: str) -> Iterator[tuple[str, int]]:
    for item in address.removeprefix("ipv4:").removeprefix("dns:///").split(","):
        host, _, port = item.rpartition(":")
        if host and port.isdigit():
            yield host.strip("[]"), int(port)
