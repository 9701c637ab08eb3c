"""What cells are made of: columns, ages, JSON paths, lists. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_NONE = "<none>"
_UNKNOWN = "<unknown>"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""

    def definition(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def wide(name: str) -> Column:
    """Return a column that only `-o wide` shows."""
    return Column(name, priority=1)


AGE = Column("Age", description="Time since the object was created.")


def age(timestamp: Any, now: datetime) -> str:
    """Return how long ago an instant was, as kubectl writes it: `49s`, `3m27s`, `5h`."""
    if not isinstance(timestamp, str):
        return _UNKNOWN
    try:
        instant = datetime.fromisoformat(timestamp)
    except ValueError:
        return "<invalid>"
    return duration((now - instant).total_seconds())


def created_age(value: Mapping[str, Any], now: datetime) -> str:
    return age(value["metadata"].get("creationTimestamp"), now)


def duration(seconds: float) -> str:
    """Write a duration in at most two units; more precise the shorter it is.

    Source: k8s.io/apimachinery duration.HumanDuration.
    """
    s = int(seconds)
    if s < -1:
        return "<invalid>"
    s = max(s, 0)
    minutes, hours, days = s // 60, s // 3600, s // 86400
    years = days // 365
    if s < 120:
        return f"{s}s"
    if minutes < 10:
        return _two(minutes, "m", s % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return _two(years, "y", days % 365, "d")
    return f"{years}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def pairs(mapping: Mapping[str, Any] | None) -> str:
    """Write labels or a selector: `a=b,c=d`."""
    if not mapping:
        return _NONE
    return ",".join(f"{key}={value}" for key, value in sorted(mapping.items()))


def selector(value: Mapping[str, Any] | None) -> str:
    """Write a LabelSelector."""
    if not value:
        return _NONE
    parts = [f"{key}={text}" for key, text in sorted((value.get("matchLabels") or {}).items())]
    for term in value.get("matchExpressions") or ():
        values = ",".join(sorted(term.get("values") or ()))
        match term["operator"]:
            case "Exists":
                parts.append(term["key"])
            case "DoesNotExist":
                parts.append(f"!{term['key']}")
            case operator:
                parts.append(f"{term['key']} {operator.lower()} ({values})")
    return ",".join(parts) or _NONE


def joined(values: Sequence[str], *, empty: str = _NONE) -> str:
    return ",".join(values) if values else empty


def show(value: Any) -> str:
    """Write a value as a cell of type string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    return "" if value is None else str(value)


_STEP = re.compile(
    r"""\.\.?(?P<field>[^.\[\]]+)
      | \[(?:'(?P<quoted>[^']*)'|"(?P<double>[^"]*)"|(?P<index>-?\d+|\*)
          |\?\(@\.(?P<where>[^=\s]+)\s*==\s*["'](?P<equals>[^"']*)["']\s*\))\]""",
    re.VERBOSE,
)


def find_values(value: Any, path: str) -> list[Any]:
    """Return what a simple JSON path finds: fields, indexes, `[*]`, `[?(@.type=="x")].status`."""
    found = [value]
    text = path if path.startswith((".", "[")) else f".{path}"
    # A dot inside a field name is written with a backslash.
    text = text.replace("\\.", "\0")
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            return []
        found = [child for node in found for child in _children(node, step)]
        position = step.end()
    return found


def _children(node: Any, step: "re.Match[str]") -> Iterator[Any]:
    name = step["field"] or step["quoted"] or step["double"]
    if name is not None:
        name = name.replace("\0", ".")
        if isinstance(node, dict) and name in node:
            yield node[name]
    elif step["index"] == "*":
        yield from node.values() if isinstance(node, dict) else node or ()
    elif step["index"] is not None:
        index = int(step["index"])
        if isinstance(node, list) and -len(node) <= index < len(node):
            yield node[index]
    elif isinstance(node, list):
        wanted = step["equals"]
        for item in node:
            if isinstance(item, dict) and show(item.get(step["where"])) == wanted:
                yield item
