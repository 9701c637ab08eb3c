"""`armillary up`: start the cluster of a directory, or bring it back."""

from pathlib import Path

import anyio
import click

from armillary.cli.options import DEFAULT_NAMESPACE, directory_option

EXAMPLES = ("quickstart", "procedure")


@click.command("up")
@click.option(
    "-f",
    "--filename",
    type=click.Path(path_type=Path),
    help="Manifest of the cluster. [default: the quick start: 1 keyspace, 2 shards, 6 tablets]",
)
@click.option(
    "--example",
    type=click.Choice(EXAMPLES),
    help="Instead of -f: a manifest that is shipped, with its backups in DIR/backups.",
)
@directory_option
@click.option(
    "-n",
    "--namespace",
    default=DEFAULT_NAMESPACE,
    show_default=True,
    help="Where objects without a namespace go.",
)
@click.option("--network", hidden=True, help="127.X.0.0/16 to take instead of a free one.")
@click.option("--bare", is_flag=True, help="Start the control plane only; apply no manifest.")
@click.option(
    "--timeout",
    "timeout_s",
    type=float,
    default=600.0,
    show_default=True,
    help="Give up after this many seconds; what was started goes on.",
)
def command(
    filename: Path | None,
    example: str | None,
    directory: Path,
    namespace: str,
    network: str | None,
    bare: bool,
    timeout_s: float,
) -> int:
    """Start the cluster of DIR, or bring it back, and return when every tablet serves.

    Doing it twice is harmless. After a reboot, or when everything was killed, the same cluster
    comes back with its data: a cluster that DIR knows is not made anew, and without -f or
    --example its manifest is not applied again.

    \b
    Exit codes: 0 every tablet serves; 2 the manifest or the directory is wrong, or the operator
    refuses the spec: what runs goes on as it was; 5 not everything serves in time: the last
    lines say what does not, and why.
    """
    from armillary.cli.bringup.flow import UpRequest, bring_up  # noqa: PLC0415

    if sum((filename is not None, example is not None, bare)) > 1:
        raise click.UsageError("-f, --example and --bare exclude one another")
    request = UpRequest(
        directory=directory,
        namespace=namespace,
        manifest=filename,
        example=example,
        quick_start=not bare,
        network=network,
    )
    return anyio.run(bring_up, request, timeout_s)
