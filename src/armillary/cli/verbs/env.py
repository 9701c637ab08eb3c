"""`armillary env`: shell exports that point kubectl, vtctlclient and mysql at the cluster."""

import os
import shlex
from pathlib import Path

import anyio
import click

from armillary.base.errors import ArmillaryError
from armillary.cli.options import directory_option, output_option, print_json
from armillary.local.supervise.state import read_state
from armillary.settings.local import LocalPaths

_REFRESH_S = 3.0


@click.command("env")
@directory_option
@output_option
def command(directory: Path, output: str) -> None:
    """Print exports for your shell: eval "$(armillary env)".

    Sets KUBECONFIG, KUBECACHEDIR, ARMILLARY_DIR, ARMILLARY_GRPC_CREDS and MYSQL_HOST, and puts a
    kubectl that is new enough and vtctlclient first on PATH. No password is printed: `mysql
    --defaults-file=DIR/my.cnf` has the one of the cluster's first user.

    \b
    Exit codes: 0 done, 2 there is no cluster in DIR.
    """
    paths = LocalPaths(directory)
    state = read_state(paths.state)
    anyio.run(_refresh_credentials, paths, state.namespace)
    path = os.environ.get("PATH", "")
    if str(paths.bin) not in path.split(":"):
        path = f"{paths.bin}:{path}"
    exports = {
        "ARMILLARY_DIR": str(directory),
        "KUBECONFIG": str(paths.kubeconfig),
        "KUBECACHEDIR": str(paths.kubectl_cache),
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


async def _refresh_credentials(paths: LocalPaths, namespace: str) -> None:
    """Take over what a cluster that was deleted and made anew has; a stopped one has no news."""
    from armillary.cli.bringup.endpoints import hand_out_credentials  # noqa: PLC0415
    from armillary.kube.client import KubeClient  # noqa: PLC0415

    if not paths.kubeconfig.exists():
        return
    with anyio.move_on_after(_REFRESH_S):
        try:
            async with KubeClient.from_kubeconfig(paths.kubeconfig) as client:
                await hand_out_credentials(client, paths, namespace)
        except ArmillaryError as error:
            click.echo(f"armillary env: credentials as of the last time: {error}", err=True)


def _mysql_host(option_file: Path) -> str:
    if not option_file.exists():
        return ""
    for line in option_file.read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "host":
            return value
    return ""
