"""Backups in this process's memory: the fake of tests, held to the same conformance suite."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from armillary.backup.storage.objects import ObjectStorage
from armillary.base.errors import NotFoundError

GET_BYTES = 64 * 1024


class MemoryObjects:
    """An ObjectClient on a dict. `objects` is open to tests that damage what is stored."""

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects: dict[str, bytes] = objects if objects is not None else {}

    async def list_prefixes(self, prefix: str) -> list[str]:
        rests = (key.removeprefix(prefix) for key in self.objects if key.startswith(prefix))
        return sorted({rest.partition("/")[0] for rest in rests if "/" in rest})

    async def list_objects(self, prefix: str) -> list[tuple[str, int]]:
        return [(k, len(data)) for k, data in sorted(self.objects.items()) if k.startswith(prefix)]

    async def put(self, key: str, source: AsyncIterator[bytes]) -> int:
        data = b"".join([piece async for piece in source])
        self.objects[key] = data
        return len(data)

    async def put_if_absent(self, key: str, data: bytes) -> bool:
        return self.objects.setdefault(key, data) is data

    async def get(self, key: str) -> AsyncGenerator[bytes, None]:
        if key not in self.objects:
            raise NotFoundError(f"no object {key}")
        data = self.objects[key]
        for start in range(0, len(data), GET_BYTES):
            yield data[start : start + GET_BYTES]

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)

    async def aclose(self) -> None:
        return None


def memory_storage(objects: MemoryObjects | None = None, *, root: str = "") -> ObjectStorage:
    return ObjectStorage(objects or MemoryObjects(), root=root)
