"""The passwords that a cluster's own processes use among themselves. Pure.

Made once and never changed by the operator: a running mysqld has them already. A key that is
missing from an existing secret (made by an older version) is added; nothing is replaced.
"""

import json
from collections.abc import Callable, Mapping

from armillary.kube.kinds import KubeObject
from armillary.operator.render import labels as keys
from armillary.operator.render import names

GRPC_USER = "armillary"
DB_USERS = (
    "vt_dba",
    "vt_app",
    "vt_appdebug",
    "vt_allprivs",
    "vt_repl",
    "vt_filtered",
    "vt_monitor",
)
GRPC_SERVER = "grpc-server.json"
GRPC_CLIENT = "grpc-client.json"
DB_CREDENTIALS = "db-credentials.json"


def build_credentials(new_password: Callable[[], str]) -> dict[str, str]:
    """Return the contents of a new auth secret, as files by name."""
    grpc_user = {"Username": GRPC_USER, "Password": new_password()}
    return {
        GRPC_SERVER: json.dumps([grpc_user]),
        GRPC_CLIENT: json.dumps(grpc_user),
        DB_CREDENTIALS: json.dumps({user: [new_password()] for user in DB_USERS}),
    }


def gateway_credentials(credentials: Mapping[str, str]) -> dict[str, str]:
    """Return what of the auth secret a vtgate may see: it needs one account only."""
    passwords = json.loads(credentials[DB_CREDENTIALS])
    return {
        GRPC_CLIENT: credentials[GRPC_CLIENT],
        DB_CREDENTIALS: json.dumps({"vt_app": passwords["vt_app"]}),
    }


def build_secret(
    cluster: str, namespace: str, name: str, contents: Mapping[str, str]
) -> KubeObject:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {keys.CLUSTER: cluster},
        },
        "stringData": dict(contents),
    }


def auth_secret_names(cluster: str) -> tuple[str, str]:
    return names.auth_secret(cluster), names.vtgate_auth_secret(cluster)
