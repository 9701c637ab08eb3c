"""What clients may send that few drivers do: large packets, pipelines, odd commands."""

import struct
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT, COMMAND

from armillary.wire.packets import frame
from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.gate import Gate

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

STMT_PREPARE, STMT_EXECUTE, STMT_LONG_DATA, STMT_CLOSE = 0x16, 0x17, 0x18, 0x19
LAST = 0xFFFFFFFF
VAR_STRING = 0xFD


@pytest.fixture
def client(gate: Gate) -> Iterator[Any]:
    connection = connect_gate(gate)
    connection.max_allowed_packet = 1 << 28
    yield connection
    connection.close()


def send(client: Any, *payloads: bytes) -> None:
    """Send commands all at once, without waiting for answers."""
    client._sock.sendall(b"".join(frame(payload, 0) for payload in payloads))


def read(client: Any) -> bytes:
    client._next_seq_id = 1
    return bytes(client._read_packet().get_all_data())


def execute(statement_id: int, *texts: bytes) -> bytes:
    values = b"".join(bytes((len(text),)) + text for text in texts)
    types = bytes((VAR_STRING, 0)) * len(texts)
    head = bytes((STMT_EXECUTE,)) + struct.pack("<IBI", statement_id, 0, 1)
    return head + (b"\0\x01" + types + values if texts else b"")


def rows_of(client: Any) -> list[bytes]:
    """Read a result set of one column; its rows in binary, without their heads."""
    client._next_seq_id = 1
    packets: list[bytes] = []
    while sum(packet[:1] == b"\xfe" and len(packet) < 9 for packet in packets) < 2:
        packets.append(bytes(client._read_packet().get_all_data()))
    return [packet[3:] for packet in packets[3:-1]]


def prepare(client: Any, sql: bytes) -> None:
    send(client, bytes((STMT_PREPARE,)) + sql)
    read_prepare(client)


def read_prepare(client: Any) -> int:
    """Read the answer to a PREPARE of one column or parameter each at most."""
    first = read(client)
    statement_id, columns, parameters = struct.unpack("<IHH", first[1:9])
    for count in (parameters, columns):
        for _ in range(count + 1 if count else 0):
            client._read_packet()
    return int(statement_id)


@pytest.mark.parametrize("payload_bytes", [(1 << 24) - 1, 17_000_000])
def test_a_payload_of_several_packets_is_taken_and_answered(
    client: Any, payload_bytes: int
) -> None:
    client.select_db("plain")
    text = "x" * (payload_bytes - len("qselect '' as t"))
    assert ask(client, f"select '{text}' as t").rows[0][0] == text
    assert ask(client, "select 1").rows == ((1,),)


def test_large_values_go_through_a_scatter(client: Any) -> None:
    ask(client, "insert into items values (1, 'l'), (2, 'l'), (3, 'l'), (4, 'l')")
    wide = ask(client, "select id, repeat('z', 17000000) from items where id in (1, 4)").rows
    assert sorted((row[0], len(str(row[1]))) for row in wide) == [
        (1, 17_000_000),
        (4, 17_000_000),
    ]


def test_a_payload_over_the_limit_is_an_error_and_the_end(gate: Gate) -> None:
    client = connect_gate(gate)
    header = b"\xff\xff\xff"
    for number in range(4):
        client._sock.sendall(header + bytes((number,)) + b"\x03" + b" " * 0xFFFFFE)
    client._sock.sendall(header + b"\x04")
    with pytest.raises(pymysql.OperationalError) as refusal:
        client._next_seq_id = 5
        client._read_packet()
    assert refusal.value.args[0] == 1153
    client._force_close()


def test_execute_may_be_sent_before_prepare_is_answered(client: Any) -> None:
    send(client, bytes((STMT_PREPARE,)) + b"select ? as v", execute(LAST, b"later"))
    first = read_prepare(client)
    assert rows_of(client) == [b"later"]
    send(
        client,
        bytes((STMT_PREPARE,)) + b"select a from nowhere where b = ?",
        execute(LAST, b"never"),
    )
    for errno in (1109, 1243):
        with pytest.raises(pymysql.MySQLError) as refusal:
            read(client)
        assert refusal.value.args[0] == errno
    send(client, execute(first, b"still there"))
    assert rows_of(client) == [b"still there"]


def test_long_data_is_put_together_and_limited(client: Any) -> None:
    prepare(client, b"select ? as v")
    part = bytes((STMT_LONG_DATA,)) + struct.pack("<IH", LAST, 0)
    send(client, part + b"one ", part + b"two", execute(LAST, b"")[:-1])
    assert rows_of(client) == [b"one two"]
    send(client, *[part + b"x" * 16_000_000] * 5, execute(LAST, b"")[:-1])
    with pytest.raises(pymysql.MySQLError) as refusal:
        read(client)
    assert refusal.value.args[0] == 1153
    send(client, execute(LAST, b"short"))
    assert rows_of(client) == [b"short"]


def test_long_data_of_all_statements_is_limited_together(client: Any) -> None:
    statements = []
    for _ in range(2):
        send(client, bytes((STMT_PREPARE,)) + b"select length(?) as v")
        statements.append(read_prepare(client))
        part = bytes((STMT_LONG_DATA,)) + struct.pack("<IH", statements[-1], 0)
        send(client, *[part + b"x" * 10_000_000] * 4)
    first, second = statements
    send(client, execute(second, b"")[:-1])
    with pytest.raises(pymysql.MySQLError) as refusal:
        read(client)
    assert refusal.value.args[0] == 1153
    send(client, execute(first, b"")[:-1])
    assert int.from_bytes(rows_of(client)[0], "little") << 8 == 40_000_000  # without its first byte
    send(client, part + b"room again", execute(second, b"")[:-1])
    assert rows_of(client)


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x1c\0\0\0\0\0\0\0\0", b"\xfa", b"\x12abc"])
def test_a_command_that_is_not_known_is_an_error_and_no_end(client: Any, payload: bytes) -> None:
    send(client, payload)
    with pytest.raises(pymysql.MySQLError) as refusal:
        read(client)
    assert refusal.value.args[0] == 1047
    assert ask(client, "select 1").rows == ((1,),)


@pytest.mark.parametrize(
    "payload",
    [
        b"\x17", b"\x17\1\0\0\0", b"\x17\1\0\0\0\0\1\0\0\0", b"\x17\1\0\0\0\0\1\0\0\0\0",
        b"\x17\1\0\0\0\0\1\0\0\0\0\1", b"\x17\1\0\0\0\0\1\0\0\0\0\1\xfd\0\xfc\xff\xff", b"\x1a",
    ],
)  # fmt: skip
def test_a_command_that_is_cut_off_is_an_error_and_no_end(client: Any, payload: bytes) -> None:
    prepare(client, b"select ? as v")
    send(client, payload)
    with pytest.raises(pymysql.MySQLError):
        read(client)
    assert ask(client, "select 1").rows == ((1,),)


def test_a_client_that_tracks_its_session_is_told_of_use(gate: Gate) -> None:
    session_track = 1 << 23
    client = connect_gate(gate, flags=session_track | CLIENT.CONNECT_WITH_DB)
    for payload in (b"\x03use plain", b"\x02plain"):
        send(client, payload)
        assert read(client)[3:] == b"\x02\x40\0\0" + b"\0" + b"\x08\x01\x06\x05plain"
    client._execute_command(COMMAND.COM_QUERY, "set @x = 1")
    assert read(client)[3:] == b"\x02\0\0\0"
    client.close()


@pytest.mark.parametrize("first", [b"set @a = 1", b"select * from users where user_id = 5"])
@pytest.mark.parametrize("quote", [b"", b"'"])
def test_a_number_of_thousands_of_digits_ends_nothing(
    client: Any, gate: Gate, first: bytes, quote: bytes
) -> None:
    ask(client, "select * from users where user_id = 5")  # so that its plan is at hand
    client._read_timeout = 20  # instead of waiting for ever
    digits = quote + b"9" * 5000 + quote
    query = bytes((COMMAND.COM_QUERY,))
    send(client, query + first, query + b"select * from users where user_id = " + digits)
    for _ in range(2):
        client._next_seq_id = 1
        client._read_query_result()
    assert client._result.rows == ()
    assert ask(client, "select 1").rows == ((1,),)
    assert ask(connect_gate(gate), "select 1").rows == ((1,),)
