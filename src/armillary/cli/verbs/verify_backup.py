"""`armillary verify-backup`: read backups back and check every byte, without restoring."""

import dataclasses
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
import click

from armillary.base.errors import InputError, NotFoundError
from armillary.cli.options import directory_option, output_option, print_json
from armillary.settings.backup import BackupStorageSettings, with_environment

DAMAGED = 1
_F = TypeVar("_F", bound=Callable[..., Any])


def _storage_options(function: _F) -> _F:
    """The processes' own storage flags, for a location that no running cluster has."""
    for field in reversed(dataclasses.fields(BackupStorageSettings)):
        text = field.metadata["help"]
        function = click.option(f"--{field.name}", default=field.default, help=text)(function)
    return function


@click.command("verify-backup")
@click.argument("targets", nargs=-1, metavar="[KEYSPACE[/SHARD[/BACKUP]]]...")
@directory_option
@click.option("--location", help="Only this location of the cluster. [default: all]")
@click.option("--all", "every", is_flag=True, help="Every backup, not only each shard's newest.")
@output_option
@_storage_options
def command(
    targets: tuple[str, ...],
    directory: Path,
    location: str | None,
    every: bool,
    output: str,
    **storage_flags: Any,
) -> int:
    """Read the newest complete backup of each shard, or what is named, and check all of it.

    The backups are those of the cluster in DIR; with --backup_storage_implementation those in the
    storage that the flags name. Nothing is written or restored; progress goes to stderr.

    \b
    Exit codes: 0 all sound; 1 one is damaged, missing or of a kind that we cannot read;
    2 wrong usage or no such backup; 5 the storage or the cluster does not answer.
    """
    from armillary.cli.verify_backups import Gaps, Target, Verified, verify_location  # noqa: PLC0415

    wanted = [Target.parse(text) for text in targets] or [Target()]
    settings = BackupStorageSettings(**storage_flags)

    async def run() -> int:
        found: list[Verified] = []
        gaps = Gaps()
        async with aclosing(_storages(settings, directory, location)) as storages:
            async for name, storage in storages:
                reports = verify_location(
                    storage, wanted, gaps, location=name, every=every, on_progress=_show_progress
                )
                async with aclosing(reports):
                    async for verified in reports:
                        found.append(verified)
                        if output == "text":
                            click.echo(_line(verified))
        if output == "json" and (found or not gaps):
            print_json([_json(verified) for verified in found])
        gaps.expect_none()
        return 0 if all(verified.report.is_sound for verified in found) else DAMAGED

    return anyio.run(run)


def _show_progress(label: str, progress: Any) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{label}: {progress}", err=True, nl=False)


def _line(verified: Any) -> str:
    report = verified.report
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    where = f"{verified.keyspace}/{verified.shard}/{report.raw_name}".rstrip("/")
    if verified.location:
        where = f"{verified.location}: {where}"
    size = f"{report.raw_bytes / 1e6:.1f} MB read and right"
    state = "sound" if report.is_sound else "DAMAGED" if report.problems else "cannot be checked"
    lines = [f"{where}: {state}, {size}"]
    lines += [f"  {report.unsupported}"] if report.unsupported else []
    lines += [f"  {problem}" for problem in report.problems]
    lines += [f"  note: {note}" for note in report.notes]
    return "\n".join(lines)


def _json(verified: Any) -> dict[str, Any]:
    report = verified.report
    return {
        "location": verified.location,
        "keyspace": verified.keyspace,
        "shard": verified.shard,
        "backup": report.raw_name,
        "sound": report.is_sound,
        "raw_bytes": report.raw_bytes,
        "problems": list(report.problems),
        "unsupported": report.unsupported,
        "damaged_files": list(report.damaged_files),
        "notes": list(report.notes),
    }


async def _storages(
    settings: BackupStorageSettings, directory: Path, location: str | None
) -> AsyncGenerator[tuple[str, Any], None]:
    """Yield (location, storage); each is open while the caller works on it."""
    from armillary.backup.storage import open_storage  # noqa: PLC0415

    if settings.backup_storage_implementation:
        async with open_storage(with_environment(settings, os.environ)) as storage:
            yield "", storage
        return
    async with _client_of(directory) as (client, namespace):
        for name, cluster, place in await _locations(client, namespace, location):
            from armillary.operator.backupstorage.access import open_location  # noqa: PLC0415

            async with open_location(
                client, namespace, cluster, place, on_pods_machine=True
            ) as storage:
                yield f"{cluster}/{name or 'default'}", storage


@asynccontextmanager
async def _client_of(directory: Path) -> AsyncIterator[tuple[Any, str]]:
    from armillary.kube.client import KubeClient  # noqa: PLC0415
    from armillary.local.supervise.state import read_state  # noqa: PLC0415
    from armillary.settings.local import LocalPaths  # noqa: PLC0415

    paths = LocalPaths(directory)
    state = read_state(paths.state)
    async with KubeClient.from_kubeconfig(paths.kubeconfig) as client:
        yield client, state.namespace


async def _locations(
    client: Any, namespace: str, location: str | None
) -> list[tuple[str, str, Any]]:
    """Return (name, cluster, place) of each location. Raises: NotFoundError: there is none."""
    from armillary.kube.kinds import VITESS_BACKUP_STORAGE  # noqa: PLC0415
    from armillary.kube.objects import labels_of  # noqa: PLC0415
    from armillary.operator.crd.read import read_spec  # noqa: PLC0415
    from armillary.operator.crd.storage import BackupStorageSpec  # noqa: PLC0415
    from armillary.operator.render.labels import CLUSTER  # noqa: PLC0415

    found = []
    for obj in (await client.list(VITESS_BACKUP_STORAGE, namespace)).items:
        place = read_spec(obj, BackupStorageSpec).location
        if location is None or (place.name or "default") == (location or "default"):
            found.append((place.name, labels_of(obj).get(CLUSTER, ""), place))
    if not found and location is None:
        raise NotFoundError(f"no cluster in namespace {namespace} has a backup location")
    if not found:
        raise InputError(f"no backup location is called {location!r}")
    return found
