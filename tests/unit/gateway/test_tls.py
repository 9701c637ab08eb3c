"""Which certificates of MySQL clients the gateway takes."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from armillary.base.certificates import Certified, issue_client, issue_server, make_authority
from armillary.base.errors import InputError
from armillary.settings.vtgate import VtgateSettings
from armillary.vtgate.main import make_tls

NOW = datetime.now(UTC)
AUTHORITY = make_authority("clients", now=NOW)
KEPT, REVOKED = (issue_client(AUTHORITY, name, now=NOW) for name in ("kept", "revoked"))


def revocations(*revoked: Certified) -> bytes:
    key = serialization.load_pem_private_key(AUTHORITY.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    authority = x509.load_pem_x509_certificate(AUTHORITY.cert)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(NOW - timedelta(hours=1))
        .next_update(NOW + timedelta(days=1))
    )
    for one in revoked:
        serial = x509.load_pem_x509_certificate(one.cert).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def settings(directory: Path, **more: Any) -> VtgateSettings:
    server = issue_server(AUTHORITY, "vtgate", ["localhost"], now=NOW)
    for name, content in (("crt", server.cert), ("key", server.key)):
        (directory / f"server.{name}").write_bytes(content)
    (directory / "ca.crt").write_bytes(AUTHORITY.cert)
    return VtgateSettings(
        topo_global_server_address="127.0.0.1:1",
        topo_global_root="/",
        cell="zone1",
        mysql_server_ssl_cert=f"{directory}/server.crt",
        mysql_server_ssl_key=f"{directory}/server.key",
        **more,
    )


def shake_hands(server_side: ssl.SSLContext, client: Certified, directory: Path) -> None:
    """Raises: ssl.SSLError: the server does not take the client's certificate."""
    (directory / "client.pem").write_bytes(client.cert + client.key)
    client_side = ssl.create_default_context(cadata=AUTHORITY.cert.decode())
    client_side.load_cert_chain(directory / "client.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client_side.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server_side.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_a_revoked_certificate_of_a_client_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "crl.pem").write_bytes(revocations(REVOKED))
    ca, crl = f"{tmp_path}/ca.crt", f"{tmp_path}/crl.pem"
    checking = make_tls(settings(tmp_path, mysql_server_ssl_ca=ca, mysql_server_ssl_crl=crl))
    trusting = make_tls(settings(tmp_path, mysql_server_ssl_ca=ca))
    assert checking is not None and trusting is not None
    for server_side, client in ((checking, KEPT), (trusting, KEPT), (trusting, REVOKED)):
        shake_hands(server_side, client, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="revoked"):
        shake_hands(checking, REVOKED, tmp_path)


def test_revocations_without_an_authority_of_clients_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="wants --mysql_server_ssl_ca"):
        make_tls(settings(tmp_path, mysql_server_ssl_crl="crl.pem"))
