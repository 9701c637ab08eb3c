"""`armillary env`: shell exports that point kubectl, vtctlclient and mysql at the cluster."""

import os
import shlex
from pathlib import Path

import click

from armillary.cli.options import directory_option, output_option, print_json
from armillary.local.supervise.state import read_state
from armillary.settings.local import LocalPaths


@click.command("env")
@directory_option
@output_option
def command(directory: Path, output: str) -> None:
    """Print exports for your shell: eval "$(armillary env)".

    Sets KUBECONFIG, ARMILLARY_DIR, ARMILLARY_GRPC_CREDS and MYSQL_HOST, and puts a kubectl that is
    new enough and vtctlclient first on PATH. No password is printed: `mysql
    --defaults-file=DIR/my.cnf` has the one of the cluster's first user.

    \b
    Exit codes: 0 done, 2 there is no cluster in DIR.
    """
    paths = LocalPaths(directory)
    read_state(paths.state)
    path = os.environ.get("PATH", "")
    if str(paths.bin) not in path.split(":"):
        path = f"{paths.bin}:{path}"
    exports = {
        "ARMILLARY_DIR": str(directory),
        "KUBECONFIG": str(paths.kubeconfig),
        "ARMILLARY_GRPC_CREDS": str(paths.grpc_client),
        "PATH": path,
    }
    host = _mysql_host(paths.mysql_defaults)
    if host:
        exports["MYSQL_HOST"] = host
    if output == "json":
        print_json(exports)
        return
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")


def _mysql_host(option_file: Path) -> str:
    if not option_file.exists():
        return ""
    for line in option_file.read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "host":
            return value
    return ""
