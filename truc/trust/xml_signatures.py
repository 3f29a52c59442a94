"""XML signatures (XML-DSig, XAdES-BES): how a partner's documents are signed is a row of data, a `Form`.

signxml canonicalises, digests and compares. It takes any object with a `sign` for a key, so the key is ours and may lie
in an HSM. It is lenient where an attacker profits (it passes over transforms it does not know, and takes the first of
several signatures), so what a document may hold is checked here before signxml sees it. What it then returns, the bytes
under each reference, is all that a caller gets to read.

Sources: W3C xmldsig-core1 and xmldsig-bestpractices; ETSI EN 319 132-1 (XAdES); partners.md 12.2 (the e-invoice form).
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import cryptography.exceptions
import signxml
from cryptography import x509
from lxml import etree
from signxml.exceptions import SignXMLException

from truc.errors import MalformedError, SetupError
from truc.trust import signed_xml, signers, signing, xml_properties
from truc.trust.signed_xml import DS, EXCLUSIVE, INCLUSIVE, METHODS, SHA256
from truc.trust.signers import Trust
from truc.trust.signing import Algorithm, PrivateKey

# signxml says its types in part only.
SIGNXML: Any = signxml

# What signxml, cryptography and lxml raise over a document that is not signed as it must be.
FAILURES: tuple[type[Exception], ...] = (
    SignXMLException,
    cryptography.exceptions.InvalidSignature,
    cryptography.exceptions.UnsupportedAlgorithm,
    etree.LxmlError,
    ValueError,
    TypeError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a kind of document is signed. SetupError for an algorithm that is not among `METHODS`.

    `covers` are the signed elements and `place` the one that holds the signature, as paths from the root
    ("DLHDon", "DSCKS/NBan", "{namespace}Body"); "" is the root, for `place` of a document that is verified: anywhere,
    but then it may hold one signature only. `properties` are signed too: nothing; an Object with the SigningTime, as in
    e-invoices; or those of XAdES-BES, the time and the digest of the certificate. `canonicalization` is what we sign
    with; a partner may have used another of `signed_xml.CANONICALIZATIONS`.
    """

    algorithm: Algorithm = "RSA-SHA256"
    covers: tuple[str, ...] = ("",)
    place: str = ""
    properties: Literal["none", "signing_time", "xades"] = "none"
    canonicalization: Literal["inclusive", "exclusive"] = "exclusive"

    def __post_init__(self) -> None:
        if self.algorithm not in METHODS:
            text = f"XML is signed with one of {', '.join(METHODS)}, not with {self.algorithm}"
            raise SetupError(text, reason="weak_algorithm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was proved: the canonical bytes of each element of `Form.covers`, and who signed them.

    `said_at` is when the signer says it signed (aware), None where the form has no such property. Nobody else vouches
    for it.
    """

    elements: Mapping[str, bytes]
    certificate: x509.Certificate
    said_at: datetime | None


def sign(
    document: bytes,
    form: Form,
    *,
    key: PrivateKey,
    certificate: x509.Certificate,
    at: datetime,
    sent_along: Sequence[x509.Certificate] = (),
) -> bytes:
    """Return the document (UTF-8) with one signature more, that carries the certificate and those `sent_along`.

    Raise MalformedError for a document that cannot be signed in this form (an element that is missing, or without an
    Id), SetupError for a key that does not belong to the certificate.
    """
    root = signed_xml.read(document)
    if root.getprevious() is not None or root.getnext() is not None:
        raise MalformedError("to sign, a document may hold nothing beside its root", reason="document_unusable")
    uris = None if form.covers == ("",) else [signed_xml.uri_of(root, path) for path in form.covers]
    place = signed_xml.element_at(root, form.place)
    if form.properties == "signing_time" and None in place.nsmap:
        # Its elements have no namespace, which nothing can be said to be below a default one.
        raise MalformedError("the form with a SigningTime is for documents without a namespace", reason="unsignable")
    etree.SubElement(place, f"{DS}Signature", Id="placeholder", nsmap={"ds": DS[1:-1]})
    signer = _signer("enveloped", form.algorithm, INCLUSIVE if form.canonicalization == "inclusive" else EXCLUSIVE)
    if form.properties != "none":
        signer.signature_annotators.append(xml_properties.writer(form.properties, certificate, at))
    hand = _Hand(key, certificate, form.algorithm)
    try:
        signed = signer.sign(root, key=hand, cert=[certificate, *sent_along], reference_uri=uris)
    except FAILURES as error:
        raise MalformedError(f"the document cannot be signed: {type(error).__name__}", reason="unsignable") from None
    return bytes(etree.tostring(signed, xml_declaration=True, encoding="UTF-8"))


def sign_parts(
    root: etree._Element,
    ids: Sequence[str],
    *,
    algorithm: Algorithm,
    key: PrivateKey,
    certificate: x509.Certificate,
    key_info: etree._Element,
) -> etree._Element:
    """Return a signature over the elements with these Ids, to be put anywhere in the tree (exclusive C14N)."""
    way = SIGNXML.CanonicalizationMethod(EXCLUSIVE)
    references = [SIGNXML.SignatureReference(URI=f"#{one}", c14n_method=way) for one in ids]
    hand = _Hand(key, certificate, algorithm)
    signer = _signer("detached", algorithm, EXCLUSIVE)
    try:
        signature: etree._Element = signer.sign(root, key=hand, reference_uri=references, key_info=key_info)
    except FAILURES as error:
        raise MalformedError(f"the message cannot be signed: {type(error).__name__}", reason="unsignable") from None
    return signature


def verify(document: bytes, form: Form, trust: Trust, *, now: datetime) -> Verified:
    """Return what a trusted signer signed, or raise MalformedError that says what is wrong.

    A certificate must have been valid when the signer says it signed, or at `now` where the form has no signing time.
    """
    root = signed_xml.read(document)
    certificate, others = signed_xml.certificates(signed_xml.signature_of(root, form.place))
    return verify_parts(root, form, trust, certificate=certificate, sent_along=others, now=now)


def verify_parts(
    root: etree._Element,
    form: Form,
    trust: Trust,
    *,
    certificate: x509.Certificate,
    sent_along: Sequence[x509.Certificate],
    now: datetime,
) -> Verified:
    """Verify the same in a tree of `signed_xml.read`, for a certificate that was found elsewhere in the message."""
    signature = signed_xml.signature_of(root, form.place)
    signed_xml.check_algorithms(signature, form.algorithm)
    targets = [signed_xml.target(root, one) for one in signed_xml.references(signature)]
    said_at = None
    if form.properties != "none":
        said_at = xml_properties.read(signature, form.properties, targets, certificate)
        signers.check_time(trust, said_at, now)
    signers.check(trust, certificate, sent_along, said_at or now)
    signed = _signed(root, form.place, certificate, said_at or now)
    elements = {path: signed[_index(targets, signed_xml.element_at(root, path), path)] for path in form.covers}
    return Verified(elements=elements, certificate=certificate, said_at=said_at)


@dataclass(frozen=True, slots=True)
class _Hand:
    """What signxml takes for a key: it hands over its canonical SignedInfo, and gets the raw signature."""

    key: PrivateKey
    certificate: x509.Certificate
    algorithm: Algorithm

    @property
    def key_size(self) -> int:
        """In bits: signxml writes the two numbers of an ECDSA signature in this width."""
        return signers.public_key(self.certificate).key_size

    def sign(self, text: bytes, **_how: object) -> bytes:
        """Sign, in the algorithm's own way; raise SetupError where the certificate does not verify it."""
        raw = self.key.sign(text, self.algorithm)
        own = signing.Profile(algorithm=self.algorithm, output="base64")
        public = signers.public_key(self.certificate)
        if not signing.verify_bytes(own, text, public, base64.b64encode(raw).decode()):
            raise SetupError("the private key and the certificate are no pair", reason="key_of_another")
        return raw


def _signer(method: str, algorithm: Algorithm, canonicalization: str) -> Any:
    signer = SIGNXML.XMLSigner(
        method=SIGNXML.methods[method],
        signature_algorithm=METHODS[algorithm],
        digest_algorithm=SHA256,
        c14n_algorithm=canonicalization,
    )
    signer._c14n = _canonical
    return signer


def _canonical(element: etree._Element, algorithm: Any, inclusive_ns_prefixes: list[str] | None = None) -> bytes:
    """Stand in for signxml's own: that one canonicalises in place, see `signed_xml.canonical`, and logs the text."""
    return signed_xml.canonical(element, algorithm.value, inclusive_ns_prefixes)


def _index(targets: list[etree._Element], element: etree._Element, path: str) -> int:
    for index, target in enumerate(targets):
        if target is element:
            return index
    raise MalformedError(f"the signature does not cover {path or 'the root'}", reason="not_covered")


def _signed(root: etree._Element, place: str, certificate: x509.Certificate, at: datetime) -> list[bytes]:
    """Return what signxml verified under each reference, or raise MalformedError."""
    config = SIGNXML.SignatureConfiguration(
        location=f"./{place}/" if place else ".//", expect_references=False, verification_time=at
    )
    verifier = SIGNXML.XMLVerifier()
    verifier._c14n = _canonical
    try:
        # Not by its schema: that forbids a SigningTime in the signature's own namespace, as some e-invoices have it.
        results = verifier.verify(root, x509_cert=certificate, expect_config=config, validate_schema=False)
    except FAILURES as error:
        text = f"the signature does not verify: {type(error).__name__}"
        raise MalformedError(text, reason="signature_broken") from None
    return [result.signed_data for result in results]
