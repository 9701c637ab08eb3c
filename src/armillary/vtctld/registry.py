"""Commands as values: name, flags, arguments, help; and reading the words of a call. Pure."""

import difflib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from armillary.base.errors import InputError
from armillary.settings.flags import parse_duration


class HelpAsked(InputError):
    """The words ask for help; the message is the text, as Go's flag package reports it."""


@dataclass(frozen=True, slots=True)
class Flag:
    name: str
    help: str
    default: bool | int | str | timedelta | tuple[str, ...] = ""
    aliases: tuple[str, ...] = ()

    def parse(self, text: str) -> Any:
        try:
            return _PARSERS[type(self.default)](text)
        except (InputError, ValueError) as error:
            raise InputError(f"invalid value {text!r} for flag -{self.name}: {error}") from None


def _parse_bool(text: str) -> bool:
    words = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
    if text.lower() not in words:
        raise InputError("wanted true or false")
    return words[text.lower()]


def _parse_list(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


_PARSERS: Mapping[type, Callable[[str], Any]] = {
    bool: _parse_bool,
    int: int,
    str: str,
    timedelta: parse_duration,
    tuple: _parse_list,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A command with its words read: flags by their names, and the arguments."""

    command: "Command"
    args: tuple[str, ...]
    flags: Mapping[str, Any]
    given: frozenset[str] = frozenset()  # the flags that were written

    def flag(self, name: str) -> Any:
        return self.flags[name]


# A command takes the Context and its Call; the context's type stays out of this pure module.
Run = Callable[[Any, Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    group: str
    arguments: str  # as the usage line shows them: "<keyspace/shard>" "[<cell>]"
    help: str
    run: Run
    flags: tuple[Flag, ...] = ()
    args_min: int = 0
    args_max: int | None = 0  # None: as many as one likes
    aliases: tuple[str, ...] = field(default=())  # the names it had before

    @property
    def usage(self) -> str:
        words = [self.name]
        words += [f"[-{flag.name}]" if flag.default is False else f"[-{flag.name}=...]"
                  for flag in self.flags]  # fmt: skip
        return " ".join([*words, self.arguments]).rstrip()

    def help_text(self) -> str:
        lines = [f"Usage: {self.usage}", "", self.help]
        if self.aliases:
            lines += ["", f"Also known as: {', '.join(self.aliases)}"]
        if self.flags:
            lines += ["", "Flags:"]
        for flag in self.flags:
            shown = _show_default(flag.default)
            lines.append(f"  -{flag.name}{f' (default {shown})' if shown else ''}")
            lines.append(f"        {flag.help}")
            if flag.aliases:
                lines.append(f"        Also: {', '.join('-' + name for name in flag.aliases)}")
        return "\n".join(lines)


def _show_default(default: object) -> str:
    if isinstance(default, timedelta):
        return f"{default.total_seconds():g}s"
    return "" if default in ("", False, ()) else str(default).lower()


class Registry:
    def __init__(self, commands: Iterable[Command]) -> None:
        self.commands = tuple(commands)
        self._by_name: dict[str, Command] = {}
        for command in self.commands:
            for name in (command.name, *command.aliases):
                assert name.lower() not in self._by_name, f"two commands are named {name}"
                self._by_name[name.lower()] = command

    def find(self, name: str) -> Command:
        """Return the command, whatever the case of its letters.

        Raises:
            InputError: unknown; hints at the closest names.
        """
        command = self._by_name.get(name.lower())
        if command is not None:
            return command
        close = difflib.get_close_matches(name.lower(), self._by_name, n=3, cutoff=0.6)
        names = dict.fromkeys(self._by_name[word].name for word in close)
        hint = f"; did you mean {' or '.join(names)}?" if names else ""
        raise InputError(f"unknown command {name!r}{hint} (`help` lists all commands)")

    def parse(self, words: Sequence[str]) -> Call:
        """Read a command's name, flags and arguments.

        Flags come before the arguments, as in Go's flag package, and after them too. A lone `--`
        right after the command is tolerated; elsewhere it ends the flags.

        Raises:
            HelpAsked, InputError: what was wanted, what was found.
        """
        if not words:
            raise InputError("no command was given (`help` lists all commands)")
        command = self.find(words[0])
        rest = words[2:] if words[1:2] == ["--"] else words[1:]
        return _read_call(command, rest)

    def help_text(self) -> str:
        lines = ["Commands, by group. `<Command> -h` explains one."]
        for group in dict.fromkeys(command.group for command in self.commands):
            lines += ["", f"{group}:"]
            lines += [
                f"  {c.name} {c.arguments}".rstrip() for c in self.commands if c.group == group
            ]
        return "\n".join(lines)


def _read_call(command: Command, words: Sequence[str]) -> Call:
    by_name = {_normal(name): flag for flag in command.flags for name in (flag.name, *flag.aliases)}
    values: dict[str, Any] = {}
    args: list[str] = []
    queue = deque(words)
    while queue:
        word = queue.popleft()
        if word == "--":
            args += queue
            break
        if not word.startswith("-") or _is_argument(word):
            args.append(word)
            continue
        name, equals, text = word.lstrip("-").partition("=")
        flag = by_name.get(_normal(name))
        if flag is None:
            if name in ("h", "help"):
                raise HelpAsked(f"flag: help requested\n{command.help_text()}")
            raise _unknown_flag(command, name, by_name)
        if flag.default is True or flag.default is False:
            values[flag.name] = flag.parse(text) if equals else True
        elif equals or queue:
            values[flag.name] = flag.parse(text if equals else queue.popleft())
        else:
            raise InputError(f"flag needs an argument: -{name}\nUsage: {command.usage}")
    _require_count(command, args)
    defaults = {flag.name: flag.default for flag in command.flags}
    return Call(command, tuple(args), {**defaults, **values}, frozenset(values))


def _normal(name: str) -> str:
    return name.replace("-", "_")


def _is_argument(word: str) -> bool:
    """A negative number, or a bare key range such as `-80`, is no flag."""
    return len(word) > 1 and all(char in "0123456789abcdefABCDEF" for char in word[1:])


def _unknown_flag(command: Command, name: str, known: Mapping[str, Flag]) -> InputError:
    close = difflib.get_close_matches(_normal(name), known, n=1)
    hint = f"; did you mean -{known[close[0]].name}?" if close else ""
    return InputError(f"flag provided but not defined: -{name}{hint}\nUsage: {command.usage}")


def _require_count(command: Command, args: Sequence[str]) -> None:
    too_many = command.args_max is not None and len(args) > command.args_max
    if len(args) >= command.args_min and not too_many:
        return
    wanted = command.arguments or "no argument"
    found = " ".join(args) or "nothing"
    raise InputError(
        f"the {command.name} command takes {wanted}: found {found}\nUsage: {command.usage}"
    )
