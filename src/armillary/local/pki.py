"""The credentials of one one-machine cluster: CA, certificates, token, kubeconfig. I/O.

Made once, at the first start, and kept: whoever calls `ensure_pki` again gets the same files. All
keys are elliptic-curve (P-256): making one takes a millisecond, an RSA key a second.

`cryptography` costs more memory than the rest of the API server's imports together, so it is
imported only where something has to be made.
"""

import base64
import fcntl
import ipaddress
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from armillary.base.clock import utc_now
from armillary.settings.local import API_HOST, LocalPaths

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

CONTEXT = "armillary"
KUBELET_CLIENT_NAME = "armillary-apiserver"
_VALID_FOR = timedelta(days=3650)  # a cluster on one machine has nobody who would rotate them
_CLOCK_SKEW = timedelta(minutes=5)


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
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 (see the module)

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_cert = _sign(ca_key, subject="armillary-ca", issuer=None, issuer_key=ca_key)
    _store(ca_key, ca_cert, key_path=pki.ca_key, cert_path=pki.ca_cert)
    loopback = [API_HOST, "::1", "localhost"]
    services = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    wanted: tuple[tuple[str, Sequence[str], Path, Path], ...] = (
        ("armillary-apiserver", loopback + services, pki.apiserver_key, pki.apiserver_cert),
        (KUBELET_CLIENT_NAME, (), pki.kubelet_client_key, pki.kubelet_client_cert),
        ("armillary-kubelet", loopback, pki.kubelet_key, pki.kubelet_cert),
    )
    for subject, names, key_path, cert_path in wanted:
        key = ec.generate_private_key(ec.SECP256R1())
        cert = _sign(key, subject=subject, issuer=ca_cert, issuer_key=ca_key, names=names)
        _store(key, cert, key_path=key_path, cert_path=cert_path)
    _write_private(pki.token_file, secrets.token_urlsafe(32).encode() + b"\n")


def _sign(
    key: "ec.EllipticCurvePrivateKey",
    *,
    subject: str,
    issuer: "x509.Certificate | None",
    issuer_key: "ec.EllipticCurvePrivateKey",
    names: Sequence[str] = (),
) -> "x509.Certificate":
    """Return a certificate for `key`: a server's when it has names, else a client's or the CA's."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    now = utc_now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer is not None else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(_key_usage(is_ca=issuer is None), critical=True)
    )
    if issuer is not None:
        use = ExtendedKeyUsageOID.SERVER_AUTH if names else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    if names:
        alternatives = x509.SubjectAlternativeName([_general_name(text) for text in names])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(*, is_ca: bool) -> "x509.KeyUsage":
    from cryptography import x509  # noqa: PLC0415

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(text: str) -> "x509.GeneralName":
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _store(
    key: "ec.EllipticCurvePrivateKey",
    cert: "x509.Certificate",
    *,
    key_path: Path,
    cert_path: Path,
) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    pem = serialization.Encoding.PEM
    key_bytes = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_private(key_path, key_bytes)
    _write_private(cert_path, cert.public_bytes(pem))


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
