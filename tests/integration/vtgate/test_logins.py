"""Ways to log in: both password methods, with and without TLS, and the limits."""

import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mysql.connector
import pymysql
import pytest

from armillary.wire.authentication import native_stored_hash
from tests.integration.vtgate.certificates import write_certificate
from tests.integration.vtgate.conftest import make_cluster
from tests.integration.vtgate.gate import PASSWORD, USER, Gate, running_gate, settings_for
from tests.integration.vtgate.servers import Server, address_of

pytestmark = pytest.mark.integration

TLS_ADDRESS, STRICT_ADDRESS = address_of(11), address_of(12)
HASHED_USER = "hashed"


@pytest.fixture(scope="module")
def gates(
    servers: tuple[Server, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gate, Gate, Path]]:
    """One gateway that offers TLS, one that demands it (and takes two clients at most)."""
    directory = tmp_path_factory.mktemp("tls")
    cert, key = write_certificate(directory)
    files = {"mysql_server_ssl_cert": str(cert), "mysql_server_ssl_key": str(key)}
    relaxed = settings_for(TLS_ADDRESS, directory, **files)
    users = directory / "users.json"
    stored = native_stored_hash(PASSWORD).hex().upper()
    users.write_text(
        json.dumps(
            {USER: [{"Password": PASSWORD}], HASHED_USER: [{"MysqlNativePassword": f"*{stored}"}]}
        )
    )
    other = tmp_path_factory.mktemp("strict")
    strict = settings_for(
        STRICT_ADDRESS,
        other,
        mysql_server_require_secure_transport=True,
        max_connections=2,
        **files,
    )
    cluster = make_cluster(servers)
    with running_gate(cluster, relaxed) as one, running_gate(cluster, strict) as two:
        yield one, two, users


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(gate: Gate, *, user: str = USER, password: str = PASSWORD, **more: Any) -> Any:
    return pymysql.connect(host=gate.address, user=user, password=password, database="main", **more)


_Connection: Any = pymysql.connections.Connection


class Sha2Connection(_Connection):  # type: ignore[misc]
    """PyMySQL, which knows RSA, using caching_sha2_password whatever the server prefers."""

    def _get_server_information(self) -> None:
        super()._get_server_information()
        self._auth_plugin_name = "caching_sha2_password"


def test_a_password_travels_by_rsa_where_there_is_no_tls(gates: tuple[Gate, Gate, Path]) -> None:
    users = gates[0].listener.users
    found = users.find(HASHED_USER)
    assert found is not None

    def log_in(password: str) -> Any:
        found._sha2 = None  # as after a start: nobody has sent this password yet
        return Sha2Connection(host=TLS_ADDRESS, user=HASHED_USER, password=password)

    client = log_in(PASSWORD)
    client.ping(reconnect=False)
    client.close()
    assert found.sha2_digest() is not None, "the next login can be fast"
    with pytest.raises(pymysql.OperationalError) as refusal:
        log_in("wrong")
    assert refusal.value.args[0] == 1045


@pytest.mark.parametrize(("tls", "user"), [(False, USER), (True, USER), (True, HASHED_USER)])
@pytest.mark.parametrize("plugin", ["mysql_native_password", "caching_sha2_password"])
def test_each_method_lets_the_right_password_in_and_no_other(
    plugin: str, tls: bool, user: str, gates: tuple[Gate, Gate, Path]
) -> None:
    """A user known by hash alone needs the password in clear once, which TLS allows."""
    for attempt in (1, 2):
        client = mysql.connector.connect(
            host=TLS_ADDRESS, user=user, password=PASSWORD, auth_plugin=plugin, use_pure=True,
            ssl_disabled=not tls,
        )  # fmt: skip
        cursor = client.cursor()
        cursor.execute("select connection_id()")
        assert cursor.fetchall(), attempt
        client.close()
    for password in ("wrong", "", PASSWORD + "x"):
        with pytest.raises(mysql.connector.Error) as refusal:
            mysql.connector.connect(
                host=TLS_ADDRESS, user=user, password=password, auth_plugin=plugin, use_pure=True,
                ssl_disabled=not tls,
            )  # fmt: skip
        assert refusal.value.errno == 1045


def test_tls_carries_large_answers(gates: tuple[Gate, Gate, Path]) -> None:
    client = connect(gates[0], ssl=unverified())
    with client.cursor() as cursor:
        cursor.execute("select repeat('x', 5000000), repeat('y', 100)")
        assert [len(cell) for cell in cursor.fetchone()] == [5_000_000, 100]
    client.close()


def test_the_mysql_client_connects_with_tls(gates: tuple[Gate, Gate, Path]) -> None:
    answer = subprocess.run(
        ["mysql", "-h", STRICT_ADDRESS, f"-u{USER}", f"-p{PASSWORD}", "--ssl", "-N", "-e",
         "select 'encrypted'"],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    assert answer.stdout.strip() == "encrypted"


def test_a_strict_gateway_refuses_clear_connections(gates: tuple[Gate, Gate, Path]) -> None:
    with pytest.raises(pymysql.OperationalError) as refusal:
        connect(gates[1], ssl_disabled=True)
    assert refusal.value.args[0] == 3159


def test_there_is_a_limit_to_clients(gates: tuple[Gate, Gate, Path]) -> None:
    first, second = connect(gates[1], ssl=unverified()), connect(gates[1], ssl=unverified())
    with pytest.raises(pymysql.OperationalError) as refusal:
        connect(gates[1], ssl=unverified())
    assert refusal.value.args[0] == 1040
    first.close()
    second.close()


def test_users_are_read_again_when_their_file_changes(gates: tuple[Gate, Gate, Path]) -> None:
    gate, _, file = gates
    before = file.read_text()
    users = gate.listener.users
    file.write_text(json.dumps({**json.loads(before), "later": [{"Password": "new"}]}))
    assert users.reload()
    connect(gate, user="later", password="new").close()
    file.write_text("{ broken")
    assert not users.reload()
    connect(gate, user="later", password="new").close()
    file.write_text(before)
    assert users.reload()
    with pytest.raises(pymysql.OperationalError):
        connect(gate, user="later", password="new")
