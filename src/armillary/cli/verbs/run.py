"""`armillary run`: here for the help; `armillary.main` takes the short way to the component."""

import sys

import click

from armillary.cli.component_process import run_component
from armillary.cli.components import COMPONENTS


@click.command("run")
@click.argument("component", type=click.Choice(COMPONENTS))
@click.option("--dir", "directory", required=True, help="the cluster's directory")
def command(component: str, directory: str) -> None:
    """Run one component in the foreground.

    `armillary up` starts a supervisor, and that runs the others; by hand this serves debugging.
    """
    sys.exit(run_component([component, "--dir", directory]))
