"""The verbs of `armillary` as click commands, each imported when it is called."""

import importlib

import click

EXIT_CODES = """\b
Exit codes: 0 done, 1 error, 2 wrong usage, 3 partly done,
4 refused by a safety check, 5 unavailable or timed out,
130 interrupted."""

_VERBS = {
    "up": "Start the cluster of a directory, or bring it back.",
    "down": "Stop the cluster; with --purge remove its data as well.",
    "status": "Show pods, tablets with roles and lag, backups and endpoints.",
    "verify-backup": "Read backups back from storage and check every byte, without restoring.",
    "env": "Print shell exports: KUBECONFIG, PATH with kubectl, MySQL endpoint.",
    "logs": "Print the log of a component or of a pod.",
    "doctor": "Tell which prerequisites were found and how to get the others.",
    "run": "Run one component in the foreground (the supervisor does this).",
}


class _Verbs(click.Group):
    """Subcommands by name, each imported from `armillary.cli.verbs` when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command = importlib.import_module(
            f"armillary.cli.verbs.{cmd_name.replace('-', '_')}"
        ).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.group(
    cls=_Verbs,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="armillary")
def app() -> None:
    """Sharded MySQL with backups you can restore, on this machine or on Kubernetes."""
