"""One of several processes of a gateway, and its line to the process above. I/O."""

import logging
import socket
from dataclasses import asdict

from armillary.base.errors import ArmillaryError, UnavailableError
from armillary.rpc.web import Pages
from armillary.vtgate.client.listener import Listener
from armillary.vtgate.errors import SqlError
from armillary.vtgate.statements.processes import Process
from armillary.vtgate.workers.line import Line, Message
from armillary.vtgate.workers.place import ClientCounts, Place, place_of

logger = logging.getLogger(__name__)


class Worker:
    """What a listener must know of the other workers."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._counts = ClientCounts(place.clients_fd, place.count)
        self._line: Line | None = None
        self._listener: Listener | None = None
        self._pages: Pages = {}

    def connection_id(self, count: int) -> int:
        return self.place.connection_id(count)

    def clients_of_all(self) -> int:
        return self._counts.total()

    def note_clients(self, count: int) -> None:
        self._counts.set(self.place.number, count)

    def owns(self, connection_id: int) -> bool:
        return place_of(connection_id, self.place.count) == self.place.number

    async def kill(self, connection_id: int, user: str, *, query_only: bool) -> None:
        """Let the worker that has this connection kill it. Raises: SqlError: as `Listener.kill`."""
        try:
            if self._line is None:
                raise UnavailableError("not connected")
            answer = await self._line.ask(
                "kill", id=connection_id, user=user, query_only=query_only
            )
        except UnavailableError as error:
            raise SqlError(1105, f"KILL {connection_id}: worker not reached: {error}") from None
        raise_refusal(answer)

    async def processes(self, user: str) -> list[Process]:
        """Return the clients of one user in all workers. Raises: UnavailableError: not reached."""
        if self._line is None:
            raise UnavailableError("the gateway's first process is not connected")
        answer = await self._line.ask("processes", user=user)
        return [Process(**one) for one in answer["processes"]]

    async def serve(self, listener: Listener, pages: Pages) -> None:
        """Say that clients are served, and answer questions, until the process above is gone.

        Raises:
            UnavailableError: it is gone; this worker has nobody to look after it any more.
        """
        self._listener = listener
        self._pages = pages
        self.note_clients(len(listener.connections))
        self._line = await Line.over(socket.socket(fileno=self.place.line_fd), self._answer)
        self._line.tell({"serving": True})
        await self._line.run()
        raise UnavailableError("the gateway's first process has ended")

    async def _answer(self, question: Message) -> Message:
        assert self._listener is not None
        match question.get("ask"):
            case "kill":
                try:
                    self._listener.kill_own(
                        question["id"], question["user"], query_only=question["query_only"]
                    )
                except SqlError as error:
                    return {"errno": error.errno, "message": str(error)}
                return {}
            case "processes":
                own = self._listener.own_processes(question["user"])
                return {"processes": [asdict(one) for one in own]}
            case "page":
                page = await self._pages[question["path"]]()
                return {"status": page.status, "body": page.body}
        raise ArmillaryError(f"kill, processes or page wanted, found {question.get('ask')!r}")


def raise_refusal(answer: Message) -> None:
    if "errno" in answer:
        raise SqlError(answer["errno"], answer["message"])


def name_in_logs(place: Place) -> None:
    """Have every line of this process's log say which worker wrote it."""
    make = logging.getLogRecordFactory()

    def with_worker(*args: object, **kwargs: object) -> logging.LogRecord:
        record = make(*args, **kwargs)
        record.worker = place.number
        return record

    logging.setLogRecordFactory(with_worker)
