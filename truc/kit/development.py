"""Certificates for development and tests: an authority of our own, and what it issues; never for a real partner."""

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from truc import secrets_file
from truc.trust import keys
from truc.trust.certificates import Use

AUTHORITY = "ca"
ISSUED: tuple[Use, ...] = ("server", "client", "signing")
HERE = ("localhost", "127.0.0.1", "::1")
LIVES = timedelta(days=365)
RENEWED_BEFORE = timedelta(days=30)
CLOCKS_DIFFER_BY = timedelta(minutes=5)
PURPOSES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: keys.PemPrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> str:
        """The key as PEM, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def make(folder: Path, now: datetime) -> tuple[Path, ...]:
    """Make what is missing in the folder, or about to end, and return all files: `ca`, `server`, `client`, `signing`.

    Certificates are `<name>.pem`; keys, mode 0600, `<name>.key`. With a new authority everything is new.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = _kept(folder, AUTHORITY, now)
    fresh = authority is None
    if authority is None:
        authority = new_authority("Trục development CA", now)
        _keep(folder, AUTHORITY, authority)
    for use in ISSUED:
        if fresh or _kept(folder, use, now) is None:
            _keep(folder, use, issue(authority, use, now))
    return tuple(folder / f"{name}.{kind}" for name in (AUTHORITY, *ISSUED) for kind in ("pem", "key"))


def new_authority(name: str, now: datetime) -> Issued:
    """Return an authority that signs for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, name, key, now - CLOCKS_DIFFER_BY, now + LIVES)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    return Issued(builder.sign(key, hashes.SHA256()), key)


def issue(
    by: Issued,
    use: Use,
    now: datetime,
    *,
    names: tuple[str, ...] = HERE,
    valid_to: datetime | None = None,
    valid_from: datetime | None = None,
) -> Issued:
    """Return a certificate of the authority: of a server for `names`, of a client, or one that signs (RSA)."""
    key = rsa.generate_private_key(65537, 2048) if use == "signing" else ec.generate_private_key(ec.SECP256R1())
    subject = names[0] if use == "server" else f"Trục development {use}"
    issuer = by.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    builder = _builder(subject, str(issuer), key, valid_from or now - CLOCKS_DIFFER_BY, valid_to or now + LIVES)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage("digital_signature"), critical=True)
    if use in PURPOSES:
        builder = builder.add_extension(x509.ExtendedKeyUsage([PURPOSES[use]]), critical=False)
    if use == "server":
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(one) for one in names]), critical=False)
    issuers = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.certificate.public_key())  # type: ignore[arg-type]  # a PemPrivateKey is of one of those kinds
    return Issued(builder.add_extension(issuers, critical=False).sign(by.key, hashes.SHA256()), key)


def _builder(
    subject: str, issuer: str, key: keys.PemPrivateKey, valid_from: datetime, valid_to: datetime
) -> x509.CertificateBuilder:
    public = key.public_key()
    by, of = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (issuer, subject))
    builder = x509.CertificateBuilder(by, of, public, x509.random_serial_number(), valid_from, valid_to)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*may: str) -> x509.KeyUsage:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    rest = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in may for name in (*every, *rest)})


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _kept(folder: Path, name: str, now: datetime) -> Issued | None:
    """Return what lies there, None when it is missing or ends soon."""
    if not ((folder / f"{name}.pem").is_file() and (folder / f"{name}.key").is_file()):
        return None
    certificate = keys.certificates(str(folder / f"{name}.pem"))[0]
    key = keys.pem_key(f"file:{folder / name}.key")
    return Issued(certificate, key) if certificate.not_valid_after_utc > now + RENEWED_BEFORE else None


def _keep(folder: Path, name: str, issued: Issued) -> None:
    secrets_file.write(folder, f"{name}.key", issued.key_pem)
    (folder / f"{name}.pem").write_bytes(issued.pem)
