"""The real client and the platform's stand-in, over sockets, with the connector's inbound in the gateway's place."""

from datetime import UTC, datetime

import pytest

from mappings.national_payment import payment
from tests.connectors.paying import played
from truc.domain.payment_kinds import FeeDetails, FineDetails, Payer, TaxDetails
from truc.envelope import Order, Outgoing
from truc.messages import PaymentRequested

REQUESTED = datetime(2025, 6, 3, 6, 5, tzinfo=UTC)
AT = "2025-06-03T13:10:00+07:00"
PAYER = Payer(name="Nguyễn Văn A")
FEES = FeeDetails(
    payer=PAYER,
    dossier_code="H32.1-250603-0001",
    procedure_code="1.001",
    procedure_name="Đăng ký",
    collecting_code="H32.1",
    collecting_name="Sở A",
)
FINE = FineDetails(
    payer=PAYER,
    decision_number="12/QĐ",
    decided_on="2025-06-01",
    deciding_code="C08",
    deciding_name="Phòng CSGT",
    form_code="GT",
    form_name="Giao thông",
    offender_name="Trần B",
    treasury="KBNN",
    budget_account="7111",
)
TAX = TaxDetails(
    payer=PAYER,
    tax_code="4200000001",
    taxpayer="person",
    obligation_code="ID123",
    collecting_code="1054",
    collecting_name="Thuế tỉnh",
)
DETAILS = {"fees": FEES, "fine": FINE, "tax": TAX, "none": None}


def outgoing(reference="TT1", amount_vnd=200_000, kind="fees"):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Phí hồ sơ",
        requested_at=REQUESTED,
        details=DETAILS[kind],
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


def asked_about(reference="TT1", requested_at=REQUESTED):
    return Order(our_reference=reference, partner_token="", amount_vnd=200_000, requested_at=requested_at)


def play(home):
    return played("national_payment", home, message=outgoing, usual={"code": "00", "at": AT})


@pytest.fixture
def platform(tmp_path):
    """A platform of this test alone."""
    yield from play(tmp_path / "national_payment")


@pytest.fixture(scope="module")
def lasting_platform(tmp_path_factory):
    """One platform for a table of cases that do not touch each other."""
    yield from play(tmp_path_factory.mktemp("national_payment"))


@pytest.fixture
def order():
    return outgoing


@pytest.fixture
def about():
    return asked_about
