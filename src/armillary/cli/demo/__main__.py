"""`./demo`: bring up the procedure's cluster, walk through all of it, leave it running."""

import os
import shlex
import subprocess
import sys
from importlib import resources
from pathlib import Path

import click
import yaml

from armillary.base.errors import ArmillaryError
from armillary.cli.bringup.manifests import load_example
from armillary.cli.demo.outputs import CheckFailedError
from armillary.cli.demo.shell import Narrator, Shell, environment_of
from armillary.cli.demo.steps import PROCEDURE, Step
from armillary.cli.demo.walk import Walk

DEFAULT_DIR = "~/.armillary-demo"
NAMESPACE = "planetscale"
MANIFEST = "procedure.yaml"
ARMILLARY = Path(sys.executable).parent / "armillary"


@click.command()
@click.option("--down", is_flag=True, help="Stop the demo's cluster and remove all of its data.")
@click.option("--dir", "directory", default=DEFAULT_DIR, show_default=True, metavar="DIR")
def main(directory: str, down: bool) -> None:
    """Walk through the backup and restore procedure with real clients, and check every step.

    \b
    Exit codes: 0 every check held; 1 one did not.
    """
    home = Path(directory).expanduser().absolute()
    if down:
        sys.exit(take_down(home))
    narrator = Narrator()
    try:
        walk_through(home, narrator)
    except CheckFailedError as error:
        narrator.failed(str(error))
        narrator.remark(f"the cluster goes on running; look at: armillary status --dir {home}")
        sys.exit(1)
    except ArmillaryError as error:
        narrator.failed(str(error))
        sys.exit(1)


def take_down(home: Path) -> int:
    """Remove the cluster and the manifest that we wrote; return what `armillary down` returned."""
    (home / MANIFEST).unlink(missing_ok=True)  # first, so that nothing of ours is left in `home`
    command = [str(ARMILLARY), "down", "--purge", "--yes", "--dir", str(home)]
    return subprocess.run(command, check=False).returncode


def walk_through(home: Path, narrator: Narrator) -> None:
    """Do the whole procedure in a fresh cluster at `home`.

    Raises:
        CheckFailedError: a step did not give what the procedure says.
    """
    narrator.step("Bring up the cluster of the procedure")
    if (home / "run" / "state.json").exists():
        narrator.remark(f"the cluster of an earlier demo is in {home}; starting afresh")
        run_shown(narrator, "down", "--purge", "--yes", "--dir", str(home))
    manifest = write_manifest(home)
    narrator.remark("3 cells; keyspaces main (2 shards x 3 tablets) and restore (2 shards x 1)")
    run_shown(narrator, "up", "-f", str(manifest), "--dir", str(home))
    walk = open_walk(home, narrator)
    try:
        for step in PROCEDURE:
            take_step(step, walk)
    finally:
        walk.close()
    say_goodbye(home, narrator)


def take_step(step: Step, walk: Walk) -> None:
    walk.narrator.step((step.__doc__ or step.__name__).strip())
    step(walk)


def write_manifest(home: Path) -> Path:
    """Write the procedure's manifest, its backups pointed into `home`; return its path."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    objects = load_example("procedure", namespace=NAMESPACE, directory=home)
    path = home / MANIFEST
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        yaml.safe_dump_all(objects, file, sort_keys=False)
    return path


def run_shown(narrator: Narrator, *words: str) -> None:
    """Run `armillary` with its own display on this terminal."""
    narrator.command(shlex.join(["armillary", *words]))
    done = subprocess.run([str(ARMILLARY), *words], check=False)
    if done.returncode != 0:
        raise CheckFailedError(f"armillary {words[0]}: exit code {done.returncode}")


def open_walk(home: Path, narrator: Narrator) -> Walk:
    """Return a walk with the environment of the cluster at `home`."""
    exports = subprocess.run(
        [str(ARMILLARY), "env", "--dir", str(home)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    shell = Shell(narrator, environment_of(exports))
    return Walk(
        shell=shell,
        narrator=narrator,
        examples=Path(str(resources.files("armillary") / "deploy" / "examples")),
        mysql=f"mysql --defaults-file={home}/my.cnf",
        namespace=NAMESPACE,
    )


def say_goodbye(home: Path, narrator: Narrator) -> None:
    narrator.step("Every check held")
    where = "" if home == Path(DEFAULT_DIR).expanduser().absolute() else f" --dir {home}"
    down = f"./demo --down{where}"
    narrator.output(
        f"""\
The cluster goes on running. To look around:
  eval "$({ARMILLARY} env --dir {home})"
  kubectl -n {NAMESPACE} get pods,vitessbackups
  kubectl explain psc.spec.backup
  mysql --defaults-file={home}/my.cnf
  armillary status --dir {home}
To remove all of it:
  {down}"""
    )


if __name__ == "__main__":
    main(prog_name="./demo")
