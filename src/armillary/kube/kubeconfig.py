"""Where the API server is and how to prove who we are: kubeconfig files, in-cluster files. I/O."""

import base64
import os
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from armillary.base.errors import InputError

_IN_CLUSTER_DIR = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServerAccess:
    url: str
    ssl_context: ssl.SSLContext | None
    token: str | None = None
    token_file: Path | None = None  # read again for each request: the kubelet renews it
    namespace: str = "default"

    def bearer(self) -> str | None:
        return self.token_file.read_text().strip() if self.token_file else self.token


def load_kubeconfig(path: Path, *, context: str | None = None) -> ApiServerAccess:
    """Read the server, CA and credentials of one context; the current one when not named.

    Raises:
        InputError: the file is missing or names no usable cluster, user or context.
    """
    try:
        config = yaml.safe_load(path.read_text()) or {}
        wanted = context or config.get("current-context")
        chosen = _named(config, "contexts", wanted)["context"]
        cluster = _named(config, "clusters", chosen["cluster"])["cluster"]
        user = _named(config, "users", chosen.get("user"))["user"] or {}
        url = str(cluster["server"]).rstrip("/")
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"cannot use kubeconfig {path}: {error!r}") from error
    token_file = user.get("tokenFile")
    return ApiServerAccess(
        url=url,
        ssl_context=_ssl_context(cluster, user, path.parent) if url.startswith("https") else None,
        token=user.get("token"),
        token_file=path.parent / token_file if token_file else None,
        namespace=chosen.get("namespace") or "default",
    )


def load_in_cluster(*, host: str, port: str) -> ApiServerAccess:
    """Use the service account that Kubernetes mounts into every pod.

    Raises:
        InputError: this process does not run in a pod.
    """
    token_file = _IN_CLUSTER_DIR / "token"
    if not token_file.exists():
        raise InputError(f"not in a Kubernetes pod: {token_file} is missing; give a kubeconfig")
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ApiServerAccess(
        url=f"https://{authority}",
        ssl_context=ssl.create_default_context(cafile=str(_IN_CLUSTER_DIR / "ca.crt")),
        token_file=token_file,
        namespace=(_IN_CLUSTER_DIR / "namespace").read_text().strip(),
    )


def _named(config: dict[str, Any], section: str, name: str | None) -> dict[str, Any]:
    for entry in config.get(section) or ():
        if entry.get("name") == name:
            return dict(entry)
    raise KeyError(f"no {section} entry named {name!r}")


def _ssl_context(cluster: dict[str, Any], user: dict[str, Any], base: Path) -> ssl.SSLContext:
    authority = cluster.get("certificate-authority-data")
    authority_file = cluster.get("certificate-authority")
    context = ssl.create_default_context(
        cadata=base64.b64decode(authority).decode() if authority else None,
        cafile=str(base / authority_file) if authority_file and not authority else None,
    )
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _load_client_certificate(context, user, base)
    return context


def _load_client_certificate(context: ssl.SSLContext, user: dict[str, Any], base: Path) -> None:
    if "client-certificate-data" in user:
        # The ssl module takes certificates only from files.
        pair = base64.b64decode(user["client-certificate-data"]) + b"\n"
        pair += base64.b64decode(user["client-key-data"])
        handle, name = tempfile.mkstemp(prefix="armillary-")  # made with mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pair)
            context.load_cert_chain(name)
        finally:
            Path(name).unlink()
    elif "client-certificate" in user:
        context.load_cert_chain(
            str(base / user["client-certificate"]), str(base / user["client-key"])
        )
