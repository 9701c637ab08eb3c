"""Commands that decide who is primary."""

from armillary.vtctld.registry import Command

COMMANDS: tuple[Command, ...] = ()
