"""The passwords and certificates that a cluster's own processes use among themselves. Pure.

Made once and never changed by the operator: a running mysqld has them already.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from armillary.base.certificates import Certified, issue_client, make_authority
from armillary.kube.kinds import KubeObject
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.secrets import ETCD_AUTHORITY, ETCD_CLIENT_CERT, ETCD_CLIENT_KEY

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
AUTHORITY_CERT = "ca.crt"
AUTHORITY_KEY = "ca.key"


def build_authority(*, now: datetime) -> dict[str, str]:
    """Return the contents of a new authority secret; lockservers trust whom it has signed."""
    authority = make_authority("armillary-cluster", now=now)
    return {AUTHORITY_CERT: authority.cert.decode(), AUTHORITY_KEY: authority.key.decode()}


def parse_authority(contents: Mapping[str, str]) -> Certified:
    return Certified(contents[AUTHORITY_CERT].encode(), contents[AUTHORITY_KEY].encode())


def build_credentials(
    new_password: Callable[[], str], authority: Certified, *, now: datetime
) -> dict[str, str]:
    """Return the contents of a new auth secret, as files by name."""
    client = issue_client(authority, "armillary", now=now)
    grpc_user = {"Username": GRPC_USER, "Password": new_password()}
    return {
        GRPC_SERVER: json.dumps([grpc_user]),
        GRPC_CLIENT: json.dumps(grpc_user),
        DB_CREDENTIALS: json.dumps({user: [new_password()] for user in DB_USERS}),
        ETCD_AUTHORITY: authority.cert.decode(),
        ETCD_CLIENT_CERT: client.cert.decode(),
        ETCD_CLIENT_KEY: client.key.decode(),
    }


def gateway_credentials(credentials: Mapping[str, str]) -> dict[str, str]:
    """Return what of the auth secret a vtgate may see: it needs one account only."""
    passwords = json.loads(credentials[DB_CREDENTIALS])
    return {
        GRPC_CLIENT: credentials[GRPC_CLIENT],
        DB_CREDENTIALS: json.dumps({"vt_app": passwords["vt_app"]}),
        **{key: credentials[key] for key in (ETCD_AUTHORITY, ETCD_CLIENT_CERT, ETCD_CLIENT_KEY)},
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
