"""WS-Security 1.0 for SOAP 1.1: what is put on a request, and what of a message is believed.

Sources: OASIS WSS SOAP Message Security 1.0, UsernameToken Profile 1.0, X.509 Token Profile 1.0. A signature covers
Timestamp and Body, by SHA-256 and exclusive C14N; its certificate stands beside it in a BinarySecurityToken.
"""

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from truc.errors import MalformedError
from truc.trust import signed_xml, username_tokens, xml_signatures
from truc.trust.signed_xml import DS
from truc.trust.signers import Trust
from truc.trust.signing import Algorithm, PrivateKey
from truc.trust.username_tokens import BASE64, OASIS, SECURITY, SOAP, WSSE, WSU, UsernameToken
from truc.trust.xml_signatures import Form

X509_V3 = f"{OASIS}x509-token-profile-1.0#X509v3"
BODY, TIMESTAMP = f"{SOAP}Body", f"{SECURITY}/{WSU}Timestamp"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who we are by certificate."""

    key: PrivateKey
    certificate: x509.Certificate
    algorithm: Algorithm = "RSA-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How a message that we receive must be signed: by whom, how, and how lately.

    It is fresh from its Created until its Expires, for `lives` at most; `skew` is how far two clocks may differ.
    """

    trust: Trust
    algorithm: Algorithm = "RSA-SHA256"
    lives: timedelta = timedelta(minutes=5)
    skew: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WsSecurity:
    """What goes on every request of one partner, and what its answers must carry; for `Soap(security=…)`.

    Without `reply` answers are not signed and are taken as they come.
    """

    username: UsernameToken | None = None
    signer: Signer | None = None
    reply: Expected | None = None
    lives: timedelta = timedelta(minutes=5)  # of our own Timestamp
    clock: Callable[[], datetime] = _utc_now

    def secured(self, envelope: etree._Element, *, address: str) -> etree._Element:
        """Return the envelope with a Security header; SetupError for a password in clear text to another machine."""
        now = self.clock()
        security = _header(envelope)
        stamp = _timestamp(security, now, now + self.lives)
        if self.username is not None:
            security.append(username_tokens.write(self.username, address=address, now=now))
        if self.signer is not None:
            _sign(envelope, security, stamp, self.signer)
        return envelope

    def opened(self, answer: bytes) -> bytes:
        """Return the answer, or of one that must be signed an envelope around its signed Body and nothing else.

        Raise MalformedError for one that is not signed as it must be.
        """
        return answer if self.reply is None else open_signed(answer, self.reply, now=self.clock()).envelope


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that was signed as expected: an envelope around the signed Body alone, by whom and when (aware)."""

    envelope: bytes
    certificate: x509.Certificate
    created_at: datetime


def open_signed(message: bytes, expected: Expected, *, now: datetime) -> Opened:
    """Return what a trusted signer lately signed, or raise MalformedError that says what is wrong."""
    root = signed_xml.read(message)
    if root.tag != f"{SOAP}Envelope":
        raise MalformedError("the message is no SOAP 1.1 envelope", reason="not_soap")
    if not root.findall(SECURITY):
        raise MalformedError("the message is not signed", reason="not_signed")
    form = Form(algorithm=expected.algorithm, covers=(BODY, TIMESTAMP), place=SECURITY)
    certificate = _carried(root, signed_xml.signature_of(root, SECURITY))
    found = xml_signatures.verify_parts(root, form, expected.trust, certificate=certificate, sent_along=(), now=now)
    created_at = _check_fresh(etree.fromstring(found.elements[TIMESTAMP]), expected, now)
    envelope = etree.Element(f"{SOAP}Envelope", nsmap={"soap": SOAP[1:-1]})
    envelope.append(etree.fromstring(found.elements[BODY]))
    return Opened(bytes(etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")), certificate, created_at)


def _header(envelope: etree._Element) -> etree._Element:
    """Return a new Security header, in the Header that is there or a new one."""
    header = envelope.find(f"{SOAP}Header")
    if header is None:
        header = etree.Element(f"{SOAP}Header")
        envelope.insert(0, header)
    spaces = {"wsse": WSSE[1:-1], "wsu": WSU[1:-1]}
    return etree.SubElement(header, f"{WSSE}Security", {f"{SOAP}mustUnderstand": "1"}, nsmap=spaces)


def _timestamp(security: etree._Element, created: datetime, expires: datetime) -> etree._Element:
    stamp = etree.SubElement(security, f"{WSU}Timestamp")
    etree.SubElement(stamp, f"{WSU}Created").text = username_tokens.written(created)
    etree.SubElement(stamp, f"{WSU}Expires").text = username_tokens.written(expires)
    return stamp


def _sign(envelope: etree._Element, security: etree._Element, stamp: etree._Element, signer: Signer) -> None:
    """Put certificate and signature into the header."""
    body = signed_xml.element_at(envelope, BODY)
    ids = [_named(one) for one in (stamp, body)]
    token = etree.SubElement(security, f"{WSSE}BinarySecurityToken", EncodingType=BASE64, ValueType=X509_V3)
    token.text = base64.b64encode(signer.certificate.public_bytes(Encoding.DER)).decode()
    key_info = etree.Element(f"{DS}KeyInfo", nsmap={"ds": DS[1:-1]})
    spaces = {"wsse": WSSE[1:-1]}
    holder = etree.SubElement(key_info, f"{WSSE}SecurityTokenReference", nsmap=spaces)
    etree.SubElement(holder, f"{WSSE}Reference", URI=f"#{_named(token)}", ValueType=X509_V3)
    signature = xml_signatures.sign_parts(
        envelope, ids, algorithm=signer.algorithm, key=signer.key, certificate=signer.certificate, key_info=key_info
    )
    security.append(signature)


def _named(element: etree._Element) -> str:
    """Give an element an Id, and return it."""
    name = f"id-{uuid.uuid4().hex}"
    element.set(f"{WSU}Id", name)
    return name


def _carried(root: etree._Element, signature: etree._Element) -> x509.Certificate:
    """Return the certificate of the token that the signature names."""
    reference = signed_xml.element_at(signature, f"{DS}KeyInfo/{WSSE}SecurityTokenReference/{WSSE}Reference")
    token = signed_xml.target(root, reference)
    holder = token.getparent()
    if token.tag != f"{WSSE}BinarySecurityToken" or holder is None or holder.tag != f"{WSSE}Security":
        raise MalformedError("the signature names no BinarySecurityToken", reason="certificate_unusable")
    try:
        return x509.load_der_x509_certificate(username_tokens.from_base64("".join((token.text or "").split())))
    except ValueError as error:
        raise MalformedError("the token holds no certificate", reason="certificate_unusable") from error


def _check_fresh(stamp: etree._Element, expected: Expected, now: datetime) -> datetime:
    created = username_tokens.instant(username_tokens.text_of(stamp, f"{WSU}Created"))
    ends = created + expected.lives
    if stamp.find(f"{WSU}Expires") is not None:
        ends = min(ends, username_tokens.instant(username_tokens.text_of(stamp, f"{WSU}Expires")))
    if not created - expected.skew <= now <= ends + expected.skew:
        raise MalformedError("the message is not fresh", reason="not_fresh")
    return created
