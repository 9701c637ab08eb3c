"""Certificate authorities and what they sign, in memory, for parties that run both ends. Pure.

All keys are elliptic-curve (P-256): making one takes a millisecond, an RSA key a second.

`cryptography` costs more memory than most of our processes' other imports together, so it is
imported only where something has to be made.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

VALID_FOR = timedelta(days=3650)  # nobody is there who would rotate them
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate and its key, both PEM."""

    cert: bytes
    key: bytes = field(repr=False)  # must not reach a log by way of an error message


def make_authority(subject: str, *, now: datetime) -> Certified:
    """Return a new authority that has signed itself."""
    return _certify(subject, None, now=now, names=(), uses=())


def issue_client(authority: Certified, subject: str, *, now: datetime) -> Certified:
    """Return a certificate that a client shows. It cannot be used to pose as a server."""
    return _certify(subject, authority, now=now, names=(), uses=("client",))


def issue_server(
    authority: Certified, subject: str, names: Sequence[str], *, now: datetime
) -> Certified:
    """Return a certificate that a server shows.

    Args:
        names: host names and IP addresses by which clients may reach it.
    """
    return _certify(subject, authority, now=now, names=names, uses=("server",))


def issue_peer(
    authority: Certified, subject: str, names: Sequence[str], *, now: datetime
) -> Certified:
    """Return a certificate for one of several equals, which are servers and clients at once."""
    return _certify(subject, authority, now=now, names=names, uses=("server", "client"))


def _certify(
    subject: str,
    authority: Certified | None,
    *,
    now: datetime,
    names: Sequence[str],
    uses: Sequence[str],
) -> Certified:
    from cryptography import x509  # noqa: PLC0415 (see the module)
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    issuer, issuer_key = name, key
    if authority is not None:
        issuer = x509.load_pem_x509_certificate(authority.cert).subject
        loaded = serialization.load_pem_private_key(authority.key, None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        issuer_key = loaded
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + VALID_FOR)
    )
    for extension, critical in _extensions(key, issuer_key, names, uses, authority is None):
        builder = builder.add_extension(extension, critical=critical)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return Certified(
        builder.sign(issuer_key, hashes.SHA256()).public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
    )


def _extensions(
    key: "ec.EllipticCurvePrivateKey",
    issuer_key: "ec.EllipticCurvePrivateKey",
    names: Sequence[str],
    uses: Sequence[str],
    is_authority: bool,
) -> "list[tuple[x509.ExtensionType, bool]]":
    """Return the extensions, each with whether it is critical."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415

    extended = {
        "server": ExtendedKeyUsageOID.SERVER_AUTH,
        "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    subject_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=is_authority, path_length=None), True),
        (subject_id, False),
        (issuer_id, False),
        (_key_usage(is_authority=is_authority), True),
    ]
    if uses:
        found.append((x509.ExtendedKeyUsage([extended[use] for use in uses]), False))
    if names:
        found.append((x509.SubjectAlternativeName([_general_name(n) for n in names]), False))
    return found


def _key_usage(*, is_authority: bool) -> "x509.KeyUsage":
    from cryptography import x509  # noqa: PLC0415

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
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
