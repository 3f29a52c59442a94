"""Who signs in tests: authorities and the holders of certificates they issue, with keys made on the spot."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from truc.trust.keys import PemKey

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Holder:
    """A key with its certificate."""

    secret: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def key(self) -> PemKey:
        """The key as our signers take one."""
        return PemKey(self.secret)

    @property
    def key_pem(self) -> str:
        """The key as other programs take one."""
        return self.secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def certificate_pem(self) -> str:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def write(self, folder: Path) -> None:
        """Put both as key.pem and certificate.pem into a folder."""
        (folder / "key.pem").write_text(self.key_pem)
        (folder / "certificate.pem").write_text(self.certificate_pem)


def holder(
    name: str,
    issuer: Holder | None = None,
    *,
    kind: str = "rsa",
    authority: bool = False,
    may_issue: bool | None = None,
    since: datetime = NOW - 30 * DAY,
    until: datetime = NOW + 30 * DAY,
    may_sign: bool = True,
    bits: int = 2048,
    secret: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
) -> Holder:
    """Return a holder whose certificate the issuer signed, or itself where there is none. `secret`: else a new key."""
    if secret is None:
        secret = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {next(NUMBERS)}")])
    usage = x509.KeyUsage(
        digital_signature=may_sign, content_commitment=may_sign, key_encipherment=not may_sign,
        data_encipherment=False, key_agreement=False, crl_sign=authority,
        key_cert_sign=authority if may_issue is None else may_issue,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return Holder(secret, builder.sign(issuer.secret if issuer else secret, hashes.SHA256()))
