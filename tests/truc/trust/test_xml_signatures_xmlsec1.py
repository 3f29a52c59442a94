"""XML signatures against xmlsec1, both ways: each verifies what the other signed, and refuses it changed.

A template is what xmlsec1 signs: a document whose digests and signature value are still empty.
"""

import base64
import hashlib
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.processor import get_schema
from signxml.xades import XAdESSignatureConfiguration, XAdESVerifier

from tests.counterparts import program
from tests.truc.trust.holders import DAY, NOW, Holder, holder
from truc.errors import MalformedError
from truc.trust.signers import Trust
from truc.trust.xml_signatures import Form, sign, verify

DSIG = "http://www.w3.org/2000/09/xmldsig#"
SHA1, SHA256 = f"{DSIG}sha1", "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA1, RSA_SHA256 = f"{DSIG}rsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
INCLUSIVE, EXCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#"
INVOICE = '<HDon><DLHDon Id="data"><Ten>Nguyễn Văn A</Ten></DLHDon><DSCKS><NBan>{}</NBan></DSCKS></HDon>'
INVOICES = Form(covers=("DLHDon",), place="DSCKS/NBan", properties="signing_time", canonicalization="inclusive")
XADES = Form(properties="xades")
FORMS = {
    "e-invoice": INVOICES,
    "whole, exclusive": Form(),
    "whole, inclusive": Form(canonicalization="inclusive"),
    "XAdES": replace(INVOICES, properties="xades"),
    "XAdES, whole": XADES,
    "SHA-512": Form(algorithm="RSA-SHA512"),
    "ECDSA": Form(algorithm="ECDSA-SHA256", properties="xades"),
}


@pytest.fixture(scope="module")
def root() -> Holder:
    return holder("root", authority=True)


@pytest.fixture(scope="module")
def seller(root: Holder) -> Holder:
    return holder("seller", root)


@pytest.fixture
def folder(tmp_path: Path, root: Holder) -> Path:
    (tmp_path / "root.pem").write_text(root.certificate_pem)
    return tmp_path


def xmlsec1(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    named = [word for name in ("DLHDon", "SignedProperties", "SignatureProperty") for word in ("--id-attr:Id", name)]
    return subprocess.run(
        [program("xmlsec1"), words[0], *named, *words[1:]], cwd=folder, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip


def xmlsec1_verifies(folder: Path, document: bytes) -> bool:
    (folder / "document.xml").write_bytes(document)
    result = xmlsec1(folder, "--verify", "--trusted-pem", "root.pem", "document.xml")
    return result.returncode == 0 and result.stderr.startswith("OK")


def signed_by_xmlsec1(folder: Path, who: Holder, template: str) -> bytes:
    who.write(folder)
    (folder / "template.xml").write_text(template)
    words = ("--privkey-pem", "key.pem,certificate.pem", "--output", "signed.xml", "template.xml")
    result = xmlsec1(folder, "--sign", *words)
    assert result.returncode == 0, result.stderr
    return (folder / "signed.xml").read_bytes()


def template(
    *, digest: str = SHA256, method: str = RSA_SHA256, at: datetime = NOW, first: str = INCLUSIVE, xades: str = ""
) -> str:
    """The e-invoice form (partners.md 12.2): DLHDon by its Id, and an Object with the SigningTime or XAdES's."""
    times = f'<SignatureProperties xmlns=""><SignatureProperty Target="#s"><SigningTime>{at.isoformat()}</SigningTime>'
    holds = xades or f"{times}</SignatureProperty></SignatureProperties>"
    uri = "properties" if xades else "time"
    return INVOICE.format(
        f'<Signature xmlns="{DSIG}" Id="s"><SignedInfo><CanonicalizationMethod Algorithm="{INCLUSIVE}"/>'
        f'<SignatureMethod Algorithm="{method}"/>'
        f'<Reference URI="#data"><Transforms><Transform Algorithm="{DSIG}enveloped-signature"/>'
        f'<Transform Algorithm="{first}"/></Transforms><DigestMethod Algorithm="{digest}"/><DigestValue/></Reference>'
        f'<Reference URI="#{uri}"><Transforms><Transform Algorithm="{EXCLUSIVE}"/></Transforms>'
        f'<DigestMethod Algorithm="{digest}"/><DigestValue/></Reference></SignedInfo><SignatureValue/>'
        f'<KeyInfo><X509Data/></KeyInfo><Object Id="time">{holds}</Object></Signature>'
    )


def xades_of(who: Holder) -> str:
    digest = base64.b64encode(hashlib.sha256(who.certificate.public_bytes(Encoding.DER)).digest()).decode()
    return (
        '<x:QualifyingProperties xmlns:x="http://uri.etsi.org/01903/v1.3.2#" Target="#s">'
        '<x:SignedProperties Id="properties"><x:SignedSignatureProperties>'
        f"<x:SigningTime>{NOW.isoformat()}</x:SigningTime>"
        f'<x:SigningCertificateV2><x:Cert><x:CertDigest><DigestMethod Algorithm="{SHA256}"/>'
        f"<DigestValue>{digest}</DigestValue></x:CertDigest></x:Cert></x:SigningCertificateV2>"
        "</x:SignedSignatureProperties></x:SignedProperties></x:QualifyingProperties>"
    )


def changed(document: bytes) -> bytes:
    other = document.replace(b"Ten>Ng", b"Ten>ng")
    assert other != document
    return other


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_xmlsec1_verifies_what_we_sign_and_refuses_it_changed(folder: Path, root: Holder, form: Form) -> None:
    who = holder("signer", root, kind="ec" if form.algorithm.startswith("ECDSA") else "rsa")
    document = sign(INVOICE.format("").encode(), form, key=who.key, certificate=who.certificate, at=NOW)
    assert xmlsec1_verifies(folder, document)
    assert not xmlsec1_verifies(folder, changed(document))
    assert verify(document, form, Trust(roots=(root.certificate,)), now=NOW)
    if form.properties != "none":
        earlier = document.replace(NOW.isoformat().encode(), (NOW - DAY).isoformat().encode())
        assert not xmlsec1_verifies(folder, earlier)


def test_what_we_sign_is_xades_by_its_schema(seller: Holder) -> None:
    """By ETSI's XSD and by signxml's own reader of XAdES, which we use for nothing else."""
    document = sign(INVOICE.format("").encode(), XADES, key=seller.key, certificate=seller.certificate, at=NOW)
    results = XAdESVerifier().verify(
        document, x509_cert=seller.certificate, expect_config=XAdESSignatureConfiguration(expect_references=2)
    )
    assert results[1].signed_xml is not None
    assert results[1].signed_xml.tag == "{http://uri.etsi.org/01903/v1.3.2#}SignedProperties"
    for name in ("XAdES01903v132-201601.xsd", "XAdES01903v132-201506.xsd"):
        holder = etree.fromstring(document).find(".//{http://uri.etsi.org/01903/v1.3.2#}QualifyingProperties")
        get_schema(name).assertValid(etree.fromstring(etree.tostring(holder)))


@pytest.mark.parametrize("canonicalization", ["inclusive", "exclusive"])
@pytest.mark.parametrize("properties", ["none", "xades"])
def test_namespaces_around_the_signature_are_counted_alike(
    folder: Path, root: Holder, seller: Holder, canonicalization: str, properties: str
) -> None:
    """Below a default namespace lxml canonicalises a part of a tree wrongly: see signed_xml.canonical."""
    document = (
        '<HDon xmlns="urn:h" xmlns:k="urn:k" xmlns:unused="urn:u"><DLHDon Id="data" k:x="1"><Ten>Nguyễn</Ten>'
        '<other xmlns=""><k:in xmlns:k="urn:other" k:y="2"><leaf/></k:in></other></DLHDon><k:Place/></HDon>'
    ).encode()
    form = Form(
        covers=("{urn:h}DLHDon",), place="{urn:k}Place", properties=properties, canonicalization=canonicalization  # type: ignore[arg-type]  # drawn from their names
    )  # fmt: skip
    signed = sign(document, form, key=seller.key, certificate=seller.certificate, at=NOW)
    assert xmlsec1_verifies(folder, signed)
    assert verify(signed, form, Trust(roots=(root.certificate,)), now=NOW)


@pytest.mark.parametrize("first", [INCLUSIVE, EXCLUSIVE, "http://www.w3.org/2006/12/xml-c14n11"])
@pytest.mark.parametrize("properties", ["signing_time", "xades"])
def test_we_verify_what_xmlsec1_signs_and_refuse_it_changed(
    folder: Path, root: Holder, seller: Holder, properties: str, first: str
) -> None:
    xades = xades_of(seller) if properties == "xades" else ""
    document = signed_by_xmlsec1(folder, seller, template(first=first, xades=xades))
    form, trust = replace(INVOICES, properties=properties), Trust(roots=(root.certificate,))  # type: ignore[arg-type]  # one of its names
    found = verify(document, form, trust, now=NOW)
    assert found.elements["DLHDon"] == '<DLHDon Id="data"><Ten>Nguyễn Văn A</Ten></DLHDon>'.encode()
    assert (found.said_at, found.certificate) == (NOW, seller.certificate)
    for other in (changed(document), document.replace(NOW.isoformat().encode(), (NOW - DAY).isoformat().encode())):
        with pytest.raises(MalformedError, match="does not verify"):
            verify(other, form, trust, now=NOW)


def test_a_signing_time_in_the_namespace_of_the_signature_is_read(folder: Path, root: Holder, seller: Holder) -> None:
    """Some senders' e-invoices: SignatureProperty itself is what the second reference leads to."""
    own = (
        '<SignatureProperties><SignatureProperty Target="#s" Id="properties">'
        f"<SigningTime>{NOW.isoformat()}</SigningTime></SignatureProperty></SignatureProperties>"
    )
    document = signed_by_xmlsec1(folder, seller, template(xades=own))
    trust = Trust(roots=(root.certificate,))
    assert verify(document, INVOICES, trust, now=NOW).said_at == NOW
    with pytest.raises(MalformedError, match="does not verify"):
        verify(document.replace(NOW.isoformat().encode(), (NOW - DAY).isoformat().encode()), INVOICES, trust, now=NOW)


def test_the_form_that_is_in_use_with_sha_1_is_refused(folder: Path, root: Holder, seller: Holder) -> None:
    """As partners.md 12.2 shows it: xmlsec1 still takes it, we do not, nor its digests under a stronger signature."""
    trust = Trust(roots=(root.certificate,))
    for method, digest in ((RSA_SHA1, SHA1), (RSA_SHA256, SHA1), (RSA_SHA1, SHA256)):
        document = signed_by_xmlsec1(folder, seller, template(method=method, digest=digest))
        assert xmlsec1_verifies(folder, document)
        with pytest.raises(MalformedError) as raised:
            verify(document, INVOICES, trust, now=NOW)
        assert raised.value.reason == "algorithm_refused"


def test_a_document_signed_after_its_certificate_ended_is_refused(folder: Path, root: Holder) -> None:
    ended = holder("ended", root, since=NOW - 20 * DAY, until=NOW - 10 * DAY)
    trust = Trust(roots=(root.certificate,))
    document = signed_by_xmlsec1(folder, ended, template(at=NOW))
    assert not xmlsec1_verifies(folder, document)
    with pytest.raises(MalformedError) as raised:
        verify(document, INVOICES, trust, now=NOW)
    assert raised.value.reason == "certificate_out_of_date"
    in_time = signed_by_xmlsec1(folder, ended, template(at=NOW - 15 * DAY))
    assert verify(in_time, INVOICES, trust, now=NOW).said_at == NOW - 15 * DAY
