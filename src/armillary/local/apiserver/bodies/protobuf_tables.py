"""Which protobuf field is which JSON field, from the generated file. I/O: reads package data.

Forms: `s` text, `b` boolean, `i` integer, each with `0` after it where zero counts as absent; `B`
bytes (base64 in JSON), `T` and `M` times in seconds and microseconds, `Q` quantity, `I`
int-or-string, `F` JSON in bytes, `@NAME` a message; `[]` before a form is a list, `{}` a map from
text. A field without a name in JSON is a message whose fields stand beside its own.
"""

import functools
import importlib.resources
from collections.abc import Mapping

from armillary.local.apiserver.store.records import decode_json

Table = Mapping[int, tuple[str, str]]


class Tables:
    """Big, and for clients in Go alone: made when the first one comes."""

    def __init__(self) -> None:
        file = importlib.resources.files(__package__) / "protobuf_generated.json"
        read = decode_json(file.read_bytes())
        self._kinds: Mapping[str, str] = read["kinds"]
        self._messages: Mapping[str, Table] = {
            name: {int(number): (field, form) for number, (field, form) in fields.items()}
            for name, fields in read["messages"].items()
        }

    def of_kind(self, kind: str) -> Table | None:
        return self._messages.get(self._kinds.get(kind, ""))

    def of_message(self, name: str) -> Table:
        return self._messages[name]


@functools.cache
def read_tables() -> Tables:
    return Tables()
