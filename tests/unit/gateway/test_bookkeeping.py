"""What the gateway counts and numbers stays right when things end out of turn."""

from typing import Any

import anyio

from armillary.model.tablet import TabletAlias, TabletType
from armillary.vtgate.client.listener import Listener, ListenerSettings
from armillary.vtgate.tablets.backend import BackendConnection, KeptStatements
from armillary.vtgate.tablets.cluster import TabletHealth
from armillary.vtgate.tablets.pool import PoolKey, TabletPool

KEY = PoolKey(45, found_rows=False, settings=())


def test_an_id_that_comes_round_again_is_not_given_while_its_client_is_there() -> None:
    nobody: Any = None  # numbers are given without asking anyone
    listener = Listener(nobody, nobody, nobody, ListenerSettings())
    assert [listener.next_id() for _ in range(2)] == [1, 2]
    listener.connections = {1: nobody, 2: nobody, 0xFFFFFFFE: nobody}
    listener._next_id = 0xFFFFFFFD
    assert listener.next_id() == 3


def pool_of_one() -> tuple[TabletPool, BackendConnection]:
    """Return a pool with room for one connection, and that connection, which is in use."""
    health = TabletHealth(
        alias=TabletAlias("zone1", 1), keyspace="k", shard="0", type=TabletType.PRIMARY,
        serving=True, host="127.0.0.1", port=1, database="d", hostname="h", term_start_s=1,
        lag_s=0.0,
    )  # fmt: skip
    pool = TabletPool(health, user="u", password="", connections_max=1, connect_timeout_s=1)
    connection = BackendConnection(KeptStatements(1))
    pool._open_count = 1
    connection.on_idle_loss = pool._lost_idle
    return pool, connection


def test_a_connection_found_broken_gives_its_place_back_once() -> None:
    pool, connection = pool_of_one()
    pool.release(KEY, connection)
    connection.broken = True  # aborted; the event loop tells of it later
    assert pool.take_idle(KEY) is None
    assert pool.open_count == 0
    connection.connection_lost(None)
    assert pool.open_count == 0


def test_a_connection_given_back_to_a_pool_that_is_over_is_closed() -> None:
    pool, connection = pool_of_one()
    pool.close()
    pool.release(KEY, connection)
    assert pool.open_count == 0
    assert pool.take_idle(KEY) is None


async def test_a_connection_that_is_closed_makes_room_for_who_waits() -> None:
    pool, connection = pool_of_one()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pool._wait_for_release)
        await anyio.wait_all_tasks_blocked()
        pool.discard(connection)
