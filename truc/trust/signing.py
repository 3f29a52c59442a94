"""One table-driven signer: a partner's signature is a row of data, a `Profile`, and never code of its own."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
RSA_BITS_MIN, CURVE_BITS_MIN = 2048, 224  # NIST SP 800-131A: less than 112 bits of strength is not acceptable
# What form encoding leaves as it is; asking first is several times as quick as quote_plus.
_FORM_SAFE = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch

_SURROGATE = re.compile("[\ud800-\udfff]")


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
    `form` encoding is that of HTML forms (a blank is `+`), of names and values; `_.-~` and ASCII letters and digits
    stay. A weak algorithm needs `weak_because`: SetupError without it, as for a row that contradicts itself.
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
    frame: tuple[str, ...] = field(init=False, repr=False, compare=False)  # of a text with a fixed list of fields

    def __post_init__(self) -> None:
        if self.algorithm in WEAK and not self.weak_because.strip():
            raise SetupError(f"{self.algorithm} is weak: say in weak_because why it must be", reason="weak_algorithm")
        plain = self.algorithm in DIGESTS and not self.algorithm.startswith("HMAC-")
        if plain == (self.key_place == "hmac"):
            what = f"{self.algorithm} with key_place={self.key_place!r}"
            raise _contradiction(f"{what}: a plain digest, and nothing else, takes the secret into its text")
        if len(set(self.names)) != len(self.names):
            raise _contradiction("a name stands twice in names")
        if shared := set(self.names) & set(self.apart):
            raise _contradiction(f"both signed and apart: {', '.join(sorted(shared))}")
        object.__setattr__(self, "frame", _frame(self))


def text_to_sign(profile: Profile, fields: Mapping[str, str], *, secret: str = "") -> bytes:
    """Return the bytes that are signed (UTF-8).

    Raise MalformedError that names a missing field, or one that is not Unicode text; SetupError where the secret
    belongs to the text and is empty.
    """
    try:
        text = _framed(profile, fields) if profile.frame else _assembled(profile, fields)
        return (profile.lead + text if profile.key_place == "hmac" else _with_secret(profile, text, secret)).encode()
    except (KeyError, TypeError, UnicodeEncodeError) as error:
        raise _unsignable(profile, fields) from error


def sign(profile: Profile, fields: Mapping[str, str], key: str | PrivateKey) -> str:
    """Return the signature over the fields in the profile's form. `key` is the shared secret, or the private key."""
    return _signature(profile, text_to_sign(profile, fields, secret=_inner_secret(profile, key)), key)


def sign_bytes(profile: Profile, text: bytes, key: str | PrivateKey) -> str:
    """Return the signature over bytes that hold all that is signed, the secret where it is part of them included.

    Raise SetupError where the profile puts the secret into the text and it is not there: the bare digest of a message
    is no signature.
    """
    if profile.key_place != "hmac":
        _require_secret(profile, text, key)
    return _signature(profile, text, key)


def verify(profile: Profile, fields: Mapping[str, str], key: str | PublicKey, signature: str) -> bool:
    """Say whether the partner signed these fields, in a time that does not tell where a signature differs.

    `key` is the shared secret, or the partner's public key. Only the profile's algorithm and form are taken, to the
    letter: a hex signature in the other case is another form. Raise as `text_to_sign` does.
    """
    return _is_right(profile, text_to_sign(profile, fields, secret=_inner_secret(profile, key)), key, signature)


def verify_bytes(profile: Profile, text: bytes, key: str | PublicKey, signature: str) -> bool:
    """Say the same over bytes as they were received, the secret included as for `sign_bytes`."""
    if profile.key_place != "hmac":
        _require_secret(profile, text, key)
    return _is_right(profile, text, key, signature)


def _frame(profile: Profile) -> tuple[str, ...]:
    """Return what stands before each value, each followed by a place for it; empty where the fields are not fixed."""
    if not profile.names or profile.empties == "left_out" or profile.missing == "empty":
        return ()
    written = [_form(name) if profile.encoding == "form" else name for name in profile.names]
    befores = [f"{name}=" if profile.parts == "name=value" else "" for name in written]
    befores[1:] = [profile.separator + before for before in befores[1:]]
    return tuple(piece for before in befores for piece in (before, ""))


def _framed(profile: Profile, fields: Mapping[str, str]) -> str:
    values: Iterable[str] = map(fields.__getitem__, profile.names)
    pieces = list(profile.frame)
    pieces[1::2] = map(_form, values) if profile.encoding == "form" else values
    return "".join(pieces)  # TypeError where a value is not text


def _assembled(profile: Profile, fields: Mapping[str, str]) -> str:
    names = profile.names or sorted(fields.keys() - set(profile.apart))
    given = [(name, fields.get(name, "") if profile.missing == "empty" else fields[name]) for name in names]
    pairs = [pair for pair in given if pair[1] != ""] if profile.empties == "left_out" else given
    if not pairs:
        raise KeyError
    if profile.encoding == "form":
        pairs = [(_form(name), _form(value)) for name, value in pairs]
    if profile.parts == "value":
        return profile.separator.join([value for _, value in pairs])
    return profile.separator.join([name + "=" + value for name, value in pairs])


def _form(text: str) -> str:
    return text if _FORM_SAFE(text) else quote_plus(text)


def _with_secret(profile: Profile, text: str, secret: str) -> str:
    if not secret:
        raise SetupError("the shared secret is empty", reason="key_missing")
    match profile.key_place:
        case "first":
            return profile.lead + secret + profile.separator + text
        case "last":
            return profile.lead + text + profile.separator + secret
        case "prefix":
            return secret + profile.lead + text
        case _:
            return profile.lead + text + secret


def _require_secret(profile: Profile, text: bytes, key: object) -> None:
    secret = _inner_secret(profile, key).encode(errors="replace")
    begins = (profile.lead.encode() if profile.key_place == "first" else b"") + secret
    stands = text.startswith(begins) if profile.key_place in ("first", "prefix") else text.endswith(secret)
    if not secret or not stands:
        text_ = f"the secret does not stand {profile.key_place} in the bytes: their digest would prove nothing"
        raise SetupError(text_, reason="secret_not_in_text")


def _inner_secret(profile: Profile, key: object) -> str:
    return key if isinstance(key, str) and profile.key_place != "hmac" else ""


def _signature(profile: Profile, text: bytes, key: str | PrivateKey) -> str:
    return _written(profile, _digest(profile, text, key) if isinstance(key, str) else key.sign(text, profile.algorithm))


def _digest(profile: Profile, text: bytes, key: str) -> bytes:
    make = DIGESTS.get(profile.algorithm)
    if make is None:
        raise SetupError(f"{profile.algorithm} takes a key pair, not a shared secret", reason="key_of_wrong_kind")
    if profile.key_place != "hmac":
        return make(text).digest()
    if not key:
        raise SetupError("the shared secret is empty", reason="key_missing")
    try:
        return hmac.digest(key.encode(), text, make)
    except UnicodeEncodeError:
        # Not chained: the error that is hidden holds the secret.
        raise SetupError("the shared secret is not Unicode text", reason="key_malformed") from None


def _is_right(profile: Profile, text: bytes, key: str | PublicKey, signature: str) -> bool:
    if isinstance(key, str):
        right = _written(profile, _digest(profile, text, key))
        return signature.isascii() and hmac.compare_digest(right, signature)
    raw = _read(profile, signature)
    return raw is not None and _is_signed(profile, key, raw, text)


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
    except ValueError:
        return None
    return raw if _written(profile, raw) == signature else None


def _is_signed(profile: Profile, key: PublicKey, raw: bytes, text: bytes) -> bool:
    family, _, name = profile.algorithm.rpartition("-")
    try:
        match family, key:
            case "RSA", rsa.RSAPublicKey():
                _require_length(profile, key.key_size, RSA_BITS_MIN)
                key.verify(raw, text, padding.PKCS1v15(), HASHES[name])
            case "RSA-PSS", rsa.RSAPublicKey():
                _require_length(profile, key.key_size, RSA_BITS_MIN)
                # The salt is as long as the digest: what RFC 8017 names usual, and nothing else is taken.
                pss = padding.PSS(padding.MGF1(HASHES[name]), padding.PSS.DIGEST_LENGTH)
                key.verify(raw, text, pss, HASHES[name])
            case "ECDSA", ec.EllipticCurvePublicKey():
                _require_length(profile, key.key_size, CURVE_BITS_MIN)
                key.verify(raw, text, ec.ECDSA(HASHES[name]))
            case _:
                text_ = f"{profile.algorithm}: the partner's key is of another kind"
                raise SetupError(text_, reason="key_of_wrong_kind")
    except InvalidSignature:
        return False
    return True


def require_strength(bits: int, least: int, setting: str) -> None:
    """Raise SetupError for a key of our own that is shorter than `least`: a longer one is made in a minute."""
    if bits < least:
        raise SetupError(f"{setting}: a key of {bits} bits is weak: make one of {least} or more", reason="weak_key")


def _require_length(profile: Profile, bits: int, least: int) -> None:
    if bits < least and not profile.weak_because.strip():
        raise SetupError(
            f"a key of {bits} bits is weak: {least} or more, or say in weak_because why", reason="weak_key"
        )


def _contradiction(text: str) -> SetupError:
    return SetupError(text, reason="profile_malformed")


def _unsignable(profile: Profile, fields: Mapping[str, str]) -> MalformedError | SetupError:
    """Return what is wrong with fields that gave no text. Names that came from outside are written in ASCII."""
    names = profile.names or tuple(fields)
    if profile.missing == "refused" and (missing := [name for name in names if name not in fields]):
        return MalformedError(f"to sign, fields are missing: {', '.join(missing)}", reason="field_missing")
    given = [name for name in names if name in fields]
    if odd := [name for name in given if not (isinstance(name, str) and isinstance(fields[name], str))]:
        return MalformedError(f"to sign, a field is not text: {odd[0]!a:.60}", reason="not_text")
    if odd := [name for name in given if _SURROGATE.search(name + fields[name])]:
        return MalformedError(f"to sign, a field is not Unicode text: {odd[0]!a:.60}", reason="not_unicode")
    if all(fields.get(name, "") == "" for name in names if name not in profile.apart):
        return MalformedError("to sign, there is no field", reason="field_missing")
    return SetupError("the shared secret is not Unicode text", reason="key_malformed")
