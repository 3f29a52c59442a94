"""What a signature says of itself, signed like the rest: when its signer says it signed, and by which certificate."""

import base64
import hashlib
import itertools
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from truc.errors import MalformedError
from truc.trust import signed_xml
from truc.trust.signed_xml import DIGESTS, DS, EXCLUSIVE, SHA256

Kind = Literal["signing_time", "xades"]

XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
OF_XADES = f"{DS}Object/{XADES}QualifyingProperties/{XADES}SignedProperties"
# Senders of e-invoices write these with no namespace, or with that of the signature.
OF_INVOICES = f"{DS}Object/{{*}}SignatureProperties/{{*}}SignatureProperty"
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")  # of a signing time that names no zone


def writer(kind: Kind, certificate: x509.Certificate, at: datetime) -> Callable[..., None]:
    """Return what adds the properties to a signature that signxml is building, and a reference to them (`at` aware)."""

    def annotate(signature: etree._Element, signing_settings: object) -> None:  # noqa: ARG001  (signxml names it)
        name = f"signature-{uuid.uuid4().hex}"
        signature.set("Id", name)
        holder = etree.SubElement(signature, f"{DS}Object")
        if kind == "xades":
            _refer(signature, _xades(holder, name, certificate, at)).set("Type", SIGNED_PROPERTIES)
        else:
            _refer(signature, _signing_time(holder, name, at))

    return annotate


def read(
    signature: etree._Element, kind: Kind, targets: list[etree._Element], certificate: x509.Certificate
) -> datetime:
    """Return the signing time (aware) that stands under one of the references' targets.

    Raise MalformedError for properties that are missing, doubled or not signed, or that name another certificate.
    """
    path, name = (OF_XADES, f"{XADES}SignedSignatureProperties/{XADES}SigningTime") if kind == "xades" else (
        OF_INVOICES, "{*}SigningTime")  # fmt: skip
    found = signature.findall(path)
    times = signature.findall(f"{path}/{name}")
    if len(found) != 1 or len(times) != 1 or not _is_signed(found[0], targets):
        raise MalformedError("the signature does not hold one signed signing time", reason="signing_time_missing")
    if kind == "xades":
        _check_named(found[0], certificate)
    return _time(times[0].text or "")


def _is_signed(properties: etree._Element, targets: list[etree._Element]) -> bool:
    """Say whether a reference leads to them, or to the Object around them.

    What is further out proves nothing: the signature itself is left out of the element that holds it.
    """
    within = [properties, *itertools.takewhile(lambda one: one.tag != f"{DS}Signature", properties.iterancestors())]
    return any(one is target for one in within for target in targets)


def _time(text: str) -> datetime:
    try:
        said_at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise MalformedError("the signing time is no time", reason="signing_time_missing") from error
    return said_at if said_at.tzinfo else said_at.replace(tzinfo=VIETNAM)


def _check_named(properties: etree._Element, certificate: x509.Certificate) -> None:
    """Check that the signed properties name the certificate that is used, so that no other can stand in for it."""
    for name in ("SigningCertificateV2", "SigningCertificate"):
        path = f"{XADES}SignedSignatureProperties/{XADES}{name}/{XADES}Cert/{XADES}CertDigest"
        for case in properties.findall(path):
            if _digest(case) == _digest_of(certificate, signed_xml.only(case, "DigestMethod").get("Algorithm") or ""):
                return
    raise MalformedError("the signed properties name another certificate", reason="certificate_not_named")


def _digest(case: etree._Element) -> bytes:
    try:
        return base64.b64decode(signed_xml.only(case, "DigestValue").text or "")
    except ValueError as error:
        raise MalformedError("a digest is no Base64", reason="signature_malformed") from error


def _digest_of(certificate: x509.Certificate, method: str) -> bytes:
    return hashlib.new(DIGESTS[method], certificate.public_bytes(Encoding.DER)).digest()


def _signing_time(holder: etree._Element, name: str, at: datetime) -> etree._Element:
    """Write the time as e-invoices have it: SignatureProperties without a namespace, in an Object that is signed."""
    holder.set("Id", f"SigningTime-{name}")
    properties = etree.SubElement(holder, "SignatureProperties")
    of_it = etree.SubElement(properties, "SignatureProperty", Target=f"#{name}")
    etree.SubElement(of_it, "SigningTime").text = at.isoformat(timespec="seconds")
    return holder


def _xades(holder: etree._Element, name: str, certificate: x509.Certificate, at: datetime) -> etree._Element:
    """Write the properties of XAdES-BES (EN 319 132-1, 5.2): when, and by which certificate."""
    spaces = {"xades": XADES[1:-1]}
    qualifying = etree.SubElement(holder, f"{XADES}QualifyingProperties", Target=f"#{name}", nsmap=spaces)
    signed = etree.SubElement(qualifying, f"{XADES}SignedProperties", Id=f"{name}-properties")
    own = etree.SubElement(signed, f"{XADES}SignedSignatureProperties")
    etree.SubElement(own, f"{XADES}SigningTime").text = at.isoformat(timespec="seconds")
    named = etree.SubElement(etree.SubElement(own, f"{XADES}SigningCertificateV2"), f"{XADES}Cert")
    _add_digest(etree.SubElement(named, f"{XADES}CertDigest"), _digest_of(certificate, SHA256))
    return signed


def _refer(signature: etree._Element, properties: etree._Element) -> etree._Element:
    """Add a reference to an element inside the signature, and return it."""
    info = signed_xml.only(signature, "SignedInfo")
    reference = etree.SubElement(info, f"{DS}Reference", URI=f"#{properties.get('Id') or ''}")
    etree.SubElement(etree.SubElement(reference, f"{DS}Transforms"), f"{DS}Transform", Algorithm=EXCLUSIVE)
    _add_digest(reference, hashlib.sha256(signed_xml.canonical(properties, EXCLUSIVE)).digest())
    return reference


def _add_digest(parent: etree._Element, digest: bytes) -> None:
    etree.SubElement(parent, f"{DS}DigestMethod", Algorithm=SHA256)
    etree.SubElement(parent, f"{DS}DigestValue").text = base64.b64encode(digest).decode()
