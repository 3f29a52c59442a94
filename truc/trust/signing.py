"""One table-driven signer: a partner's signature is a row of data, a `Profile`, and never code of its own."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import quote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from truc.errors import MalformedError, SetupError

Algorithm = Literal[
    "MD5",
    "SHA-1",
    "SHA-256",
    "SHA-512",
    "HMAC-MD5",
    "HMAC-SHA1",
    "HMAC-SHA256",
    "HMAC-SHA512",
    "RSA-SHA1",
    "RSA-SHA256",
    "RSA-SHA512",
    "RSA-PSS-SHA256",
    "RSA-PSS-SHA512",
    "ECDSA-SHA256",
    "ECDSA-SHA512",
]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

WEAK = frozenset({"MD5", "SHA-1", "HMAC-MD5", "HMAC-SHA1", "RSA-SHA1"})
# Of a plain digest and of an HMAC alike.
DIGESTS = {
    "MD5": hashlib.md5,
    "SHA-1": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA-512": hashlib.sha512,
    "HMAC-MD5": hashlib.md5,
    "HMAC-SHA1": hashlib.sha1,
    "HMAC-SHA256": hashlib.sha256,
    "HMAC-SHA512": hashlib.sha512,
}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA1": hashes.SHA1(),  # noqa: S303  (only for a profile that says why)
    "SHA256": hashes.SHA256(),
    "SHA512": hashes.SHA512(),
}


class PrivateKey(Protocol):
    """A key that signs, wherever it lies; see truc.trust.keys."""

    def sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        """Return the raw signature; SetupError for an algorithm the key cannot make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one message is signed.

    `names` are the signed fields in their order; empty means every field given, in order of name, but those in
    `apart` (the signature itself). `key_place` says where a shared secret goes: it is the key of an
    `hmac`; or a part of its own, joined like the others (`first`, `last`); or glued to the whole (`prefix`, `suffix`).
    `form` encoding is that of HTML forms (a blank is `+`), of names and values. A weak algorithm needs
    `weak_because`: SetupError without it.
    """

    algorithm: Algorithm = "HMAC-SHA256"
    names: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    parts: Literal["name=value", "value"] = "name=value"
    separator: str = "&"
    encoding: Literal["plain", "form"] = "plain"
    empties: Literal["signed", "left_out"] = "signed"
    missing: Literal["refused", "empty"] = "refused"
    key_place: Literal["hmac", "first", "last", "prefix", "suffix"] = "hmac"
    lead: str = ""  # stands before the first part
    output: Literal["hex", "HEX", "base64"] = "hex"
    weak_because: str = ""

    def __post_init__(self) -> None:
        if self.algorithm in WEAK and not self.weak_because:
            raise SetupError(f"{self.algorithm} is weak: say in weak_because why it must be", reason="weak_algorithm")
        plain = self.algorithm in DIGESTS and not self.algorithm.startswith("HMAC-")
        if plain == (self.key_place == "hmac"):
            text = f"{self.algorithm} with key_place={self.key_place!r}: a plain digest takes the secret into its text"
            raise SetupError(text, reason="profile_malformed")


def text_to_sign(profile: Profile, fields: Mapping[str, str], *, secret: str = "") -> bytes:
    """Return the bytes that are signed (UTF-8), or raise MalformedError that names a missing field."""
    names = profile.names or tuple(sorted(fields.keys() - set(profile.apart)))
    if profile.missing == "refused" and (missing := [name for name in names if name not in fields]):
        raise MalformedError(f"to sign, fields are missing: {', '.join(missing)}", reason="field_missing")
    pairs = [(name, fields.get(name, "")) for name in names]
    if profile.empties == "left_out":
        pairs = [(name, value) for name, value in pairs if value]
    try:
        if profile.encoding == "form":
            pairs = [(quote_plus(name), quote_plus(value)) for name, value in pairs]
        parts = [f"{name}={value}" if profile.parts == "name=value" else value for name, value in pairs]
        return _with_secret(profile, parts, secret).encode()
    except UnicodeEncodeError as error:
        raise MalformedError("to sign, a field is not Unicode text", reason="not_unicode") from error


def sign(profile: Profile, fields: Mapping[str, str], key: str | PrivateKey) -> str:
    """Return the signature over the fields in the profile's form. `key` is the shared secret, or the private key."""
    return sign_bytes(profile, text_to_sign(profile, fields, secret=_inner_secret(profile, key)), key)


def sign_bytes(profile: Profile, text: bytes, key: str | PrivateKey) -> str:
    """Return the signature over bytes that hold all that is signed, the secret where it is part of them included."""
    return _written(profile, _digest(profile, text, key) if isinstance(key, str) else key.sign(text, profile.algorithm))


def verify(profile: Profile, fields: Mapping[str, str], key: str | PublicKey, signature: str) -> bool:
    """Say whether the partner signed these fields, in a time that does not tell where a signature differs.

    `key` is the shared secret, or the partner's public key. Only the profile's algorithm and form are taken.
    Raise MalformedError for a missing field.
    """
    return verify_bytes(profile, text_to_sign(profile, fields, secret=_inner_secret(profile, key)), key, signature)


def verify_bytes(profile: Profile, text: bytes, key: str | PublicKey, signature: str) -> bool:
    """Say the same over bytes as they were received."""
    if isinstance(key, str):
        return hmac.compare_digest(
            _written(profile, _digest(profile, text, key)).encode(), signature.encode(errors="replace")
        )
    raw = _read(profile, signature)
    return raw is not None and _is_signed(profile.algorithm, key, raw, text)


def _with_secret(profile: Profile, parts: list[str], secret: str) -> str:
    first = [secret] if profile.key_place == "first" else []
    last = [secret] if profile.key_place == "last" else []
    joined = profile.lead + profile.separator.join([*first, *parts, *last])
    match profile.key_place:
        case "prefix":
            return secret + joined
        case "suffix":
            return joined + secret
        case _:
            return joined


def _inner_secret(profile: Profile, key: object) -> str:
    return key if isinstance(key, str) and profile.key_place != "hmac" else ""


def _digest(profile: Profile, text: bytes, key: str) -> bytes:
    if profile.algorithm not in DIGESTS:
        raise SetupError(f"{profile.algorithm} takes a key pair, not a shared secret", reason="key_of_wrong_kind")
    make = DIGESTS[profile.algorithm]
    return hmac.digest(key.encode(), text, make) if profile.key_place == "hmac" else make(text).digest()


def _written(profile: Profile, raw: bytes) -> str:
    match profile.output:
        case "hex":
            return raw.hex()
        case "HEX":
            return raw.hex().upper()
        case "base64":
            return base64.b64encode(raw).decode()


def _read(profile: Profile, signature: str) -> bytes | None:
    """Return the raw signature, None for one that is not of the profile's form to the letter."""
    try:
        raw = base64.b64decode(signature, validate=True) if profile.output == "base64" else bytes.fromhex(signature)
    except (ValueError, binascii.Error):
        return None
    return raw if _written(profile, raw) == signature else None


def _is_signed(algorithm: Algorithm, key: PublicKey, raw: bytes, text: bytes) -> bool:
    family, _, name = algorithm.rpartition("-")
    try:
        match family, key:
            case "RSA", rsa.RSAPublicKey():
                key.verify(raw, text, padding.PKCS1v15(), HASHES[name])
            case "RSA-PSS", rsa.RSAPublicKey():
                # The salt is as long as the digest: what RFC 8017 names usual, and nothing else is taken.
                pss = padding.PSS(padding.MGF1(HASHES[name]), padding.PSS.DIGEST_LENGTH)
                key.verify(raw, text, pss, HASHES[name])
            case "ECDSA", ec.EllipticCurvePublicKey():
                key.verify(raw, text, ec.ECDSA(HASHES[name]))
            case _:
                raise SetupError(f"{algorithm}: the partner's key is of another kind", reason="key_of_wrong_kind")
    except InvalidSignature:
        return False
    return True
