"""The process above the workers: starts them, replaces the dead, answers for all of them. I/O."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from armillary.base.errors import UnavailableError
from armillary.rpc.web import Page, Pages, json_page
from armillary.vtgate.workers.line import Line, Message
from armillary.vtgate.workers.place import ClientCounts, Place, place_of

logger = logging.getLogger(__name__)

WORKER_COMMAND = (sys.executable, "-c", "from armillary.vtgate.main import main; main()")
_END_S_MAX = 8.0  # after SIGTERM; a worker's clients have a part of it to end
_AGAIN_S_MIN, _AGAIN_S_MAX = 0.5, 10.0
_LASTED_S = 60.0  # a worker that lasted so long is replaced without delay


@dataclass(slots=True)
class Member:
    """One worker's place, and the process that holds it now."""

    number: int
    starts: int = 0
    line: Line | None = None  # while a process is there
    pid: int = 0
    served: anyio.Event = field(default_factory=anyio.Event)  # by any process of this place


class Supervisor:
    def __init__(self, count: int, command: Sequence[str], *, socket_path: str = "") -> None:
        self.members = [Member(number) for number in range(count)]
        self._command = command
        self._counts, self._counts_fd = ClientCounts.create(count)
        self._socket = _listen_unix(socket_path) if socket_path else None
        self._was_ready = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the workers; the block begins when all of them serve. At its end they are ended.

        Raises:
            UnavailableError: a worker ended before it served at all.
        """
        try:
            async with anyio.create_task_group() as tasks:
                for member in self.members:
                    tasks.start_soon(self._keep, member)
                for member in self.members:
                    await member.served.wait()
                yield
                tasks.cancel_scope.cancel()
        finally:
            os.close(self._counts_fd)
            if self._socket is not None:
                self._socket.close()

    async def _keep(self, member: Member) -> None:
        """Have a process in this place, whatever becomes of one."""
        again_s = _AGAIN_S_MIN
        while True:
            started = time.monotonic()
            code = await self._run(member)
            self._counts.set(member.number, 0)
            if not member.served.is_set():
                raise UnavailableError(
                    f"worker {member.number} of vtgate ended with code {code} before it served"
                )
            again_s = _AGAIN_S_MIN if time.monotonic() - started > _LASTED_S else again_s
            logger.error(
                "worker ended; starting another",
                extra={"number": member.number, "code": code, "in_s": again_s},
            )
            await anyio.sleep(again_s)
            again_s = min(2 * again_s, _AGAIN_S_MAX)

    async def _run(self, member: Member) -> int:
        """Start a worker and stay until it has ended; cancelled, end it."""
        ours, theirs = socket.socketpair()
        with theirs:
            files = [theirs.fileno(), self._counts_fd]
            if self._socket is not None:
                files.append(self._socket.fileno())
            place = Place(
                number=member.number,
                count=len(self.members),
                starts=member.starts,
                line_fd=theirs.fileno(),
                clients_fd=self._counts_fd,
                socket_fd=self._socket.fileno() if self._socket is not None else -1,
            )
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                env=place.environment(),
                pass_fds=files,
            )
        member.starts += 1
        member.pid = process.pid
        member.line = await Line.over(ours, lambda message: self._answer(member, message))
        line_scope = anyio.CancelScope(shield=True)  # a worker that is asked to end still talks
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_run_line, member.line, line_scope)
            try:
                await process.wait()
            finally:
                with anyio.CancelScope(shield=True):
                    await _end(process)
                line_scope.cancel()
                member.line = None
                member.pid = 0
        assert process.returncode is not None
        return process.returncode

    async def _answer(self, member: Member, message: Message) -> Message:
        if "serving" in message:
            logger.info("worker serves", extra={"number": member.number, "pid": member.pid})
            member.served.set()
            return {}
        if message.get("ask") == "kill":
            owner = self.members[place_of(message["id"], len(self.members))]
            if owner.line is None:
                return {"errno": 1094, "message": f"Unknown thread id: {message['id']}"}
            wanted = {key: message[key] for key in ("id", "user", "query_only")}
            answer = await owner.line.ask("kill", **wanted)
            return {key: answer[key] for key in ("errno", "message") if key in answer}
        if message.get("ask") == "processes":
            found = await self._ask_all("processes", user=message["user"])
            return {"processes": [one for answer in found.values() for one in answer["processes"]]}
        raise UnavailableError(f"kill or processes wanted, found {message.get('ask')!r}")

    # Pages

    def pages(self) -> Pages:
        """Return pages that speak for all workers."""
        return {
            "/debug/health": self._health,
            "/healthz": self._health,
            "/debug/status": self._status,
            "/debug/vars": self._variables,
        }

    async def _ask_all(self, what: str, **more: object) -> dict[int, Message]:
        found: dict[int, Message] = {}

        async def ask(member: Member) -> None:
            line = member.line
            if line is not None and member.served.is_set():
                with contextlib.suppress(UnavailableError):
                    found[member.number] = await line.ask(what, **more)

        async with anyio.create_task_group() as tasks:
            for member in self.members:
                tasks.start_soon(ask, member)
        return found

    async def _health(self) -> Page:
        """Ready once all workers were; then as long as one of them is."""
        found = await self._ask_all("page", path="/debug/health")
        ready = [number for number, page in found.items() if page["status"] == 200]
        self._was_ready = self._was_ready or len(ready) == len(self.members)
        if self._was_ready and ready:
            return Page("ok\n")
        for number, page in sorted(found.items()):
            if page["status"] != 200:
                return Page(f"worker {number}: {page['body']}", status=503)
        missing = [member.number for member in self.members if member.number not in found]
        return Page(f"waiting for workers: {missing}\n", status=503)

    async def _status(self) -> Page:
        found = await self._ask_all("page", path="/debug/status")
        if not found:
            return Page("no worker answers\n", status=503)
        return Page(found[min(found)]["body"], "application/json")

    async def _variables(self) -> Page:
        found = await self._ask_all("page", path="/debug/vars")
        total: dict[str, Any] = {}
        for _, page in sorted(found.items()):
            add_up(total, json.loads(page["body"]))
        workers = [
            {"number": member.number, "pid": member.pid, "starts": member.starts}
            for member in self.members
        ]
        return json_page({**total, "workers": workers})


def add_up(total: dict[str, Any], one: dict[str, Any]) -> None:
    """Add the numbers of one worker to those of all, table by table."""
    for name, value in one.items():
        if isinstance(value, dict):
            add_up(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value


async def _run_line(line: Line, scope: anyio.CancelScope) -> None:
    with scope:
        await line.run()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a worker, gently first."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with anyio.move_on_after(_END_S_MAX):
        await process.wait()
        return
    logger.error("worker does not end; killed", extra={"pid": process.pid})
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _listen_unix(path: str) -> socket.socket:
    """Listen where one process would; all workers take clients from the one queue."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise UnavailableError(f"cannot listen on {path}: a file that is no socket is there")
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(path)
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise UnavailableError(f"cannot listen on {path}: {error.strerror}") from None
    return listening
