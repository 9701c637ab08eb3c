"""The credentials of one one-machine cluster: CA, certificates, token, kubeconfig. I/O.

Made once, at the first start, and kept: whoever calls `ensure_pki` again gets the same files.
"""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from armillary.base.certificates import issue_client, issue_server, make_authority
from armillary.base.clock import utc_now
from armillary.settings.local import API_HOST, LocalPaths

CONTEXT = "armillary"
KUBELET_CLIENT_NAME = "armillary-apiserver"


@dataclass(frozen=True, slots=True)
class Pki:
    """Where each credential lies; every file is 0600 in a 0700 directory."""

    dir: Path

    @property
    def ca_cert(self) -> Path:
        return self.dir / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.dir / "ca.key"

    @property
    def apiserver_cert(self) -> Path:
        """What the API server shows to its clients."""
        return self.dir / "apiserver.crt"

    @property
    def apiserver_key(self) -> Path:
        return self.dir / "apiserver.key"

    @property
    def kubelet_client_cert(self) -> Path:
        """What the API server shows to a kubelet; its common name is KUBELET_CLIENT_NAME."""
        return self.dir / "apiserver-kubelet-client.crt"

    @property
    def kubelet_client_key(self) -> Path:
        return self.dir / "apiserver-kubelet-client.key"

    @property
    def kubelet_cert(self) -> Path:
        """What the kubelet shows to the API server."""
        return self.dir / "kubelet.crt"

    @property
    def kubelet_key(self) -> Path:
        return self.dir / "kubelet.key"

    @property
    def token_file(self) -> Path:
        return self.dir / "token"

    def read_token(self) -> str:
        return self.token_file.read_text("ascii").strip()


def ensure_pki(directory: Path) -> Pki:
    """Make the credentials of the cluster in `directory` unless they are there; return where.

    The token is written last, so a start that was killed half-way makes everything anew.

    Again: returns the same files. Two processes at once: one makes them, the other waits.
    """
    pki = Pki(LocalPaths(directory).pki)
    if pki.token_file.exists():
        return pki
    pki.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(pki.dir / ".lock"):
        if not pki.token_file.exists():
            _make(pki)
    return pki


def write_kubeconfig(directory: Path, *, port: int) -> Path:
    """Write DIR/kubeconfig (0600) for the API server at `port`; return its path.

    Again: the same text, or that of the new port; readers see the old file or the new one.
    """
    pki = ensure_pki(directory)
    ca = base64.b64encode(pki.ca_cert.read_bytes()).decode()
    cluster = {"server": f"https://{API_HOST}:{port}", "certificate-authority-data": ca}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": pki.read_token()}}],
        "contexts": [
            {
                "name": CONTEXT,
                "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "default"},
            }
        ],
        "current-context": CONTEXT,
    }
    path = LocalPaths(directory).kubeconfig
    text = json.dumps(config, indent=2) + "\n"  # JSON is YAML, and needs no YAML writer
    if not path.exists() or path.read_text() != text:
        _write_private(path, text.encode())
    return path


def _make(pki: Pki) -> None:
    now = utc_now()
    authority = make_authority("armillary-ca", now=now)
    loopback = [API_HOST, "::1", "localhost"]
    services = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    server = issue_server(authority, "armillary-apiserver", loopback + services, now=now)
    client = issue_client(authority, KUBELET_CLIENT_NAME, now=now)
    kubelet = issue_server(authority, "armillary-kubelet", loopback, now=now)
    for made, key_path, cert_path in (
        (authority, pki.ca_key, pki.ca_cert),
        (server, pki.apiserver_key, pki.apiserver_cert),
        (client, pki.kubelet_client_key, pki.kubelet_client_cert),
        (kubelet, pki.kubelet_key, pki.kubelet_cert),
    ):
        _write_private(key_path, made.key)
        _write_private(cert_path, made.cert)
    _write_private(pki.token_file, secrets.token_urlsafe(32).encode() + b"\n")


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
