"""Questions and answers between the workers and the process above them. I/O.

Both ends may ask at any time. A message is one line of JSON; an answer names its question.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from armillary.base.errors import UnavailableError

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Answerer = Callable[[Message], Awaitable[Message]]

ANSWER_S_MAX = 5.0
_LINE_BYTES_MAX = 16 << 20


class Line:
    """One end, of which `run` must be running for anything to arrive."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answerer
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._last_number = 0

    @classmethod
    async def over(cls, end: socket.socket, answer: Answerer) -> "Line":
        reader, writer = await asyncio.open_connection(sock=end, limit=_LINE_BYTES_MAX)
        return cls(reader, writer, answer)

    async def run(self) -> None:
        """Take what arrives until the other end is gone."""
        try:
            async with anyio.create_task_group() as tasks:
                while line := await self._next_line():
                    message = json.loads(line)
                    if "answer_to" in message:
                        waiting = self._waiting.pop(message["answer_to"], None)
                        if waiting is not None and not waiting.done():
                            waiting.set_result(message)
                    else:
                        tasks.start_soon(self._reply, message)
                tasks.cancel_scope.cancel()
        finally:
            self._writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(UnavailableError("the other process has ended"))
            self._waiting.clear()

    async def _next_line(self) -> bytes:
        try:
            return await self._reader.readline()
        except ConnectionError:
            return b""

    async def _reply(self, question: Message) -> None:
        try:
            answer = await self._answer(question)
        except Exception as error:
            logger.exception("question not answered", extra={"question": question.get("ask")})
            answer = {"failed": f"{type(error).__name__}: {error}"}
        self.tell({**answer, "answer_to": question.get("number")})

    def tell(self, message: Message) -> None:
        """Send something that wants no answer."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    async def ask(self, what: str, **more: object) -> Message:
        """Return the other end's answer.

        Raises:
            UnavailableError: it has ended, does not answer, or could not.
        """
        if self._writer.is_closing():
            raise UnavailableError("the other process has ended")
        self._last_number += 1
        number = self._last_number
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self.tell({"ask": what, "number": number, **more})
        try:
            with anyio.fail_after(ANSWER_S_MAX):
                answer: Message = await waiting
        except TimeoutError:
            raise UnavailableError(f"no answer to {what!r} within {ANSWER_S_MAX:g} s") from None
        finally:
            self._waiting.pop(number, None)
        if "failed" in answer:
            raise UnavailableError(str(answer["failed"]))
        return answer
