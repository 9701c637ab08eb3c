"""The databases that a MANIFEST names: never fewer than the backup may hold."""

from typing import Any, cast

import pytest

from armillary.backup import take
from armillary.backup.content import BackupWriter
from armillary.backup.engines.contract import Server, Taken
from armillary.backup.manifest import StreamContent
from armillary.backup.storage.memory import memory_storage
from armillary.backup.take import TakeRequest, take_backup
from armillary.model.gtid import Position
from armillary.settings.backup import BackupFlags

from .records import ALIAS, MARIADB, START

pytestmark = pytest.mark.anyio

Names = tuple[str, ...] | None


class ServerThatChanges:
    """An engine and what its server says; the answer is another one once the data is copied."""

    method = "xtrabackup"

    def __init__(self, before: Names, after: Names) -> None:
        self.names, self._after = before, after

    async def take(self, server: Server, writer: BackupWriter) -> Taken:
        self.names = self._after
        position = Position.parse("MariaDB/0-1-2")
        return Taken(
            method=self.method,
            content=StreamContent(file_name="backup.xbstream.zst"),
            position=position,
            purged_position=position,
            upgrade_safe=True,
        )

    async def databases(self, server: Server) -> Names:
        return self.names


async def _facts(server: Server) -> take._ServerFacts:
    return take._ServerFacts(MARIADB, "")


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (("mysql", "vt_a"), ("mysql",), ("mysql", "vt_a")),
        (("mysql",), ("mysql", "vt_a"), ("mysql", "vt_a")),
        (None, ("mysql",), None),
        (("mysql",), None, None),
    ],
    ids=["dropped", "made", "unknown before", "unknown after"],
)
async def test_a_database_that_comes_or_goes_during_a_backup_is_named(
    before: Names, after: Names, named: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ServerThatChanges(before, after)
    monkeypatch.setattr(take, "_databases", server.databases)
    monkeypatch.setattr(take, "_server_facts", _facts)
    request = TakeRequest(
        keyspace="main", shard="-80", alias=ALIAS, server=cast(Any, None), backup_time=START
    )
    manifest = await take_backup(
        request, engine=cast(Any, server), storage=memory_storage(), settings=BackupFlags()
    )
    assert manifest.databases == named
