"""Keys by reference: a setting says where a key lies, and what comes back signs or verifies; the key is never shown.

A reference is one of
    file:/path/key.pem        a file; a private one may not be readable by everybody
    env:NAME                  a variable of the environment
    pkcs11:token=…;object=…   a key inside a token (RFC 7512), which never leaves it; see truc.trust.tokens
    -----BEGIN …              the text itself, as a secrets backend hands it over in a field of a connection
File, variable and text hold PEM, or DER, or the bare Base64 of DER that partners hand out. What is public may also be
named by a path alone.
"""

import base64
import binascii
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from truc.connections import Connection
from truc.errors import SetupError
from truc.trust.signing import (
    CURVE_BITS_MIN,
    HASHES,
    RSA_BITS_MIN,
    Algorithm,
    PrivateKey,
    PublicKey,
    require_strength,
)

FILE_BYTES_MAX = 1024 * 1024
PEM = b"-----BEGIN "
TOKEN = "pkcs11:"  # noqa: S105  (a scheme)
BARE_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*")
FORMS = "file:/path, env:NAME, pkcs11:token=…;object=…, or the PEM text"
PemPrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class PemKey:
    """A private key in our memory. Printing it shows its kind, never the key."""

    key: PemPrivateKey = field(repr=False)

    def sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        """Return the raw signature, of ECDSA in DER; SetupError for an algorithm of another kind of key."""
        family, _, name = algorithm.rpartition("-")
        match family, self.key:
            case "RSA", rsa.RSAPrivateKey() as key:
                return key.sign(data, padding.PKCS1v15(), HASHES[name])
            case "RSA-PSS", rsa.RSAPrivateKey() as key:
                pss = padding.PSS(padding.MGF1(HASHES[name]), padding.PSS.DIGEST_LENGTH)
                return key.sign(data, pss, HASHES[name])
            case "ECDSA", ec.EllipticCurvePrivateKey() as key:
                return key.sign(data, ec.ECDSA(HASHES[name]))
        raise SetupError(f"{algorithm}: our key is of another kind", reason="key_of_wrong_kind")


def signing_key(connection: Connection, name: str = "private_key") -> PrivateKey:
    """Return the private key that the connection's field `name` refers to.

    The passphrase of an encrypted one, or the PIN of its token, is the field `<name>_passphrase`. SetupError for a
    field that is missing, a reference that leads nowhere, and a key that cannot be read or may not sign.
    """
    secret = connection.optional(f"{name}_passphrase")
    return private_key(connection.required(name), secret=secret, setting=f"{connection.party} {name}")


def private_key(reference: str, *, secret: str = "", setting: str = "private_key") -> PrivateKey:
    """Return the private key of a reference; `secret` is its passphrase or PIN, `setting` its name in errors."""
    if reference.startswith(TOKEN):
        from truc.trust.tokens import token_key  # most installations have no token: its library is not loaded for them

        return token_key(reference, pin=secret, setting=setting)
    return PemKey(pem_key(reference, secret=secret, setting=setting))


def pem_key(reference: str, *, secret: str = "", setting: str = "private_key") -> PemPrivateKey:
    """Return a key that is not in a token, for what must have it in memory (TLS)."""
    if reference.startswith(TOKEN):
        raise SetupError(f"{setting}: a key inside a token cannot be used here: it never leaves it", reason="in_token")
    content = _secret_content(reference, setting)
    password = secret.encode() or None
    try:
        if PEM in content:
            key = serialization.load_pem_private_key(content, password)
        else:
            key = serialization.load_der_private_key(_der(content), password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SetupError(f"{setting}: {_why(error, secret)}", reason="key_unusable") from None
    if not isinstance(key, PemPrivateKey):
        raise SetupError(f"{setting}: neither an RSA nor an EC key", reason="key_of_wrong_kind")
    require_strength(key.key_size, RSA_BITS_MIN if isinstance(key, rsa.RSAPrivateKey) else CURVE_BITS_MIN, setting)
    return key


def public_key(reference: str, *, setting: str = "public_key") -> PublicKey:
    """Return a partner's key: that of a certificate, or a public key by itself.

    Its length is no matter here: which key a partner has is not ours to choose, so `signing.verify` refuses a short one
    unless the profile says why it must be. Our own may be exchanged at any time, so for it there is no excuse.
    Whether the certificate is in its period is not asked: who pins a key takes it until it is replaced, and
    `truc certs check` warns before the end.
    """
    if reference.startswith(TOKEN):
        raise SetupError(f"{setting}: give the partner's key as a file or text", reason="in_token")
    content = _public_content(reference, setting)
    try:
        key = _certificates(content)[0].public_key() if _holds_certificates(content) else _public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SetupError(f"{setting}: holds no public key or certificate", reason="key_unusable") from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise SetupError(f"{setting}: neither an RSA nor an EC key", reason="key_of_wrong_kind")
    return key


def certificates(reference: str, *, setting: str = "certificate") -> tuple[x509.Certificate, ...]:
    """Return the certificates of a reference, at least one, in their order."""
    if reference.startswith(TOKEN):
        raise SetupError(f"{setting}: give the certificate as a file or text", reason="in_token")
    content = _public_content(reference, setting)
    try:
        return _certificates(content)
    except ValueError as error:
        raise SetupError(f"{setting}: holds no certificate", reason="certificate_unusable") from error


def _secret_content(reference: str, setting: str) -> bytes:
    """Read what a reference leads to. A path alone is refused: the error would repeat a key that was taken for one."""
    scheme, _, rest = reference.partition(":")
    if _is_text(reference):
        return _text(reference)
    match scheme:
        case "file":
            return _file(Path(rest), setting, forbidden=stat.S_IRWXO)
        case "env":
            return _text(_variable(rest, setting))
    raise SetupError(f"{setting}: must be {FORMS}", reason="setting_malformed")


def _public_content(reference: str, setting: str) -> bytes:
    if _is_text(reference):
        return _text(reference)
    if reference.startswith("env:"):
        return _text(_variable(reference.removeprefix("env:"), setting))
    return _file(Path(reference.removeprefix("file:")), setting, forbidden=0)


def _is_text(reference: str) -> bool:
    return PEM.decode() in reference or BARE_BASE64.fullmatch(reference) is not None


def _text(text: str) -> bytes:
    return text.replace("\\n", "\n").encode()  # how many tools write the end of a line in a variable


def _variable(name: str, setting: str) -> str:
    if not (text := os.environ.get(name)):
        raise SetupError(f"{setting}: the variable of the reference env:… is not set", reason="key_missing")
    return text


def _file(path: Path, setting: str, *, forbidden: int) -> bytes:
    """Read a file whose mode has none of the forbidden bits."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & forbidden:
                raise SetupError(f"{setting}: everybody may read {path}: chmod o= it", reason="key_readable_by_all")
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise SetupError(f"{setting}: {path}: {error.strerror}", reason="key_missing") from error
    if len(content) > FILE_BYTES_MAX:
        raise SetupError(f"{setting}: {path} is over {FILE_BYTES_MAX:,} bytes", reason="key_unusable")
    return content


def _der(content: bytes) -> bytes:
    """Return DER as it is, or out of bare Base64; ValueError for neither."""
    if content[:1] == b"\x30":  # an ASN.1 SEQUENCE, which no Base64 of one begins with
        return content
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("neither PEM, DER nor Base64") from error


def _why(error: Exception, secret: str) -> str:
    """Say what is wrong with a private key in words of ours: the library's may quote it."""
    if isinstance(error, UnsupportedAlgorithm):
        return "the key is of a kind that is not supported"
    if isinstance(error, TypeError):
        return "the key is not encrypted: take the passphrase away" if secret else "the key is encrypted: no passphrase"
    return "no key, or another passphrase" if secret else "no private key in PEM, DER or Base64"


def _holds_certificates(content: bytes) -> bool:
    if PEM in content:
        return b"CERTIFICATE" in content
    try:
        x509.load_der_x509_certificate(_der(content))
    except ValueError:
        return False
    return True


def _certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    if PEM in content:
        return tuple(x509.load_pem_x509_certificates(content))
    return (x509.load_der_x509_certificate(_der(content)),)


def _public_key(content: bytes) -> object:
    if PEM in content:
        return serialization.load_pem_public_key(content)
    return serialization.load_der_public_key(_der(content))
