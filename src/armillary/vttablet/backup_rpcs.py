"""Calls that take a backup or restore one, with progress as a stream of log events. I/O.

One backup at a time. The online engine leaves the tablet serving; the offline one makes it BACKUP,
and afterwards what it was before, also when the backup failed.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from armillary.backup.engines.choose import engine_named
from armillary.backup.engines.contract import Server
from armillary.backup.manifest import XTRABACKUP
from armillary.backup.progress import Progress
from armillary.backup.take import TakeRequest, take_backup
from armillary.base.clock import utc_now
from armillary.base.errors import ArmillaryError, PreconditionError, UnsupportedError
from armillary.model.tablet import TabletType
from armillary.pb import logutil_pb2
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.topo import convert
from armillary.vttablet.restore_flow import (
    choose_source,
    explain_restore,
    restore_now,
    tell_outcome,
)
from armillary.vttablet.schema_rpcs import SchemaRpcs
from armillary.vttablet.shard_sync import follow_primary, join_again

logger = logging.getLogger(__name__)

_EVENTS_MAX = 256
_CLEAN_UP_S = 60.0

Say = Callable[[str], None]


class BackupRpcs(SchemaRpcs):
    async def backup(self, request: pb.BackupRequest) -> AsyncIterator[pb.BackupResponse]:
        async for event in _events(
            lambda say: self._breakable("the backup", self._backup(request, say))
        ):
            yield pb.BackupResponse(event=event)

    async def restore_from_backup(
        self, request: pb.RestoreFromBackupRequest
    ) -> AsyncIterator[pb.RestoreFromBackupResponse]:
        async for event in _events(
            lambda say: self._breakable("the restore", self._restore(request, say))
        ):
            yield pb.RestoreFromBackupResponse(event=event)

    async def _breakable(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        with self.agent.long_work.breakable(what):
            await work

    async def _backup(self, request: pb.BackupRequest, say: Say) -> None:
        agent = self.agent
        if agent.storage is None:
            raise PreconditionError("this tablet has no backup storage")
        if request.incremental_from_pos:
            raise UnsupportedError("an incremental backup: take a full one")
        self._refuse_backup(request)
        method = request.backup_engine or agent.settings.backup_engine_implementation
        engine = engine_named(method, agent.settings)
        take = TakeRequest(
            keyspace=agent.identity.keyspace,
            shard=agent.identity.shard,
            alias=agent.identity.alias,
            server=Server(dirs=agent.dirs, params=agent.params(), control=agent.control),
        )
        agent.flags.backup_running = True
        try:
            say(f"backing up {agent.identity.keyspace}/{agent.identity.shard} with {method}")
            async with self._out_of_service(online=method == XTRABACKUP):
                manifest = await take_backup(
                    take,
                    engine=engine,
                    storage=agent.storage,
                    settings=agent.settings,
                    on_progress=lambda progress: say(_text(progress)),
                )
        finally:
            agent.flags.backup_running = False
            agent.look_now()
        say(f"backup {manifest.backup_name} is complete at position {manifest.position}")

    def _refuse_backup(self, request: pb.BackupRequest) -> None:
        agent = self.agent
        agent.refuse_while_restoring()
        if agent.flags.backup_running:
            raise PreconditionError(f"a backup is already running on tablet {agent.identity.alias}")
        if agent.role.tablet_type == TabletType.PRIMARY and not request.allow_primary:
            raise PreconditionError(
                "type PRIMARY cannot take backup. if you really need to do this, rerun the backup "
                "command with --allow_primary"
            )

    @asynccontextmanager
    async def _out_of_service(self, *, online: bool) -> AsyncIterator[None]:
        """Be of type BACKUP within the block, when the engine stops mysqld."""
        if online:
            yield
            return
        agent = self.agent
        async with agent.action("Backup"):
            before = agent.role
            was_stopped = agent.flags.replication_stopped
            if before.tablet_type == TabletType.PRIMARY:
                agent.flags.busy = "offline backup in progress"
            else:
                await agent.change_role(TabletType.BACKUP, reason="offline backup")
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True), anyio.move_on_after(_CLEAN_UP_S):
                    agent.flags.busy = ""
                    await self._return_to_service(before.tablet_type, stopped=was_stopped)

    async def _return_to_service(self, tablet_type: TabletType, *, stopped: bool) -> None:
        agent = self.agent
        try:
            if tablet_type == TabletType.PRIMARY:
                async with await agent.dba() as connection:
                    await agent.open_for_writes(connection)
                return
            if not stopped and not agent.flags.is_snapshot:
                await follow_primary(agent)
            await join_again(agent, tablet_type, reason="backup is over")
        except ArmillaryError as error:
            # The health loop goes on from here; the backup's own outcome is what the caller hears.
            agent.role = type(agent.role)(tablet_type=tablet_type)
            logger.warning("not all back in service yet", extra={"reason": str(error)})

    async def _restore(self, request: pb.RestoreFromBackupRequest, say: Say) -> None:
        agent = self.agent
        self._refuse_restore(request)
        wanted = request.backup_time
        at = convert.time_from_pb(wanted) if convert.is_set(wanted) else None
        if request.dry_run:
            source = await choose_source(agent, at)
            say(f"dry run, nothing changes: {await explain_restore(agent, source)}")
            return
        async with agent.action("RestoreFromBackup"):
            self._refuse_restore(request)  # again: something else may have held the action
            before = agent.role.tablet_type
            source = await choose_source(agent, at)
            await agent.change_role(TabletType.RESTORE, reason="RestoreFromBackup")
            say(f"restoring {source.keyspace}/{agent.identity.shard}")
            try:
                outcome = await restore_now(
                    agent,
                    source,
                    lambda progress: say(_text(progress)),
                    fall_back=at is None,  # who names a time waits to hear that it cannot be had
                )
            except BaseException:
                await self._leave_failed_restore(before)
                raise
            if not agent.flags.is_snapshot:
                await self._follow_if_possible(say)
            tablet_type = before if before.is_serving else agent.identity.base_type
            await tell_outcome(agent, outcome)
            await join_again(agent, tablet_type, reason="restored")
        for name in outcome.passed_over:
            say(f"backup {name} is damaged: an older one was restored in its place")
        say(f"restored {outcome.raw_name} at position {outcome.position}")

    def _refuse_restore(self, request: pb.RestoreFromBackupRequest) -> None:
        agent = self.agent
        if request.restore_to_pos or request.HasField("restore_to_timestamp"):
            raise UnsupportedError(
                "restore to a position or to a timestamp: a restore ends at a backup's own position"
            )
        agent.refuse_while_restoring()  # at once: its own restore may go on for ever
        if agent.role.tablet_type == TabletType.PRIMARY:
            raise PreconditionError(
                "type PRIMARY cannot restore from backup; make another tablet primary first"
            )
        if agent.flags.backup_running and not request.dry_run:
            raise PreconditionError(
                f"a backup is running on tablet {agent.identity.alias}: a restore would take the "
                "data away from under it"
            )

    async def _leave_failed_restore(self, before: TabletType) -> None:
        """Take the old type again if the old data is there, else end: a start restores anew."""
        agent = self.agent
        if agent.dirs.restore_in_progress.exists():
            logger.error("a restore failed after the data was given up; ending to begin anew")
            agent.fatal.set()
            return
        with anyio.CancelScope(shield=True), anyio.move_on_after(_CLEAN_UP_S):
            await agent.change_role(before, reason="nothing was restored")

    async def _follow_if_possible(self, say: Say) -> None:
        try:
            await follow_primary(self.agent)
        except ArmillaryError as error:
            say(f"restored, but not replicating yet: {error}")


async def _events(work: Callable[[Say], Awaitable[None]]) -> AsyncIterator[logutil_pb2.Event]:
    """Run `work` and yield what it says, as it says it; its error comes last."""
    send, receive = anyio.create_memory_object_stream[logutil_pb2.Event](_EVENTS_MAX)
    failures: list[ArmillaryError] = []

    def say(text: str) -> None:
        logger.info("progress", extra={"text": text})
        try:
            send.send_nowait(_event(text))
        except anyio.WouldBlock:
            return  # the caller does not keep up: it misses a line, the work goes on

    async def run(sender: MemoryObjectSendStream[logutil_pb2.Event]) -> None:
        async with sender:
            try:
                await work(say)
            except ArmillaryError as error:
                failures.append(error)

    async with receive, anyio.create_task_group() as tasks:
        tasks.start_soon(run, send)
        async for event in receive:
            yield event
    if failures:
        raise failures[0]


def _event(text: str) -> logutil_pb2.Event:
    return logutil_pb2.Event(
        time=convert.time_to_pb(utc_now()), level=logutil_pb2.INFO, file="backup", value=text
    )


def _text(progress: Progress) -> str:
    return str(progress)
