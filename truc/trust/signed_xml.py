"""A signed document before anybody believes it: read without dangers, and held against what a signature may hold.

What is taken is a closed list. Sources: W3C xmldsig-core1 and xmldsig-bestpractices.
"""

import base64
import re
from typing import Any

from cryptography import x509
from lxml import etree

from truc.errors import MalformedError
from truc.trust.signing import Algorithm

DS = "{http://www.w3.org/2000/09/xmldsig#}"

# All that is signed with, and all that is taken: no SHA-1, no MD5, no HMAC (whose key would be the public one).
METHODS: dict[str, str] = {
    "RSA-SHA256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "RSA-SHA512": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "RSA-PSS-SHA256": "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    "RSA-PSS-SHA512": "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
    "ECDSA-SHA256": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "ECDSA-SHA512": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
}
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
DIGESTS = {
    SHA256: "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
CANONICALIZATIONS = frozenset({INCLUSIVE, "http://www.w3.org/2006/12/xml-c14n11", EXCLUSIVE})
INCLUSIVE_NAMESPACES = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
OWN_URI = re.compile(r"#[^#()\s]+")  # an Id of this document, and no xpointer()
ID_NAMES = frozenset({"Id", "ID", "id"})  # of whatever namespace: wsu:Id and xml:id too


def read(document: bytes) -> etree._Element:
    """Return the root of a document; MalformedError for one that is not XML, or with a DTD. Comments are dropped.

    Canonical text has no comments, so that nobody can split what the signed text says by putting one in.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(document, parser)
    except (etree.LxmlError, ValueError):
        raise MalformedError("the document is no XML", reason="not_xml") from None  # lxml's text quotes it
    docinfo: Any = root.getroottree().docinfo  # its stub knows no doctype
    if docinfo.doctype:
        raise MalformedError("the document holds a DTD", reason="dtd_forbidden")
    return root


def canonical(element: etree._Element, method: str, prefixes: list[str] | None = None) -> bytes:
    """Return an element in canonical form, by a method of `CANONICALIZATIONS` (1.1 as 1.0: xml:base is not resolved).

    It is written out and read again first: lxml 6.1, asked for a part of a tree in inclusive form, writes an xmlns=""
    too many below a default namespace.
    """
    alone = etree.fromstring(etree.tostring(element, with_tail=False), etree.XMLParser(resolve_entities=False))
    exclusive = method == EXCLUSIVE
    return etree.tostring(
        alone, method="c14n", exclusive=exclusive, with_comments=False, inclusive_ns_prefixes=prefixes
    )


def element_at(root: etree._Element, path: str) -> etree._Element:
    """Return the one element at a path, "" for the root; MalformedError for none or several."""
    found = root.findall(path) if path else [root]
    if len(found) != 1:
        raise MalformedError(f"the document holds {len(found)} of {path}, not one", reason="element_not_one")
    return found[0]


def uri_of(root: etree._Element, path: str) -> str:
    """Return the reference to the one element at a path, by its Id."""
    names = _ids(element_at(root, path))
    if len(names) != 1:
        raise MalformedError(f"to be signed, {path or 'the root'} needs one Id", reason="id_missing")
    return f"#{names[0]}"


def signature_of(root: etree._Element, place: str) -> etree._Element:
    """Return the one signature in the element at `place`, of the whole document for ""; else MalformedError."""
    found = element_at(root, place).findall(f"{DS}Signature") if place else list(root.iter(f"{DS}Signature"))
    if not found:
        raise MalformedError("the document is not signed", reason="not_signed")
    if len(found) > 1:
        raise MalformedError(f"{len(found)} signatures where one is asked for", reason="signatures_many")
    return found[0]


def only(parent: etree._Element, name: str) -> etree._Element:
    """Return the one child of XML-DSig's namespace with that name; else MalformedError."""
    found = parent.findall(f"{DS}{name}")
    if len(found) != 1:
        raise MalformedError(f"the signature holds {len(found)} of {name}, not one", reason="signature_malformed")
    return found[0]


def references(signature: etree._Element) -> list[etree._Element]:
    """Return the references of what is signed, in their order."""
    return only(signature, "SignedInfo").findall(f"{DS}Reference")


def check_algorithms(signature: etree._Element, algorithm: Algorithm) -> None:
    """Raise MalformedError unless it is made by that algorithm, with digests and transforms of the lists above."""
    info = only(signature, "SignedInfo")
    if only(info, "SignatureMethod").get("Algorithm") != METHODS[algorithm]:
        raise MalformedError(f"the signature is not {algorithm}", reason="algorithm_refused")
    _check_canonicalization(only(info, "CanonicalizationMethod"))
    only(signature, "SignatureValue")
    # Of the references, and of whatever else is named by a digest: certificates, manifests.
    if any(one.get("Algorithm") not in DIGESTS for one in signature.iter(f"{DS}DigestMethod")):
        raise MalformedError("a digest of the signature is of a weak or unknown algorithm", reason="algorithm_refused")
    for reference in info.findall(f"{DS}Reference"):
        _check_transforms(reference)


def _check_transforms(reference: etree._Element) -> None:
    """Only the two that leave what is signed readable: without this signature, and then in canonical form."""
    only(reference, "DigestMethod"), only(reference, "DigestValue")
    transforms = reference.findall(f"{DS}Transforms/{DS}Transform")
    enveloped = bool(transforms) and transforms[0].get("Algorithm") == ENVELOPED
    rest = transforms[1:] if enveloped else transforms
    if len(rest) > 1 or (enveloped and len(transforms[0])):
        raise MalformedError("a reference has transforms that are not taken", reason="transform_refused")
    if rest:
        _check_canonicalization(rest[0])


def _check_canonicalization(method: etree._Element) -> None:
    name = method.get("Algorithm")
    allowed = {INCLUSIVE_NAMESPACES} if name == EXCLUSIVE else set()
    if name not in CANONICALIZATIONS or any(child.tag not in allowed for child in method):
        raise MalformedError("a transform or canonicalization that is not taken", reason="transform_refused")


def target(root: etree._Element, reference: etree._Element) -> etree._Element:
    """Return the element that a reference names. An Id that stands twice names nothing."""
    uri = reference.get("URI")
    if uri == "":
        return root
    if uri is None or not OWN_URI.fullmatch(uri):
        raise MalformedError("a reference leads out of the document", reason="reference_refused")
    named = [one for one in root.iter(etree.Element) if uri[1:] in _ids(one)]
    if len(named) != 1:
        raise MalformedError(f"{len(named)} elements have the Id of a reference", reason="id_not_one")
    return named[0]


def _ids(element: etree._Element) -> list[str]:
    # An attribute's name is `{namespace}name` or `name`.
    return [str(value) for name, value in element.attrib.items() if str(name).rpartition("}")[2] in ID_NAMES]


def certificates(signature: etree._Element) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Return the signer's certificate, which issued none of the others, and the others."""
    texts = [one.text or "" for one in signature.findall(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")]
    try:
        found = [x509.load_der_x509_certificate(base64.b64decode(text)) for text in texts]
    except ValueError as error:
        raise MalformedError("a certificate cannot be read", reason="certificate_unusable") from error
    last = [one for one in found if not any(other.issuer == one.subject for other in found if other is not one)]
    if len(last) != 1:
        raise MalformedError("the signature does not carry one signer's certificate", reason="certificate_unusable")
    return last[0], [one for one in found if one is not last[0]]
