"""Where clients reach a cluster, and with which credentials. I/O."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from armillary.kube.client import KubeClient
from armillary.kube.kinds import PLANETSCALE_CLUSTER, SECRET, SERVICE, VITESS_CLUSTER, KubeObject
from armillary.kube.objects import labels_of, name_of
from armillary.local.supervise.state import write_private
from armillary.model.names import join_name
from armillary.settings.local import LocalPaths

_LABEL = "planetscale.com/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEndpoints:
    """One cluster's doors; an empty host means that the door is not there yet."""

    cluster: str
    mysql_host: str = ""
    mysql_port: int = 0
    mysql_user: str = ""
    vtctld: str = ""  # host:port of the gRPC service


async def read_endpoints(client: KubeClient, namespace: str) -> tuple[ClusterEndpoints, ...]:
    """Return the endpoints of every cluster in the namespace, by name."""
    clusters = [
        *(await client.list(PLANETSCALE_CLUSTER, namespace)).items,
        *(await client.list(VITESS_CLUSTER, namespace)).items,
    ]
    services = (await client.list(SERVICE, namespace)).items
    found = []
    for cluster in sorted(clusters, key=name_of):
        mysql = _address(services, name_of(cluster), "vtgate", "mysql")
        vtctld = _address(services, name_of(cluster), "vtctld", "grpc")
        users = await read_mysql_users(client, cluster)
        found.append(
            ClusterEndpoints(
                cluster=name_of(cluster),
                mysql_host=mysql[0],
                mysql_port=mysql[1],
                mysql_user=next(iter(users), ""),
                vtctld=f"{vtctld[0]}:{vtctld[1]}" if vtctld[0] else "",
            )
        )
    return tuple(found)


async def read_mysql_users(client: KubeClient, cluster: KubeObject) -> Mapping[str, str]:
    """Return user -> password as the first cell's static authentication has them."""
    for cell in cluster["spec"].get("cells") or ():
        source = _dig(cell, "gateway", "authentication", "static", "secret")
        if not source or "name" not in source:
            continue
        secret = await client.get(SECRET, source["name"], cluster["metadata"]["namespace"])
        text = secret_text(secret, source["key"])
        users = json.loads(text) if text else {}
        return {user: str(entries[0].get("Password", "")) for user, entries in users.items()}
    return {}


async def hand_out_credentials(client: KubeClient, paths: LocalPaths, namespace: str) -> None:
    """Write what vtctlclient and mysql need now; a cluster made anew has others than before."""
    for endpoint in await read_endpoints(client, namespace):
        await write_grpc_credentials(client, paths, namespace=namespace, cluster=endpoint.cluster)
        await write_mysql_defaults(client, paths, namespace=namespace, endpoint=endpoint)


async def write_grpc_credentials(
    client: KubeClient, paths: LocalPaths, *, namespace: str, cluster: str
) -> bool:
    """Hand the cluster's gRPC client credentials to vtctlclient; False when there are none yet."""
    secret = await client.get(SECRET, join_name(cluster, "auth"), namespace)
    text = secret_text(secret, "grpc-client.json")
    if not text:
        return False
    if not paths.grpc_client.exists() or paths.grpc_client.read_text() != text:
        write_private(paths.grpc_client, text)
    return True


async def write_mysql_defaults(
    client: KubeClient, paths: LocalPaths, *, namespace: str, endpoint: ClusterEndpoints
) -> None:
    """Write DIR/my.cnf for the cluster's first user, so that no password stands in a command."""
    for kind in (PLANETSCALE_CLUSTER, VITESS_CLUSTER):
        cluster = await client.get(kind, endpoint.cluster, namespace)
        if cluster is None:
            continue
        users = await read_mysql_users(client, cluster)
        lines = ["[client]", f"host={endpoint.mysql_host}", f"port={endpoint.mysql_port}"]
        for user, password in list(users.items())[:1]:
            lines += [
                f"user={quote_option_value(user)}",
                f"password={quote_option_value(password)}",
            ]
        write_private(paths.mysql_defaults, "\n".join(lines) + "\n")


# What a client reads back as one character, and what would end the value or its line.
_ESCAPES = {
    ord(character): f"\\{letter}"
    for character, letter in {
        "\\": "\\", '"': '"', "'": "'", "\b": "b", "\t": "t", "\n": "n", "\r": "r"
    }.items()
}  # fmt: skip


def quote_option_value(text: str) -> str:
    """Return a value as MySQL's option files have it; in quotes `#` is no comment. Pure."""
    return f'"{text.translate(_ESCAPES)}"'


def secret_text(secret: KubeObject | None, key: str) -> str:
    """Return one value of a Secret as text; empty when it is not there. Pure."""
    if secret is None:
        return ""
    return base64.b64decode((secret.get("data") or {}).get(key, "")).decode()


def _address(
    services: list[KubeObject], cluster: str, component: str, port_name: str
) -> tuple[str, int]:
    for service in services:
        labels = labels_of(service)
        if (
            labels.get(f"{_LABEL}component") != component
            or labels.get(f"{_LABEL}cluster") != cluster
            or f"{_LABEL}cell" in labels
        ):
            continue
        host = service["spec"].get("clusterIP", "")
        for port in service["spec"].get("ports") or ():
            if port.get("name") == port_name and host not in ("", "None"):
                return host, int(port["port"])
    return "", 0


def _dig(obj: Mapping[str, Any], *keys: str) -> Any:
    value: Any = obj
    for key in keys:
        value = (value or {}).get(key)
    return value
