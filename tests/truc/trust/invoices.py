"""A document in the form of an e-invoice (partners.md 12.2), signed and verified in tests."""

from datetime import datetime

import pytest

from tests.truc.trust.holders import NOW, Holder
from truc.errors import MalformedError
from truc.trust.signers import Trust
from truc.trust.xml_signatures import Form, Verified, sign, verify

INVOICE = (
    '<HDon><DLHDon Id="data"><TTChung><SHDon>7</SHDon></TTChung><NDHDon><Ten>Nguyễn Văn A</Ten></NDHDon></DLHDon>'
    "<DSCKS><NBan/><CQT/></DSCKS></HDon>"
).encode()
OF_INVOICES = Form(covers=("DLHDon",), place="DSCKS/NBan", properties="signing_time", canonicalization="inclusive")
WHOLE = Form()
XADES = Form(properties="xades")


def signed(who: Holder, form: Form = OF_INVOICES, document: bytes = INVOICE, at: datetime = NOW) -> bytes:
    """Return the document, signed in that form."""
    return sign(document, form, key=who.key, certificate=who.certificate, at=at)


def verified(document: bytes, who: Holder, form: Form = OF_INVOICES, now: datetime = NOW) -> Verified:
    """Verify a document of a pinned signer."""
    return verify(document, form, Trust(signers=(who.certificate,)), now=now)


def refused(document: bytes, who: Holder, form: Form = OF_INVOICES, now: datetime = NOW) -> str:
    """Return the reason for which it is refused, in a text that quotes nothing."""
    with pytest.raises(MalformedError) as raised:
        verified(document, who, form, now)
    assert "Nguyễn" not in str(raised.value)
    return raised.value.reason
