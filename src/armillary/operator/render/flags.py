"""Command lines: flags sorted by name, the user's last word included. Pure."""

from collections.abc import Mapping
from datetime import timedelta

FlagValue = str | int | bool | timedelta


def render_flags(flags: Mapping[str, FlagValue], *overrides: Mapping[str, str]) -> list[str]:
    """Return `--name=value` words, sorted; each map of `overrides` wins over what is before it.

    `tablet-path` and `tablet_path` are one flag, as they are for the processes.
    """
    rendered: dict[str, tuple[str, str]] = {}
    for name, value in flags.items():
        rendered[_key(name)] = (name, _text(value))
    for override in overrides:
        for given, text in override.items():
            name = given.lstrip("-")
            rendered[_key(name)] = (name, text)
    return [f"--{name}={text}" for name, text in sorted(rendered.values())]


def go_duration(duration: timedelta) -> str:
    """Return a duration as Go prints it: `2h0m0s`, `1m30s`, `5s`, `0s`."""
    total_s = int(duration.total_seconds())
    hours, rest = divmod(total_s, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def _key(name: str) -> str:
    return name.replace("-", "_")


def _text(value: FlagValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return go_duration(value)
    return str(value)
