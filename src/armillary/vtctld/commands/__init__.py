"""The vtctl commands, one module for each group."""

from armillary.vtctld.commands.all import all_commands

__all__ = ["all_commands"]
