"""The real client and ViettelPay's stand-in, over sockets, with a hub of this test alone in the gateway's place."""

from datetime import UTC, datetime

import pytest

from mappings.viettelpay import payment, refund
from tests.connectors.paying import played
from truc.envelope import Order, Outgoing
from truc.messages import PaymentRequested, RefundRequested

REQUESTED = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
REFERENCE = "P25060300000001"


def outgoing(reference=REFERENCE, amount_vnd=200_000):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Lệ phí hồ sơ H32.1-250603-0001",
        requested_at=REQUESTED,
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


def asked_about(reference=REFERENCE):
    return Order(our_reference=reference, partner_token="", amount_vnd=200_000, requested_at=REQUESTED)


def refund_of(transaction, reference="R1", payment_reference=REFERENCE):
    message = RefundRequested(
        refund_reference=reference,
        our_reference=payment_reference,
        dossier_code="H32.1-250603-0001",
        partner_reference=transaction,
        paid_vnd=200_000,
        amount_vnd=200_000,
        payment_requested_at=REQUESTED,
        paid_at=REQUESTED,
        purpose="Trả lại lệ phí",
        requested_at=REQUESTED,
        requested_by="ketoan01",
    )
    return Outgoing(external_id=reference, key=payment_reference, body=refund.write(message))


@pytest.fixture
def viettelpay(tmp_path):
    """A ViettelPay of this test alone."""
    yield from played("viettelpay", tmp_path / "viettelpay", message=outgoing, usual={"code": "00"})


@pytest.fixture
def order():
    return outgoing


@pytest.fixture
def about():
    return asked_about


@pytest.fixture
def refunding():
    return refund_of
