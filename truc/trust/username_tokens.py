"""UsernameToken of WS-Security 1.0: a name and its password in the header of a message, written and checked."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from lxml import etree

from truc.errors import MalformedError, SetupError, TransientError
from truc.trust import signed_xml

OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
WSSE, WSU = f"{{{OASIS}wssecurity-secext-1.0.xsd}}", f"{{{OASIS}wssecurity-utility-1.0.xsd}}"
SECURITY = f"{SOAP}Header/{WSSE}Security"
BASE64 = f"{OASIS}soap-message-security-1.0#Base64Binary"
TYPES = {
    "text": f"{OASIS}username-token-profile-1.0#PasswordText",
    "digest": f"{OASIS}username-token-profile-1.0#PasswordDigest",
}
NONCE_BYTES = 16
NONCES_MAX = 100_000

PasswordForm = Literal["text", "digest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsernameToken:
    """Who we are by name and password. As text it leaves over TLS or the loopback only.

    The digest is Base64(SHA-1(nonce + created + password)) and nothing else: the profile knows no stronger one, so
    `weak_because` must say why it is used. SetupError without it.
    """

    username: str
    password: str = field(repr=False)
    form: PasswordForm = "text"
    weak_because: str = ""

    def __post_init__(self) -> None:
        if self.form == "digest" and not self.weak_because:
            text = "PasswordDigest is SHA-1: say in weak_because why it must be"
            raise SetupError(text, reason="weak_algorithm")


class Nonces:
    """The nonces that one process has taken, each for as long as its message is fresh.

    Where several processes take messages for one name, each counts for itself: let one of them take these.
    """

    def __init__(self, most: int = NONCES_MAX) -> None:
        self._until: dict[bytes, datetime] = {}
        self._most = most
        self._lock = threading.Lock()

    def take(self, nonce: bytes, *, until: datetime, now: datetime) -> bool:
        """Say whether the nonce is new, and keep it; TransientError while more are fresh than can be kept."""
        with self._lock:
            if len(self._until) >= self._most:
                self._until = {one: end for one, end in self._until.items() if end >= now}
            if len(self._until) >= self._most:
                raise TransientError("more fresh nonces than can be kept", reason="nonces_full")
            if nonce in self._until and self._until[nonce] >= now:
                return False
            self._until[nonce] = until
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Which names and passwords a message may carry, in which form, and how long it is fresh."""

    passwords: Mapping[str, str] = field(repr=False)
    form: PasswordForm
    lives: timedelta = timedelta(minutes=5)
    skew: timedelta = timedelta(minutes=1)


def write(token: UsernameToken, *, address: str, now: datetime) -> etree._Element:
    """Return the element, for a message to this address; SetupError for text in clear to another machine."""
    _check_way(token, address)
    nonce, created = secrets.token_bytes(NONCE_BYTES), written(now)
    element = etree.Element(f"{WSSE}UsernameToken", nsmap={"wsse": WSSE[1:-1], "wsu": WSU[1:-1]})
    etree.SubElement(element, f"{WSSE}Username").text = token.username
    password = etree.SubElement(element, f"{WSSE}Password", Type=TYPES[token.form])
    password.text = digest(nonce, created, token.password) if token.form == "digest" else token.password
    etree.SubElement(element, f"{WSSE}Nonce", EncodingType=BASE64).text = base64.b64encode(nonce).decode()
    etree.SubElement(element, f"{WSU}Created").text = created
    return element


def check(message: bytes, names: Names, nonces: Nonces, *, now: datetime) -> str:
    """Return the name in a message's UsernameToken, when its password is right, fresh, and not used before.

    A digest needs its nonce and time; of a token as text both are held against the rules where it has them. Else
    MalformedError.
    """
    token = signed_xml.element_at(signed_xml.read(message), f"{SECURITY}/{WSSE}UsernameToken")
    needed = names.form == "digest"
    nonce = from_base64(text_of(token, f"{WSSE}Nonce")) if needed or token.find(f"{WSSE}Nonce") is not None else b""
    created = text_of(token, f"{WSU}Created") if needed or token.find(f"{WSU}Created") is not None else ""
    name = _right_name(token, names, nonce, created)
    if created and not now - names.lives - names.skew <= instant(created) <= now + names.skew:
        raise MalformedError("the UsernameToken is not fresh", reason="not_fresh")
    # Last, so that nobody without the password uses a nonce up.
    if nonce and not nonces.take(nonce, until=now + names.lives + 2 * names.skew, now=now):
        raise MalformedError("the nonce was used before", reason="nonce_used")
    return name


def digest(nonce: bytes, created: str, password: str) -> str:
    """Return the PasswordDigest of UsernameToken Profile 1.0, 3.1."""
    text = nonce + created.encode() + password.encode()
    return base64.b64encode(hashlib.sha1(text).digest()).decode()  # noqa: S324  (see UsernameToken)


def text_of(parent: etree._Element, name: str) -> str:
    """Return the text of the one child of that name."""
    return (signed_xml.element_at(parent, name).text or "").strip()


def from_base64(text: str) -> bytes:
    """Return what the text encodes, or raise MalformedError."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise MalformedError("the message holds what is no Base64", reason="not_base64") from error


def instant(text: str) -> datetime:
    """Read a time (aware). The profile wants UTC, so that is what one without a zone is of."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedError("the message holds what is no time", reason="not_a_time") from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def written(at: datetime) -> str:
    """Return an instant as WS-Security writes it: UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _right_name(token: etree._Element, names: Names, nonce: bytes, created: str) -> str:
    """Return the name; MalformedError that does not tell an unknown name from a wrong password."""
    name, given = text_of(token, f"{WSSE}Username"), signed_xml.element_at(token, f"{WSSE}Password")
    own = names.passwords.get(name, "")
    right = digest(nonce, created, own) if names.form == "digest" else own
    matches = hmac.compare_digest(right.encode(), (given.text or "").encode())
    typed = given.get("Type", TYPES["text"]) == TYPES[names.form]  # the profile's default is text
    if not (typed and matches and name in names.passwords):
        raise MalformedError("the name or its password is wrong", reason="username_refused")
    return name


def _check_way(token: UsernameToken, address: str) -> None:
    parts = urlsplit(address)
    if token.form == "digest" or parts.scheme == "https" or _is_loopback(parts.hostname or ""):
        return
    raise SetupError("a password as text leaves over https only (http on the loopback)", reason="clear_text_address")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
