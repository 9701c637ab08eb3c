"""`armillary status`: one screen that tells how the cluster stands."""

from dataclasses import asdict
from pathlib import Path

import anyio
import click

from armillary.cli.options import directory_option, output_option, print_json


@click.command("status")
@directory_option
@output_option
@click.option("--timeout", "timeout_s", type=float, default=10.0, show_default=True)
def command(directory: Path, output: str, timeout_s: float) -> int:
    """Show the control plane, endpoints, tablets with roles and lag, pods and backups.

    \b
    Exit codes: 0 every tablet serves, every shard has a primary, and the operator carries out the
    spec; 2 no cluster in DIR; 3 some of it serves, or the spec is not carried out; 5 nothing
    answers.
    """
    from armillary.cli.status.observe import read_status  # noqa: PLC0415
    from armillary.cli.status.screen import format_status  # noqa: PLC0415

    async def read() -> int:
        status = await read_status(directory, timeout_s=timeout_s)
        if output == "json":
            print_json(asdict(status) | {"serves": status.serves})
        else:
            print(format_status(status))
        if status.serves:
            return 0
        return 5 if status.problem else 3

    return anyio.run(read)
