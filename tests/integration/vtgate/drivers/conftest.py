"""A gateway that offers TLS, in front of the servers that all gateway tests share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.vtgate.certificates import write_certificate
from tests.integration.vtgate.conftest import make_cluster
from tests.integration.vtgate.gate import Gate, running_gate, settings_for
from tests.integration.vtgate.servers import Server, address_of

TLS_ADDRESS = address_of(13)


@pytest.fixture(scope="package")
def tls_gate(servers: tuple[Server, ...]) -> Iterator[Gate]:
    with tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory:
        cert, key = write_certificate(Path(directory))
        settings = settings_for(
            TLS_ADDRESS,
            Path(directory),
            mysql_server_ssl_cert=str(cert),
            mysql_server_ssl_key=str(key),
        )
        with running_gate(make_cluster(servers), settings) as gate:
            yield gate
