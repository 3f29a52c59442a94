"""Checks one published signature: reads how its algorithm is spelled, and asks the hub's own signer."""

import base64
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from truc.errors import SetupError
from truc.trust import keys
from truc.trust.signing import DIGESTS, Algorithm, Profile, PublicKey, sign_bytes, verify_bytes

WHY_WEAK = "a published vector: checked here, never sent"
NOT_CONFIRMED = "a signature that this key does not confirm"
Place = Literal["prefix", "suffix", ""]

# The words of a spelling, from its left; one that is none of them makes the algorithm unknown.
_WORD = re.compile(
    r"(?P<family>RSASSA-PSS|RSASSA|RSA-PSS|RSA|HMAC|ECDSA|PSS|MGF1)"
    r"|(?P<jwa>[HRP]S(?:256|512)\b)"
    r"|(?P<digest>MD5|SHA[-_]?(?:512|256|1)(?![0-9/]))"
    r"|(?P<output>BASE64[-_]?URL|BASE64|B64|HEX)"
    r"|(?P<noise>JWS|JWT|WITH|AND|RAW|TEXT|ASCII|UTF-?8|(?:NO[- ]?|UN)PADD(?:ED|ING)|PKCS#?1|V1[._]5"
    r"|(?:LOWER|UPPER)(?:[-_ ]?CASE)?|[-_ /:,().])"
)
_BETWEEN = r"\s*(?P<between>\+|\|\||\||,)\s*"
_SECRET, _TEXT = r"\b\w*(?:KEY|SECRET)\b", r"\b(?:RAW|TEXT|MESSAGE|DATA|BODY|VALUES|STRING)\b"
_PREFIX, _SUFFIX = re.compile(f"{_SECRET}{_BETWEEN}{_TEXT}"), re.compile(f"{_TEXT}{_BETWEEN}{_SECRET}")
_SAME = {"RSASSAPSS": "RSAPSS", "PSS": "RSAPSS", "MGF1": "RSAPSS", "RSASSA": "RSA", "B64": "BASE64"}
_JWA = {"H": "HMAC", "R": "RSA", "P": "RSAPSS"}
_PLACES: tuple[tuple[Place, re.Pattern[str]], ...] = (("prefix", _PREFIX), ("suffix", _SUFFIX))


@dataclass(frozen=True, slots=True)
class Spelled:
    """What a spelling says; `output` or `place` "": nothing. `joint` stands between text and secret."""

    algorithm: Algorithm
    output: str = ""  # HEX, BASE64, BASE64URL
    place: Place = ""
    joint: bytes = b""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to read a vector: the bytes to sign, the secret, and where it stands in them ("": nowhere)."""

    text: bytes
    secret: bytes
    place: Place = ""


def spelled(text: str) -> Spelled | None:
    """Return what «HMAC-SHA256-hex», «SHA256-hex(raw+key)», «SHA1withRSA» … say, or None for what nobody knows."""
    place, joint, rest = _place(text.upper())
    said: dict[str, set[str]] = {"family": set(), "digest": set(), "output": set()}
    while rest:
        if (word := _WORD.match(rest)) is None:
            return None
        for kind, plain in _meant(str(word.lastgroup), re.sub("[-_]", "", word[0])):
            said[kind].add(plain)
        rest = rest[word.end() :]
    return _one(said, place, joint)


def _meant(kind: str, word: str) -> tuple[tuple[str, str], ...]:
    match kind:
        case "jwa":
            return ("family", _JWA[word[0]]), ("digest", f"SHA{word[2:]}"), ("output", "BASE64URL")
        case "noise":
            return ()
        case _:
            return ((kind, _SAME.get(word, word)),)


def computed(said: Spelled, text: str, key: str | None, expected: str) -> str:
    """Return `expected` where the hub's signer makes it, or what the signer makes, in the same form.

    A key pair's signature is verified: another may be as right. Text and secret are read as UTF-8, then as hex or
    Base64 where they can be: a wrong reading gives no right value. SetupError for a key that cannot be used.
    """
    if said.algorithm not in DIGESTS:
        return _by_key_pair(said, text, key or "", expected)
    made = [_written(said, _raw(said, way), expected) for way in _ways(said, text, key or "")]
    return expected if expected in made else made[0]


def _place(upper: str) -> tuple[Place, bytes, str]:
    """Return where the secret stands, what is between it and the text, and the spelling without these words."""
    for place, form in _PLACES:
        if word := form.search(upper):
            return place, b"|" if word["between"] == "|" else b"", upper.replace(word[0], "")
    return "", b"", upper


def _one(said: dict[str, set[str]], place: Place, joint: bytes) -> Spelled | None:
    if said["family"] == {"RSA", "RSAPSS"}:
        said["family"] = {"RSAPSS"}
    if len(said["digest"]) != 1 or len(said["family"]) > 1 or len(said["output"]) > 1:
        return None
    wanted = "".join([*said["family"], *said["digest"]])
    algorithm: Algorithm | None = next((one for one in get_args(Algorithm) if one.replace("-", "") == wanted), None)
    return algorithm and Spelled(algorithm, "".join(said["output"]), place, joint)


def _ways(said: Spelled, text: str, key: str) -> Iterator[Way]:
    for raw in _readings(text):
        for secret in _readings(key):
            if said.algorithm.startswith("HMAC-"):
                yield Way(raw, secret)
                continue
            if not said.place:
                yield Way(raw, b"")  # no secret, or one that the text holds already
            if said.place != "suffix" and secret:
                yield Way(secret + said.joint + raw, secret, "prefix")
            if said.place != "prefix" and secret:
                yield Way(raw + said.joint + secret, secret, "suffix")


def _readings(text: str) -> Iterator[bytes]:
    yield text.encode()
    for read in (bytes.fromhex, _from_base64):
        try:
            yield read(text)
        except ValueError:
            continue


def _from_base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _raw(said: Spelled, way: Way) -> bytes:
    try:
        secret = way.secret.decode()
    except UnicodeDecodeError:
        secret = ""
    is_hmac = said.algorithm.startswith("HMAC-")
    if secret and (is_hmac or way.place):
        row = Profile(algorithm=said.algorithm, key_place=way.place or "hmac", weak_because=WHY_WEAK)
        return bytes.fromhex(sign_bytes(row, way.text, secret))
    # The hub's signer takes no secret that is empty or no text; RFC vectors have both.
    make = DIGESTS[said.algorithm]
    return hmac.digest(way.secret, way.text, make) if is_hmac else make(way.text).digest()


def _written(said: Spelled, raw: bytes, expected: str) -> str:
    """Return the raw value in the form that is said, in the case or padding of `expected`."""
    is_hex = said.output == "HEX" or (not said.output and re.fullmatch(r"[0-9A-Fa-f]+", expected) is not None)
    if is_hex:
        return raw.hex().upper() if expected.isupper() else raw.hex()
    text = base64.b64encode(raw).decode()
    if said.output != "BASE64URL":
        return text
    text = text.replace("+", "-").replace("/", "_")
    return text if expected.endswith("=") else text.rstrip("=")


def _by_key_pair(said: Spelled, text: str, key: str, expected: str) -> str:
    public = _public_key(key)
    is_hex = said.output == "HEX" or (not said.output and re.fullmatch(r"[0-9A-Fa-f]+", expected) is not None)
    try:
        signature = (bytes.fromhex(expected) if is_hex else _from_base64(expected)).hex()
    except ValueError:
        return f"no signature at all: it is not {said.output or 'hex or Base64'}"
    row = Profile(algorithm=said.algorithm, weak_because=WHY_WEAK)
    confirmed = any(verify_bytes(row, raw, public, signature) for raw in _readings(text))
    return expected if confirmed else NOT_CONFIRMED


def _public_key(key: str) -> PublicKey:
    """Return the public key of a certificate, public or private key, PEM or Base64 of DER; SetupError for others."""
    if keys.PEM.decode() not in key and not keys.BARE_BASE64.fullmatch(key):
        raise SetupError("the key must be PEM or Base64 of DER", reason="key_malformed")  # and never a path to read
    try:
        return keys.public_key(key, setting="key")
    except SetupError:
        return keys.pem_key(key, setting="key").public_key()
