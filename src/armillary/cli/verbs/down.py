"""`armillary down`: stop the cluster of a directory, and remove it when asked."""

import os
import signal
import sys
from pathlib import Path

import anyio
import click

from armillary.base.errors import ArmillaryError, DeadlineError
from armillary.cli.options import directory_option
from armillary.settings.local import LocalPaths


@click.command("down")
@directory_option
@click.option(
    "--purge", is_flag=True, help="Remove what is in DIR too: data, backups, credentials."
)
@click.option("--yes", is_flag=True, help="Do not ask before removing.")
@click.option(
    "--timeout",
    "timeout_s",
    type=float,
    default=180.0,
    show_default=True,
    help="Seconds to wait for the pods and components to end.",
)
def command(directory: Path, purge: bool, yes: bool, timeout_s: float) -> int:
    """Stop every pod, then the control plane. `armillary up` brings the same cluster back.

    \b
    Exit codes: 0 stopped (or was not running); 1 you said no, or something could not be removed;
    4 DIR is no cluster's directory; 5 something did not end in time.
    """
    from armillary.cli.bringup.prepare import (  # noqa: PLC0415
        ensure_is_cluster,
        remove_directory,
    )

    if not directory.exists():
        print(f"nothing at {directory}", file=sys.stderr)
        return 0
    ensure_is_cluster(directory)
    if purge and not yes:
        _confirm(directory)
    anyio.run(stop_cluster, directory, timeout_s)
    if purge:
        problems = remove_directory(directory)
        if problems:
            raise ArmillaryError("\n  ".join(["not everything could be removed:", *problems]))
        print(what_was_removed(directory), file=sys.stderr)
    return 0


def _confirm(directory: Path) -> None:
    """Ask before removing.

    Raises:
        ArmillaryError: nobody said yes.
    """
    question = f"Remove the cluster in {directory} with the data and backups that are there?"
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        print(file=sys.stderr)
        agreed = False
    if not agreed:
        raise ArmillaryError("nothing was stopped or removed: wanted `y`, or --yes from a script")


def what_was_removed(directory: Path) -> str:
    """Tell it; files that were not ours stay, and with them the directory."""
    if not directory.exists():
        return f"removed {directory}"
    left = ", ".join(sorted(path.name for path in directory.iterdir()))
    if not left:
        return f"removed the cluster in {directory}"
    return f"removed the cluster in {directory}; left what is not its own: {left}"


async def stop_cluster(directory: Path, timeout_s: float) -> None:
    """Return when no process of the directory runs any more.

    Raises:
        DeadlineError: one of them still runs; the supervisor goes on stopping it.
    """
    from armillary.local.kubelet.stop import stop_all_pods  # noqa: PLC0415
    from armillary.local.supervise.leftovers import end_leftovers  # noqa: PLC0415
    from armillary.local.supervise.lock import lock_owner  # noqa: PLC0415

    paths = LocalPaths(directory)
    pid = lock_owner(paths.supervisor_lock)
    if pid is None:
        print(f"the control plane of {directory} is not running", file=sys.stderr)
    else:
        pidfd = os.pidfd_open(pid)
        try:
            print(f"stopping the cluster in {directory}", file=sys.stderr)
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
            with anyio.move_on_after(timeout_s) as waiting:
                await anyio.wait_readable(pidfd)
        finally:
            os.close(pidfd)
        if waiting.cancelled_caught:
            raise DeadlineError(f"supervisor {pid} has not ended after {timeout_s:.0f} s")
    # A supervisor that was killed leaves these; after an orderly stop there are none.
    await end_leftovers(paths.processes)
    await stop_all_pods(directory)
