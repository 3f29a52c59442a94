"""XML signatures: what we sign verifies, and of what others send only what a trusted signer covered gets through."""

import base64
import hmac
import logging
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.truc.trust.holders import DAY, NOW, Holder, holder
from tests.truc.trust.invoices import INVOICE, OF_INVOICES, WHOLE, XADES, refused, signed, verified
from truc.errors import MalformedError, SetupError
from truc.trust import signed_xml
from truc.trust.xml_signatures import Form, sign

DS = signed_xml.DS


@pytest.fixture(scope="module")
def seller() -> Holder:
    return holder("seller")


@pytest.fixture(scope="module")
def stranger() -> Holder:
    return holder("stranger")


def changed(document: bytes, change: Callable[[etree._Element], object]) -> bytes:
    tree = etree.fromstring(document)
    change(tree)
    return etree.tostring(tree)


@pytest.mark.parametrize("form", [OF_INVOICES, WHOLE, XADES, replace(OF_INVOICES, properties="xades")], ids=str)
def test_what_is_signed_verifies_and_comes_back_canonical(seller: Holder, form: Form) -> None:
    found = verified(signed(seller, form), seller, form)
    assert found.certificate == seller.certificate
    assert found.said_at == (None if form.properties == "none" else NOW)
    (content,) = found.elements.values()
    read = etree.fromstring(content)
    assert read.tag == ("DLHDon" if form.covers == ("DLHDon",) else "HDon")
    assert read.findtext(".//Ten") == "Nguyễn Văn A"
    assert not list(read.iter(f"{DS}Signature"))


@pytest.mark.parametrize("algorithm", signed_xml.METHODS)
def test_every_algorithm_signs_and_verifies(seller: Holder, algorithm: str) -> None:
    who = holder("elliptic", kind="ec") if algorithm.startswith("ECDSA") else seller
    form = Form(algorithm=algorithm)  # type: ignore[arg-type]  # one of its names
    document = signed(who, form)
    assert signed_xml.METHODS[algorithm].encode() in document
    assert verified(document, who, form).elements.keys() == {""}


def test_the_e_invoice_form_has_two_references_and_a_signed_signing_time(seller: Holder) -> None:
    tree = etree.fromstring(signed(seller))
    signature = tree.find(f"DSCKS/NBan/{DS}Signature")
    assert signature is not None
    uris = [one.get("URI") for one in signature.iter(f"{DS}Reference")]
    assert uris == ["#data", f"#{signature.find(f'{DS}Object').get('Id')}"]  # type: ignore[union-attr]  # it is there
    assert signature.findtext(f"{DS}Object/SignatureProperties/SignatureProperty/SigningTime") == NOW.isoformat()


def test_a_signing_time_without_a_zone_is_one_of_vietnam(seller: Holder) -> None:
    local = NOW.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).replace(tzinfo=None)
    assert verified(signed(seller, at=local), seller).said_at == NOW


def test_several_may_sign_one_document_each_in_its_place(seller: Holder, stranger: Holder) -> None:
    second = replace(OF_INVOICES, place="DSCKS/CQT")
    document = signed(stranger, second, signed(seller))
    assert verified(document, seller).certificate == seller.certificate
    assert verified(document, stranger, second).certificate == stranger.certificate
    with pytest.raises(MalformedError, match="2 signatures"):
        verified(document, seller, replace(OF_INVOICES, place=""))


@pytest.mark.parametrize("form", [OF_INVOICES, WHOLE, XADES], ids=str)
def test_one_changed_letter_is_refused(seller: Holder, form: Form) -> None:
    document = signed(seller, form).replace("Nguyễn".encode(), "Nguyên".encode())
    assert refused(document, seller, form) == "signature_broken"


def test_a_signing_time_put_back_is_refused(seller: Holder) -> None:
    for form in (OF_INVOICES, XADES):
        document = signed(seller, form)
        earlier = document.replace(NOW.isoformat().encode(), (NOW - DAY).isoformat().encode())
        assert earlier != document
        assert refused(earlier, seller, form) == "signature_broken"


def test_weak_algorithms_are_refused_in_signature_and_digest(seller: Holder) -> None:
    for old, new in (
        ("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1"),
        ("2001/04/xmldsig-more#rsa-sha256", "2001/04/xmldsig-more#rsa-md5"),
        ("2001/04/xmldsig-more#rsa-sha256", "2001/04/xmldsig-more#hmac-sha256"),
        ("2001/04/xmldsig-more#rsa-sha256", "2001/04/xmldsig-more#rsa-sha512"),
        ("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1"),
        ("2001/04/xmlenc#sha256", "2001/04/xmldsig-more#md5"),
    ):
        document = signed(seller)
        assert old.encode() in document
        assert refused(document.replace(old.encode(), new.encode()), seller) == "algorithm_refused"
    with pytest.raises(SetupError, match="not with RSA-SHA1"):
        Form(algorithm="RSA-SHA1")


def test_an_hmac_made_with_the_public_key_is_refused(seller: Holder) -> None:
    document = signed(seller).replace(b"2001/04/xmldsig-more#rsa-sha256", b"2001/04/xmldsig-more#hmac-sha256")
    tree = etree.fromstring(document)
    info = tree.find(f".//{DS}SignedInfo")
    value = tree.find(f".//{DS}SignatureValue")
    assert info is not None
    assert value is not None
    text = etree.tostring(info, method="c14n")
    value.text = base64.b64encode(hmac.digest(seller.certificate_pem.encode(), text, "sha256")).decode()
    assert refused(etree.tostring(tree), seller) == "algorithm_refused"


def test_a_digest_of_sha_1_in_the_signed_properties_is_refused(seller: Holder) -> None:
    def weaken(tree: etree._Element) -> None:
        list(tree.iter(f"{DS}DigestMethod"))[-1].set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")

    assert refused(changed(signed(seller, XADES), weaken), seller, XADES) == "algorithm_refused"


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    ],
)
def test_foreign_transforms_are_refused(seller: Holder, algorithm: str) -> None:
    def add(tree: etree._Element) -> None:
        transforms = tree.find(f".//{DS}Transforms")
        assert transforms is not None
        etree.SubElement(transforms, f"{DS}Transform", Algorithm=algorithm)

    def put_in_place(tree: etree._Element) -> None:
        list(tree.iter(f"{DS}Transform"))[-1].set("Algorithm", algorithm)

    def canonicalize(tree: etree._Element) -> None:
        method = tree.find(f".//{DS}CanonicalizationMethod")
        assert method is not None
        method.set("Algorithm", algorithm)

    for change in (add, put_in_place, canonicalize):
        assert refused(changed(signed(seller), change), seller) == "transform_refused"


def test_a_transform_with_something_inside_is_refused(seller: Holder) -> None:
    for number in (0, 1):

        def fill(tree: etree._Element, number: int = number) -> None:
            etree.SubElement(list(tree.iter(f"{DS}Transform"))[number], f"{DS}XPath").text = "not(//Ten)"

        assert refused(changed(signed(seller), fill), seller) == "transform_refused"


def test_signed_content_put_aside_for_other_content_is_refused(seller: Holder) -> None:
    """XML signature wrapping, in the places that have worked elsewhere."""

    def into_an_object(tree: etree._Element) -> None:
        own = tree.find("DLHDon")
        signature = tree.find(f".//{DS}Signature")
        assert own is not None
        assert signature is not None
        tree.insert(0, forged(own))
        etree.SubElement(signature, f"{DS}Object").append(own)

    def beside(tree: etree._Element) -> None:
        own = tree.find("DLHDon")
        assert own is not None
        tree.insert(0, forged(own))
        etree.SubElement(tree, "Other").append(own)

    def around(tree: etree._Element) -> None:
        own = tree.find("DLHDon")
        assert own is not None
        outer = forged(own)
        tree.insert(0, outer)
        outer.append(own)

    # In exclusive form the digest is right wherever the content is moved: only where it stands tells.
    form = replace(OF_INVOICES, canonicalization="exclusive")
    for change in (into_an_object, beside, around):
        assert refused(changed(signed(seller, form), change), seller, form) == "not_covered"


def forged(own: etree._Element) -> etree._Element:
    copy = etree.fromstring(etree.tostring(own).replace("Nguyễn".encode(), "Lê".encode()))
    copy.set("Id", "forged")
    return copy


@pytest.mark.parametrize("name", ["Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id", "{urn:x}Id"])
def test_an_id_that_stands_twice_is_refused(seller: Holder, name: str) -> None:
    def double(tree: etree._Element) -> None:
        etree.SubElement(tree, "Other").set(name, "data")

    assert refused(changed(signed(seller), double), seller) == "id_not_one"


def test_two_of_the_element_that_is_asked_for_are_refused(seller: Holder) -> None:
    def double(tree: etree._Element) -> None:
        own = tree.find("DLHDon")
        assert own is not None
        tree.append(forged(own))

    assert refused(changed(signed(seller), double), seller) == "element_not_one"


def test_what_the_signature_does_not_cover_is_not_taken_for_signed(seller: Holder) -> None:
    document = signed(seller, Form(covers=("DLHDon",), place="DSCKS/NBan"))
    assert refused(document, seller, Form(place="DSCKS/NBan")) == "not_covered"
    assert refused(document, seller, Form(covers=("DSCKS",), place="DSCKS/NBan")) == "not_covered"
    assert refused(document, seller, OF_INVOICES) == "signing_time_missing"
    assert refused(document, seller, replace(OF_INVOICES, properties="xades")) == "signing_time_missing"
    assert refused(INVOICE, seller) == "not_signed"


def test_signed_properties_that_no_reference_covers_are_not_believed(seller: Holder) -> None:
    def uncover(tree: etree._Element) -> None:
        info = tree.find(f".//{DS}SignedInfo")
        assert info is not None
        info.remove(info.findall(f"{DS}Reference")[-1])

    for form in (OF_INVOICES, XADES):
        assert refused(changed(signed(seller, form), uncover), seller, form) == "signing_time_missing"


def test_two_signing_times_are_none(seller: Holder) -> None:
    def double(tree: etree._Element) -> None:
        time = next(one for one in tree.iter() if one.tag.endswith("SigningTime"))
        time.addnext(etree.fromstring(etree.tostring(time)))

    for form in (OF_INVOICES, XADES):
        assert refused(changed(signed(seller, form), double), seller, form) == "signing_time_missing"


def test_properties_put_into_a_good_signature_are_not_believed(seller: Holder) -> None:
    """The reference to the whole document leaves the signature out, and all that somebody adds to it."""
    for form in (XADES, Form(properties="signing_time")):
        added = etree.fromstring(signed(seller, form)).find(f"{DS}Signature/{DS}Object")

        def add(tree: etree._Element, added: etree._Element | None = added) -> None:
            signature = tree.find(f"{DS}Signature")
            assert signature is not None
            assert added is not None
            signature.append(added)

        document = changed(signed(seller, WHOLE), add)
        assert verified(document, seller, WHOLE)
        assert refused(document, seller, form) == "signing_time_missing"


def test_a_reference_out_of_the_document_is_refused(seller: Holder) -> None:
    for uri in ("file:///etc/hostname", "http://127.0.0.1:9/x", "#xpointer(/)", "#xpointer(id('data'))", "##data"):

        def lead(tree: etree._Element, uri: str = uri) -> None:
            reference = tree.find(f".//{DS}Reference")
            assert reference is not None
            reference.set("URI", uri)

        assert refused(changed(signed(seller), lead), seller) == "reference_refused"


def test_a_comment_cannot_split_what_is_read(seller: Holder) -> None:
    document = signed(seller).replace("Nguyễn Văn A<".encode(), "Nguyễn<!-- --> Văn A<".encode())
    content = verified(document, seller).elements["DLHDon"]
    assert etree.fromstring(content).findtext(".//Ten") == "Nguyễn Văn A"
    for form in (OF_INVOICES, XADES):
        time = NOW.isoformat().encode()
        split = signed(seller, form).replace(time, time.replace(b"+", b"<!-- -->+"))
        assert b"<!-- -->" in split
        assert verified(split, seller, form).said_at == NOW


@pytest.mark.parametrize(
    "head", ['<!DOCTYPE HDon [<!ENTITY a "b">]>', '<!DOCTYPE HDon SYSTEM "file:///etc/hostname">', "<!DOCTYPE HDon>"]
)
def test_a_dtd_is_refused(seller: Holder, head: str) -> None:
    document = signed(seller)
    declared, _, rest = document.partition(b"?>")
    assert refused(declared + b"?>" + head.encode() + rest, seller) == "dtd_forbidden"


@pytest.mark.parametrize("document", [b"", b"<a", b"\x00", b"<a/><b/>", b"text"])
def test_what_is_no_xml_is_refused(seller: Holder, document: bytes) -> None:
    assert refused(document, seller) == "not_xml"


def test_a_key_of_another_is_refused_before_anything_is_written(seller: Holder, stranger: Holder) -> None:
    with pytest.raises(SetupError, match="no pair"):
        sign(INVOICE, WHOLE, key=stranger.key, certificate=seller.certificate, at=NOW)


@pytest.mark.parametrize(
    ("document", "form"),
    [
        (b"<a/>", Form(covers=("b",))),
        (b"<a><b/></a>", Form(covers=("b",))),
        (b'<a><b Id="1"/><b Id="2"/></a>', Form(covers=("b",))),
        (b'<a><b Id="1"/><c Id="1"/></a>', Form(covers=("b",))),
        (b"<a/>", Form(place="b")),
        (b"<?x y?><a/>", WHOLE),
        (b'<a xmlns="urn:a"/>', Form(properties="signing_time")),
    ],
)
def test_a_document_that_the_form_does_not_fit_is_not_signed(seller: Holder, document: bytes, form: Form) -> None:
    with pytest.raises(MalformedError):
        signed(seller, form, document)


def test_nothing_of_a_document_is_logged(seller: Holder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        verified(signed(seller), seller)
    # Of what signxml logs by itself, bytes with their escapes: an ASCII piece of each.
    assert "SHDon" not in caplog.text
    assert "SignedInfo" not in caplog.text


@given(place=st.integers(0, 4000), byte=st.integers(0, 255))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_byte_changes_what_is_read(seller: Holder, place: int, byte: int) -> None:
    """Either the change is refused in our words, or what comes back is what was signed."""
    document = bytearray(xades_once(seller))
    document[place % len(document)] = byte
    try:
        found = verified(bytes(document), seller, XADES)
    except MalformedError:
        return
    assert found.elements == verified(xades_once(seller), seller, XADES).elements
    assert found.said_at == NOW


SIGNED_ONCE: dict[int, bytes] = {}


def xades_once(seller: Holder) -> bytes:
    return SIGNED_ONCE.setdefault(id(seller), signed(seller, XADES))
