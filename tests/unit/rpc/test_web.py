"""What a stranger hears from a web port, and what one of ours does."""

import base64
import json
import os
from pathlib import Path

import anyio
import pytest

from armillary.base.errors import InputError
from armillary.rpc.static_users import StaticUsers
from armillary.rpc.web import CONNECTIONS_MAX, Page, answer, json_page, serve_pages

pytestmark = pytest.mark.anyio

SERVER = [{"Username": "armillary", "Password": "s3cret: ü"}]


async def ready() -> Page:
    return Page("ok, and serving 3 keyspaces\n")


async def unready() -> Page:
    return Page("500 internal server error: lag of 7000 s\n", status=500)


async def numbers() -> Page:
    return json_page({"queries": 17})


async def broken() -> Page:
    raise ValueError("a secret in a message")


PAGES = {
    "/healthz": ready,
    "/debug/health": unready,
    "/debug/status": numbers,
    "/debug/vars": numbers,
    "/broken": broken,
}


@pytest.fixture
def users(tmp_path: Path) -> StaticUsers:
    path = tmp_path / "grpc-server.json"
    path.write_text(json.dumps(SERVER))
    return StaticUsers(path)


def basic(username: str = "armillary", password: str = "s3cret: ü") -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/healthz", 200, "ok\n"),
        ("/debug/health", 500, "not ready\n"),
        ("/debug/status", 200, "ok\n"),
        ("/debug/status?full=1", 200, "ok\n"),
    ],
)
async def test_a_probe_hears_one_word(
    users: StaticUsers, path: str, status: int, body: str
) -> None:
    found = await answer(get(path), PAGES, users)
    assert (found.status, found.body) == (status, body)


@pytest.mark.parametrize("path", ["/debug/vars", "/", "/nothing", "/broken", "//healthz"])
@pytest.mark.parametrize(
    "header",
    [
        "X-Nothing: 1",
        "Authorization: " + basic(password="wrong"),
        "Authorization: " + basic(username="root"),
        "Authorization: Basic ",
        "Authorization: Basic ####",
        "Authorization: Basic " + base64.b64encode(b"armillary").decode(),
        "Authorization: Bearer armillary",
    ],
)
async def test_a_stranger_sees_no_page(users: StaticUsers, path: str, header: str) -> None:
    assert (await answer(get(path, header), PAGES, users)).status == 401


async def test_our_own_see_every_page(users: StaticUsers) -> None:
    header = "authorization: " + basic()
    assert '"queries": 17' in (await answer(get("/debug/vars", header), PAGES, users)).body
    assert "lag of 7000 s" in (await answer(get("/debug/health", header), PAGES, users)).body
    assert (await answer(get("/nothing", header), PAGES, users)).status == 404
    assert "secret" not in (await answer(get("/broken", header), PAGES, users)).body


async def test_without_users_the_pages_are_open() -> None:
    assert '"queries": 17' in (await answer(get("/debug/vars"), PAGES, None)).body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [(b"\r\n\r\n", 400), (b"\xff\xfe\r\n\r\n", 400), (get("/healthz", method="POST"), 405)],
)
async def test_what_is_no_get_is_refused(
    users: StaticUsers, request_bytes: bytes, status: int
) -> None:
    assert (await answer(request_bytes, PAGES, users)).status == status


def test_a_rotated_file_is_taken_up_and_a_broken_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "client.json"
    path.write_text(json.dumps(SERVER[0]))  # a client's file: that client may
    users = StaticUsers(path)
    assert users.accepts_basic(basic())
    path.write_text(json.dumps([{"Username": "armillary", "Password": "next"}]))
    os.utime(path, ns=(1, 1))
    assert not users.accepts_basic(basic())
    assert users.accepts_basic(basic(password="next"))
    path.write_text("[")
    os.utime(path, ns=(2, 2))
    assert users.accepts_basic(basic(password="next"))


def test_a_file_that_names_nobody_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    for text in ("[]", "{}", "7", '[{"Username": "x", "Password": ""}]', "not JSON: hunter2"):
        path.write_text(text)
        with pytest.raises(InputError) as refused:
            StaticUsers(path)
        assert "hunter2" not in str(refused.value)


async def test_a_stranger_who_holds_connections_open_keeps_no_probe_out(
    users: StaticUsers,
) -> None:
    async with anyio.create_task_group() as tasks:
        port = await tasks.start(serve_pages, "127.0.0.1", 0, PAGES, users)
        held = [await anyio.connect_tcp("127.0.0.1", port) for _ in range(CONNECTIONS_MAX)]
        for stream in held:
            await stream.send(b"GET /healthz")
        with anyio.fail_after(5):  # far less than a connection may stay silent
            async with await anyio.connect_tcp("127.0.0.1", port) as probe:
                await probe.send(get("/healthz"))
                assert (await probe.receive()).startswith(b"HTTP/1.1 200 ")
            with pytest.raises(anyio.EndOfStream):
                await held[0].receive()
            await held[-1].send(b" HTTP/1.1\r\n\r\n")
            assert (await held[-1].receive()).startswith(b"HTTP/1.1 200 ")
        for stream in held:
            await stream.aclose()
        tasks.cancel_scope.cancel()
