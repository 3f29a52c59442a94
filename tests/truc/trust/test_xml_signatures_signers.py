"""Whose XML signatures are taken, and when: pinned certificates, chains below roots, periods and signing times."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.truc.trust.holders import DAY, NOW, Holder, holder
from tests.truc.trust.invoices import INVOICE, OF_INVOICES, WHOLE, XADES, refused, signed, verified
from truc.errors import MalformedError, SetupError
from truc.trust.signers import Trust
from truc.trust.xml_signatures import Form, Verified, sign, verify


@pytest.fixture(scope="module")
def root() -> Holder:
    return holder("root", authority=True, until=NOW + 300 * DAY, since=NOW - 900 * DAY)


@pytest.fixture(scope="module")
def seller(root: Holder) -> Holder:
    return holder("seller", root)


@pytest.fixture(scope="module")
def stranger() -> Holder:
    return holder("stranger")


def test_a_signer_outside_the_pinned_set_is_refused(seller: Holder, stranger: Holder) -> None:
    assert refused(signed(stranger), seller) == "signer_unknown"


def test_a_certificate_put_in_place_of_the_signers_is_refused(seller: Holder, stranger: Holder) -> None:
    document = signed(stranger, WHOLE)
    its, other = ("".join(one.certificate_pem.splitlines()[1:-1]).encode() for one in (stranger, seller))
    document = b"".join(document.split(b"\n"))
    assert its in document
    assert refused(document.replace(its, other), seller, WHOLE) == "signature_broken"


def test_xades_names_its_certificate(seller: Holder) -> None:
    """The same key with another certificate: only the digest in the signed properties tells them apart."""
    own = seller.certificate
    twin = Holder(
        seller.secret,
        x509.CertificateBuilder()
        .subject_name(own.subject).issuer_name(own.subject).public_key(own.public_key())
        .serial_number(7).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
        .sign(seller.secret, hashes.SHA256()),
    )  # fmt: skip
    document = b"".join(signed(seller, XADES).split(b"\n"))
    its, other = ("".join(one.certificate_pem.splitlines()[1:-1]).encode() for one in (seller, twin))
    assert refused(document.replace(its, other), twin, XADES) == "certificate_not_named"


def below(root: Holder, document: bytes, *, now: datetime = NOW, form: Form = OF_INVOICES) -> Verified:
    return verify(document, form, Trust(roots=(root.certificate,)), now=now)


def test_a_signer_below_a_root_is_taken_and_one_below_another_is_not(
    root: Holder, seller: Holder, stranger: Holder
) -> None:
    assert below(root, signed(seller)).certificate == seller.certificate
    other = holder("other root", authority=True)
    with pytest.raises(MalformedError) as raised:
        below(other, signed(seller))
    assert raised.value.reason == "signer_unknown"
    with pytest.raises(MalformedError):
        below(root, signed(stranger))


def test_a_chain_leads_over_what_is_sent_along_or_known(root: Holder) -> None:
    between = holder("between", root, authority=True)
    last = holder("last", between)
    carried = sign(
        INVOICE, OF_INVOICES, key=last.key, certificate=last.certificate, at=NOW, sent_along=[between.certificate]
    )
    assert below(root, carried).certificate == last.certificate
    bare = signed(last)
    with pytest.raises(MalformedError, match="none of the roots"):
        below(root, bare)
    known = Trust(roots=(root.certificate,), intermediates=(between.certificate,))
    assert verify(bare, OF_INVOICES, known, now=NOW).certificate == last.certificate


@pytest.mark.parametrize(("authority", "may_issue"), [(False, False), (True, False), (False, True)])
def test_no_certificate_issues_that_is_no_authority(root: Holder, authority: bool, may_issue: bool) -> None:
    between = holder("between", root, authority=authority, may_issue=may_issue)
    last = holder("last", between)
    carried = sign(
        INVOICE, OF_INVOICES, key=last.key, certificate=last.certificate, at=NOW, sent_along=[between.certificate]
    )
    with pytest.raises(MalformedError, match="none of the roots"):
        below(root, carried)


def test_a_certificate_that_may_not_sign_is_refused(root: Holder) -> None:
    with pytest.raises(MalformedError, match="none of the roots"):
        below(root, signed(holder("for ciphers", root, may_sign=False)))


def test_a_weak_key_is_refused() -> None:
    weak = holder("weak", bits=1024)
    with pytest.raises(MalformedError, match="2048"):
        signed(weak)


def test_a_certificate_counts_at_the_signing_time(root: Holder) -> None:
    old = holder("old", root, since=NOW - 400 * DAY, until=NOW - 100 * DAY)
    assert below(root, signed(old, at=NOW - 200 * DAY)).said_at == NOW - 200 * DAY
    for at in (NOW, NOW - 99 * DAY, NOW - 401 * DAY):
        assert refused(signed(old, at=at), old) == "certificate_out_of_date"
    assert refused(signed(old, WHOLE), old, WHOLE) == "certificate_out_of_date"
    assert verified(signed(old, WHOLE), old, WHOLE, now=NOW - 200 * DAY).said_at is None


def test_a_signing_time_is_held_against_the_clock(seller: Holder) -> None:
    trust = Trust(signers=(seller.certificate,), skew=timedelta(minutes=5), age_max=timedelta(days=2))
    ahead, back = signed(seller, at=NOW + timedelta(minutes=6)), signed(seller, at=NOW - 3 * DAY)
    for document in (ahead, back):
        with pytest.raises(MalformedError) as raised:
            verify(document, OF_INVOICES, trust, now=NOW)
        assert raised.value.reason == "signing_time_unbelievable"
    assert verify(signed(seller, at=NOW + timedelta(minutes=4)), OF_INVOICES, trust, now=NOW)
    assert verified(back, seller).said_at == NOW - 3 * DAY


def test_a_trust_without_anybody_is_refused() -> None:
    with pytest.raises(SetupError):
        Trust()
