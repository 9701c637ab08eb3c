"""Command-line flags as Vitess's programs take them, read into a frozen settings class. Pure.

A flag may be written `-name value`, `-name=value`, `--name value` or `--name=value`; `_` and `-`
inside a name mean the same. A boolean stands alone or takes `=true` / `=false`. Durations are in
Go's form (`5s`, `2h0m0s`, `300ms`). Declare a settings class as a frozen dataclass:

    @dataclass(frozen=True, slots=True, kw_only=True)
    class VtgateSettings:
        cell: str = flag(help="the cell that this vtgate serves")
        mysql_server_port: int = flag(3306, help="port of the MySQL listener")

The flag's name is the field's; a field without a default is required.
"""

import dataclasses
import re
import types
import typing
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from armillary.base.errors import InputError

_T = TypeVar("_T")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_DURATION_S_MAX = (2**63 - 1) // 10**9
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class SettingsError(InputError):
    """The flags are wrong; the message names every bad one."""

    def __init__(self, program: str, problems: Sequence[str]) -> None:
        super().__init__(f"{program}: " + "; ".join(problems))
        self.problems = tuple(problems)


class HelpRequested(Exception):
    """Somebody asked for help; the text is the message."""


def flag(default: Any = dataclasses.MISSING, *, help: str, name: str | None = None) -> Any:
    """Declare a flag. `default` left out makes it required; lists and maps need a tuple default."""
    return dataclasses.field(default=default, metadata={"help": help, "name": name})


def parse_duration(text: str) -> timedelta:
    """Parse a duration in Go's form; a bare number means seconds, as old flags had it.

    Raises:
        InputError: another form.
    """
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return _bounded(text, float(text))
    if not re.fullmatch(f"({_DURATION_PART.pattern})+", text):
        raise InputError(f"invalid duration {text!r}: wanted a form like 5s or 1h30m")
    parts = _DURATION_PART.findall(text)
    return _bounded(text, sum(float(count) * _SECONDS[unit] for count, unit in parts))


def _bounded(text: str, seconds: float) -> timedelta:
    """Go counts nanoseconds in 63 bits, and so do the messages that carry a duration."""
    if seconds > _DURATION_S_MAX:
        raise InputError(f"invalid duration {text!r}: wanted at most {_DURATION_S_MAX // 3600}h")
    return timedelta(seconds=seconds)


def parse_flags(
    settings_class: type[_T],
    argv: Sequence[str],
    *,
    program: str,
    accepted_without_effect: frozenset[str] = frozenset(),
    refused: Mapping[str, str] = MappingProxyType({}),
) -> _T:
    """Fill `settings_class` from `argv`, the arguments after the program's name.

    `accepted_without_effect` names flags of Vitess that we take and do nothing with, so that a pod
    can run either image. `refused` names those that must not be passed over, and why.

    Raises:
        SettingsError: unknown flag, bad value, missing required flag; names every one of them.
        HelpRequested: `-h` or `--help`.
    """
    fields = {_flag_name(f): f for f in dataclasses.fields(settings_class)}  # type: ignore[arg-type]
    kinds = typing.get_type_hints(settings_class)
    words = _read_words(
        argv,
        booleans={name for name, f in fields.items() if _base_type(kinds[f.name]) is bool},
        known=fields.keys(),
        ignored={normal_name(name) for name in accepted_without_effect},
        refused=refused,
    )
    if words.help_wanted:
        raise HelpRequested(help_text(settings_class, program=program))
    problems = list(words.problems)
    values: dict[str, Any] = {}
    for name, text in words.values:
        try:
            values[fields[name].name] = _convert(kinds[fields[name].name], text)
        except (InputError, ValueError) as error:
            problems.append(f"flag --{name}: {error}")
    problems += [
        f"missing flag --{name} ({f.metadata['help']})"
        for name, f in fields.items()
        if f.default is dataclasses.MISSING and name not in {given for given, _ in words.values}
    ]
    if problems:
        raise SettingsError(program, problems)
    return settings_class(**values)


@dataclasses.dataclass(slots=True)
class _Words:
    values: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    help_wanted: bool = False


def _read_words(
    argv: Sequence[str],
    *,
    booleans: Set[str],
    known: Set[str],
    ignored: Set[str],
    refused: Mapping[str, str],
) -> _Words:
    """Split the arguments into (flag name, text) pairs; what makes no sense becomes a problem."""
    words = _Words()
    arguments = deque(argv)
    while arguments:
        word = arguments.popleft()
        name, equals, text = word.lstrip("-").partition("=")
        name = normal_name(name)
        if word in ("-h", "-help", "--help"):
            words.help_wanted = True
        elif not word.startswith("-") or not name:
            words.problems.append(f"unexpected argument {word!r}")
        elif name in ignored and name not in known:
            if not equals and arguments and not arguments[0].startswith("-"):
                arguments.popleft()
        elif name not in known:
            why = refused.get(name)
            words.problems.append(
                f"flag --{name} is refused: {why}" if why else f"unknown flag --{name}"
            )
        elif equals or name in booleans:
            words.values.append((name, text if equals else "true"))
        elif arguments:
            words.values.append((name, arguments.popleft()))
        else:
            words.problems.append(f"flag --{name} needs a value")
    return words


def names_of_flags(settings_class: type) -> frozenset[str]:
    """Return the names that `parse_flags` fills in, with `_` inside."""
    return frozenset(_flag_name(field) for field in dataclasses.fields(settings_class))


def help_text(settings_class: type, *, program: str) -> str:
    lines = [f"usage: {program} [flags]", ""]
    for field in dataclasses.fields(settings_class):
        lines.append(f"  --{_flag_name(field)}")
        lines.append(f"        {field.metadata['help']}{_default_text(field.default)}")
    return "\n".join(lines)


def _default_text(default: Any) -> str:
    """Show a default as one would write it."""
    if default is dataclasses.MISSING:
        return " (required)"
    if default is None or default in ("", ()):
        return ""
    if isinstance(default, timedelta):
        return f" (default {default.total_seconds():g}s)"
    return f" (default {str(default).lower() if isinstance(default, bool) else default})"


def normal_name(name: str) -> str:
    """Return a flag's name with `_` inside, as all comparisons want it."""
    return name.replace("-", "_")


def _flag_name(field: "dataclasses.Field[Any]") -> str:
    return normal_name(field.metadata["name"] or field.name)


def _base_type(kind: Any) -> Any:
    """Return T of `T | None`, else the type itself."""
    if isinstance(kind, types.UnionType):
        return next(arg for arg in typing.get_args(kind) if arg is not type(None))
    return kind


def _parse_bool(text: str) -> bool:
    words = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
    if text.lower() not in words:
        raise InputError(f"wanted true or false, got {text!r}")
    return words[text.lower()]


def _parse_list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


_CONVERTERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    bool: _parse_bool,
    timedelta: parse_duration,
    Path: Path,
}


def _convert(kind: Any, text: str) -> Any:
    base = _base_type(kind)
    if typing.get_origin(base) is tuple:
        return _parse_list(text)
    return _CONVERTERS[base](text)
