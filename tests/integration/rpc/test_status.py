"""Errors that cross a gRPC call keep their meaning."""

import anyio
import anyio.lowlevel
import pytest

from armillary.base.errors import (
    AlreadyExistsError,
    ArmillaryError,
    ConflictError,
    DeadlineError,
    InputError,
    IntegrityError,
    MysqlError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
    UnsupportedError,
)
from armillary.pb import tabletmanagerdata_pb2, tabletmanagerservice_pb2, topodata_pb2
from armillary.rpc.server import serve_grpc
from armillary.rpc.service import service_handler, snake_case
from armillary.rpc.tablet_client import TabletManagerClient

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

SERVICE = tabletmanagerservice_pb2.DESCRIPTOR.services_by_name["TabletManager"]


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def ping(
        self, request: tabletmanagerdata_pb2.PingRequest
    ) -> tabletmanagerdata_pb2.PingResponse:
        await anyio.lowlevel.checkpoint()
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("x"),
        AlreadyExistsError("x"),
        PreconditionError("x"),
        UnsupportedError("x"),
        InputError("x"),
        DeadlineError("x"),
        UnavailableError("x"),
        ConflictError("x"),
        IntegrityError("x"),
        MysqlError(1064, "42000", "syntax"),
    ],
)
async def test_an_error_arrives_as_its_own_class(error: ArmillaryError) -> None:
    async with serve_grpc("127.0.0.1:0", [service_handler(SERVICE, Failing(error))]) as port:
        tablet = topodata_pb2.Tablet(hostname="127.0.0.1", port_map={"grpc": port})
        async with TabletManagerClient() as client:
            with pytest.raises(type(error)) as caught:
                await client.ping(tablet)
    assert type(caught.value) is type(error)
    assert str(caught.value) == str(error)
    assert caught.value.errno == error.errno


async def test_a_method_that_is_absent_is_unsupported() -> None:
    async with serve_grpc("127.0.0.1:0", [service_handler(SERVICE, object())]) as port:
        tablet = topodata_pb2.Tablet(hostname="127.0.0.1", port_map={"grpc": port})
        async with TabletManagerClient() as client:
            with pytest.raises(UnsupportedError):
                await client.ping(tablet)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ExecuteFetchAsDba", "execute_fetch_as_dba"),
        ("VDiff", "v_diff"),
        ("GetSrvVSchema", "get_srv_v_schema"),
        ("ExecuteFetchAsAllPrivs", "execute_fetch_as_all_privs"),
    ],
)
async def test_a_methods_name_in_python_is_told_from_its_own(name: str, expected: str) -> None:
    assert snake_case(name) == expected


class Silent:
    async def ping(
        self, request: tabletmanagerdata_pb2.PingRequest
    ) -> tabletmanagerdata_pb2.PingResponse:
        await anyio.sleep_forever()
        raise AssertionError("it sleeps for ever")


async def test_a_deadline_of_ours_ends_a_call_and_nothing_around_it() -> None:
    """grpc.aio raises a cancellation of its own, which once ended whole processes in silence."""
    async with (
        serve_grpc("127.0.0.1:0", [service_handler(SERVICE, Silent())]) as port,
        TabletManagerClient() as client,
        anyio.create_task_group() as tasks,
    ):
        tablet = topodata_pb2.Tablet(hostname="127.0.0.1", port_map={"grpc": port})
        with anyio.move_on_after(0.2) as deadline:
            await client.ping(tablet)
        assert deadline.cancelled_caught
        assert not tasks.cancel_scope.cancel_called
