"""Typed records over a topology connection: protobuf in, protobuf out, read-modify-write. I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError, Message

from armillary.base.errors import ConflictError, IntegrityError, NotFoundError
from armillary.topo.connection import TopoConnection, TopoFile

M = TypeVar("M", bound=Message)

_ATTEMPTS_MAX = 20


@dataclass(frozen=True, slots=True)
class Stored(Generic[M]):
    """A record as it was read, and the version that a later change of it must name."""

    value: M
    version: int


def decode(message_class: type[M], path: str, file: TopoFile) -> Stored[M]:
    try:
        return Stored(message_class.FromString(file.data), file.version)
    except DecodeError:
        raise IntegrityError(f"{path} holds no {message_class.DESCRIPTOR.full_name}") from None


def decode_or_none(message_class: type[M], path: str, file: TopoFile | None) -> M | None:
    return decode(message_class, path, file).value if file is not None else None


async def read(connection: TopoConnection, path: str, message_class: type[M]) -> Stored[M]:
    return decode(message_class, path, await connection.get(path))


async def read_or_none(
    connection: TopoConnection, path: str, message_class: type[M]
) -> Stored[M] | None:
    try:
        return await read(connection, path, message_class)
    except NotFoundError:
        return None


async def create(connection: TopoConnection, path: str, record: Message) -> int:
    return await connection.create(path, record.SerializeToString())


async def write(connection: TopoConnection, path: str, record: Message) -> int:
    """Create or replace, whatever is there."""
    return await connection.update(path, record.SerializeToString(), None)


async def delete_if_there(connection: TopoConnection, path: str) -> None:
    try:
        await connection.delete(path, None)
    except NotFoundError:
        return


async def update(
    connection: TopoConnection,
    path: str,
    message_class: type[M],
    change: Callable[[M], bool | None],
) -> M:
    """Read a record, let `change` edit it, write it back; again when somebody else was faster.

    Returns the record as it is now. `change` may run several times, each time on a fresh copy;
    when it returns False nothing is written.

    Raises:
        NotFoundError: there is no record.
        ConflictError: others were faster every time.
    """
    for _ in range(_ATTEMPTS_MAX):
        stored = await read(connection, path, message_class)
        if change(stored.value) is False:
            return stored.value
        try:
            await connection.update(path, stored.value.SerializeToString(), stored.version)
        except ConflictError:
            continue
        return stored.value
    raise ConflictError(f"bad node version: {path}: changed by others {_ATTEMPTS_MAX} times")
