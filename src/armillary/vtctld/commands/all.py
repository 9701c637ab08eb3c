"""The list of all commands, in the order in which `help` shows the groups."""

from armillary.vtctld.commands import (
    backups,
    cells,
    keyspaces,
    reparents,
    schema,
    serving,
    shards,
    tablet_acts,
    tablets,
    validate,
    vschema,
)
from armillary.vtctld.context import Context
from armillary.vtctld.registry import Call, Command, Registry


def all_commands() -> tuple[Command, ...]:
    return (
        *tablets.COMMANDS,
        *tablet_acts.COMMANDS,
        *shards.COMMANDS,
        *keyspaces.COMMANDS,
        *serving.COMMANDS,
        *backups.COMMANDS,
        *reparents.COMMANDS,
        *schema.COMMANDS,
        *vschema.COMMANDS,
        *cells.COMMANDS,
        *validate.COMMANDS,
        HELP,
    )


async def _help(context: Context, call: Call) -> None:
    registry = Registry(all_commands())
    text = registry.find(call.args[0]).help_text() if call.args else registry.help_text()
    await context.console.print(text)


HELP = Command(
    "Help", "Help", "[<command>]", "Lists all commands, or explains one.", _help, args_max=1
)
