"""Keys inside a PKCS#11 token (HSM, smart card, SoftHSM): the token signs, the key never leaves it.

The reference is a URI of RFC 7512, `pkcs11:token=HUB;object=momo?module-path=/usr/lib/softhsm/libsofthsm2.so`.
Taken of it: token, serial, object (the key's label), id, type=private; module-path (else the variable
`TRUC_PKCS11_MODULE`), pin-source (`env:NAME` or `file:/path`). A PIN in the reference itself is refused: references
are shown on screens.

A process logs in to a token once, and keeps the session: logging in anew for every signature costs more than signing.
A session that the token has ended is opened again, once.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, unquote_to_bytes

import pkcs11
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass, exceptions

from truc.errors import SetupError, TransientError, TrucError
from truc.trust.signing import RSA_BITS_MIN, Algorithm, require_strength

Done = TypeVar("Done")

MODULE = "TRUC_PKCS11_MODULE"
SCHEME = "pkcs11:"
KNOWN = {"token", "serial", "object", "id", "type", "module-path", "pin-source"}

RSA: dict[str, tuple[Mechanism, Any]] = {
    "RSA-SHA1": (Mechanism.SHA1_RSA_PKCS, None),
    "RSA-SHA256": (Mechanism.SHA256_RSA_PKCS, None),
    "RSA-SHA512": (Mechanism.SHA512_RSA_PKCS, None),
    # (digest, mask, salt in bytes: as long as the digest)
    "RSA-PSS-SHA256": (Mechanism.SHA256_RSA_PKCS_PSS, (Mechanism.SHA256, MGF.SHA256, 32)),
    "RSA-PSS-SHA512": (Mechanism.SHA512_RSA_PKCS_PSS, (Mechanism.SHA512, MGF.SHA512, 64)),
}
# Digested here: tokens that do it themselves are few, and a digest is no secret.
ECDSA: dict[str, Callable[[bytes], Any]] = {"ECDSA-SHA256": hashlib.sha256, "ECDSA-SHA512": hashlib.sha512}

# What a token's failure means. One that is in no table needs a person: settings, rights, or the token itself.
WORDS: dict[type[Exception], tuple[str, str]] = {
    exceptions.PinIncorrect: ("pin_refused", "the PIN is wrong: correct it before the token locks"),
    exceptions.PinInvalid: ("pin_refused", "the PIN holds what the token does not take"),
    exceptions.PinLenRange: ("pin_refused", "the PIN is too short or too long"),
    exceptions.PinLocked: ("pin_locked", "the PIN is locked after wrong ones: the security officer must set a new one"),
    exceptions.PinExpired: ("pin_refused", "the PIN has expired"),
    exceptions.UserPinNotInitialized: ("pin_refused", "the token has no user PIN yet"),
    exceptions.UserAlreadyLoggedIn: ("pin_refused", "this process is logged in to the token with another PIN"),
    exceptions.AnotherUserAlreadyLoggedIn: ("pin_refused", "the security officer is logged in to the token"),
    exceptions.NoSuchToken: ("token_missing", "no such token"),
    exceptions.MultipleTokensReturned: ("token_ambiguous", "several tokens fit: say its serial"),
    exceptions.NoSuchKey: ("key_missing", "no such private key in the token"),
    exceptions.MultipleObjectsReturned: ("key_ambiguous", "several private keys fit: say label and id"),
    exceptions.MechanismInvalid: ("key_of_wrong_kind", "the token cannot make this kind of signature"),
}
AGAIN_LATER: tuple[type[Exception], ...] = (
    exceptions.DeviceError,
    exceptions.DeviceMemory,
    exceptions.DeviceRemoved,
    exceptions.FunctionFailed,
    exceptions.FunctionCancelled,
    exceptions.HostMemory,
    exceptions.OperationActive,
    exceptions.SessionCount,
    exceptions.TokenNotPresent,
)
# The token forgot us: restarted, unplugged, or cut off by its administrator.
SESSION_ENDED: tuple[type[Exception], ...] = (
    exceptions.DeviceRemoved,
    exceptions.KeyHandleInvalid,
    exceptions.ObjectHandleInvalid,
    exceptions.SessionClosed,
    exceptions.SessionHandleInvalid,
    exceptions.UserNotLoggedIn,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key lies. "" and b"" say nothing about it."""

    module: str
    token: str = ""
    serial: bytes = b""
    label: str = ""
    id: bytes = b""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A private key inside a token; safe to use from several threads, which then wait for each other."""

    place: Place
    pin: str = field(repr=False)
    setting: str

    def sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        """Return the raw signature, of ECDSA in DER as elsewhere.

        SetupError for an algorithm that the key cannot make, TransientError when the token fails for now.
        """
        return self._done(partial(self._signed, data, algorithm))

    def check(self) -> None:
        """Find the key, or raise as `sign` does; SetupError for an RSA key under 2,048 bits."""
        self._done(self._checked)

    def _done(self, work: Callable[[], Done]) -> Done:
        """Do it with the session that is kept; once more with a new one, where the token has ended that."""
        with _LOCK:
            try:
                return work()
            except SESSION_ENDED:
                _forget(self.place, self.pin)
            except pkcs11.PKCS11Error as error:
                raise translate(self.setting, error) from error
            try:
                return work()
            except pkcs11.PKCS11Error as error:
                raise translate(self.setting, error) from error

    def _checked(self) -> None:
        key = _key(self.place, self.pin, self.setting)
        if key.key_type is KeyType.RSA:
            require_strength(len(key[Attribute.MODULUS]) * 8, RSA_BITS_MIN, self.setting)

    def _signed(self, data: bytes, algorithm: Algorithm) -> bytes:
        key = _key(self.place, self.pin, self.setting)
        match key.key_type:
            case KeyType.RSA if algorithm in RSA:
                mechanism, param = RSA[algorithm]
                return bytes(key.sign(data, mechanism=mechanism, mechanism_param=param))
            case KeyType.EC if algorithm in ECDSA:
                return _as_der(key.sign(ECDSA[algorithm](data).digest(), mechanism=Mechanism.ECDSA))
        raise SetupError(f"{algorithm}: our key is of another kind", reason="key_of_wrong_kind")


def token_key(reference: str, *, pin: str = "", setting: str = "private_key") -> TokenKey:
    """Return the key, once the token was logged in to and holds one key of that name that may sign; else SetupError, as
    for an RSA key under 2,048 bits.

    `pin` gives way to the reference's own pin-source.
    """
    fields = _read(reference, setting)
    key = TokenKey(_place(fields, setting), _pin(fields.get("pin-source", ""), pin, setting), setting)
    key.check()
    return key


def translate(setting: str, error: Exception) -> TrucError:
    """Return our failure for one of the token's. Its text names the class only."""
    name = type(error).__name__
    if isinstance(error, AGAIN_LATER):
        return TransientError(f"{setting}: {name}: the token does not answer now", reason="token_away")
    reason, text = WORDS.get(type(error), ("token_refused", "the token refuses: see its own log"))
    return SetupError(f"{setting}: {name}: {text}", reason=reason)


def _read(reference: str, setting: str) -> dict[str, str]:
    """Split a URI of RFC 7512; values stay percent-encoded."""
    path, _, query = reference.removeprefix(SCHEME).partition("?")
    parts = [one for one in (*path.split(";"), *query.split("&")) if one]
    fields = dict(part.split("=", 1) for part in parts if "=" in part)
    if "pin-value" in fields:
        text = f"{setting}: no pin-value in a reference: use pin-source, or the setting for the passphrase"
        raise SetupError(text, reason="setting_malformed")
    unknown = sorted(fields.keys() - KNOWN)
    if unknown or len(fields) != len(parts) or fields.get("type", "private") != "private":
        text = f"{setting}: a token's reference is made of {', '.join(sorted(KNOWN))}, each once"
        raise SetupError(text, reason="setting_malformed")
    return fields


def _place(fields: dict[str, str], setting: str) -> Place:
    module = unquote(fields.get("module-path", "")) or os.environ.get(MODULE, "")
    place = Place(
        module=module,
        token=unquote(fields.get("token", "")),
        serial=unquote_to_bytes(fields.get("serial", "")),
        label=unquote(fields.get("object", "")),
        id=unquote_to_bytes(fields.get("id", "")),
    )
    if not module:
        text = f"{setting}: which library speaks to the token? Say module-path, or set {MODULE}"
        raise SetupError(text, reason="setting_missing")
    if not (place.token or place.serial) or not (place.label or place.id):
        raise SetupError(f"{setting}: say the token and the key: token=…;object=…", reason="setting_malformed")
    return place


def _pin(source: str, given: str, setting: str) -> str:
    scheme, _, where = unquote(source).partition(":")
    try:
        found = {
            "": lambda: given,
            "env": lambda: os.environ.get(where, ""),
            "file": lambda: Path(where).read_text(encoding="utf-8").strip(),
        }[scheme]()
    except (KeyError, OSError, UnicodeDecodeError) as error:
        text = f"{setting}: pin-source must be env:NAME or file:/path that can be read"
        raise SetupError(text, reason="setting_malformed") from error
    if not found:
        raise SetupError(f"{setting}: the token wants a PIN", reason="setting_missing")
    return found


@dataclass(slots=True)
class _Login:
    """One session with a token, and the keys found in it."""

    session: Any
    serial: bytes  # of the token: two references may name one token differently
    pin: bytes  # its digest
    keys: dict[Place, Any] = field(default_factory=dict)


# Of this process: by (process, place, digest of the PIN). A child that was forked opens its own.
_LOGINS: dict[tuple[int, Place, bytes], _Login] = {}
_LOCK = threading.RLock()


def _key(place: Place, pin: str, setting: str) -> Any:
    login = _login(place, pin)
    found = login.keys.get(place)
    if found is None:
        wanted: dict[Attribute, object] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        wanted |= {Attribute.LABEL: place.label} if place.label else {}
        wanted |= {Attribute.ID: place.id} if place.id else {}
        found = _only(list(login.session.get_objects(wanted)))
        if not isinstance(found, pkcs11.SignMixin):
            raise SetupError(f"{setting}: the key may not sign", reason="key_may_not_sign")
        login.keys[place] = found
    return found


def _only(found: list[Any]) -> Any:
    if len(found) > 1:
        raise exceptions.MultipleObjectsReturned
    if not found:
        raise exceptions.NoSuchKey
    return found[0]


def _login(place: Place, pin: str) -> _Login:
    who = (os.getpid(), place, _digest(pin))
    if who not in _LOGINS:
        library = _library(place.module)
        token = library.get_token(token_label=place.token or None, token_serial=place.serial or None)
        same = [one for one in _LOGINS.values() if (one.serial, one.pin) == (token.serial, _digest(pin))]
        _LOGINS[who] = same[0] if same else _Login(token.open(user_pin=pin), token.serial, _digest(pin))
    return _LOGINS[who]


def _library(module: str) -> Any:
    """Return the module; in a child that was forked it is begun anew, as PKCS#11 2.40 asks (usage guide, 2.5.2)."""
    library = pkcs11.lib(module)
    inherited = [who for who in _LOGINS if who[0] != os.getpid()]
    if inherited:
        with suppress(pkcs11.PKCS11Error):  # a module that noticed the fork has nothing to end
            library.finalize()
        library.initialize()
        for who in inherited:
            del _LOGINS[who]
    return library


def _forget(place: Place, pin: str) -> None:
    ended = _LOGINS.pop((os.getpid(), place, _digest(pin)))
    for who in [who for who, login in _LOGINS.items() if login is ended]:
        del _LOGINS[who]
    with suppress(pkcs11.PKCS11Error):  # most often it is gone; one that is not must log out, or nobody logs in
        ended.session.close()


def _digest(pin: str) -> bytes:
    return hashlib.sha256(pin.encode()).digest()


def _as_der(pair: bytes) -> bytes:
    """Turn r and s side by side, as PKCS#11 has them, into the DER that everybody else has."""
    half = len(pair) // 2
    r, s = map(partial(int.from_bytes, byteorder="big"), (pair[:half], pair[half:]))
    return encode_dss_signature(r, s)
