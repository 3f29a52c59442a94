"""The real client and VNPAY's stand-in, over sockets, with a listener in the gateway's place."""

from datetime import UTC, datetime, timedelta

import pytest

from mappings.vnpay import payment, refund
from tests.connectors.paying import Scripted, played
from truc.envelope import Order, Outgoing
from truc.inbound.callbacks import HttpAnswer
from truc.messages import PaymentRequested, RefundRequested

REQUESTED = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
AT = "2025-06-03T09:05:00+07:00"


def outgoing(reference="TT1", amount_vnd=200_000):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Lệ phí hồ sơ H32.1-250603-0001",
        requested_at=REQUESTED,
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


def asked_about(reference="TT1", requested_at=REQUESTED):
    return Order(our_reference=reference, partner_token="", amount_vnd=200_000, requested_at=requested_at)


def refund_of(reference="R1", amount_vnd=200_000, payment_reference="TT1", requested_at=REQUESTED):
    message = RefundRequested(
        refund_reference=reference,
        our_reference=payment_reference,
        dossier_code="H32.1-250603-0001",
        partner_reference="14422574",
        paid_vnd=200_000,
        amount_vnd=amount_vnd,
        paid_at=requested_at + timedelta(minutes=5),
        payment_requested_at=requested_at,
        purpose="Trả lại lệ phí",
        requested_at=datetime(2025, 6, 4, 2, 0, tzinfo=UTC),
        requested_by="ketoan01",
    )
    return Outgoing(external_id=reference, key=payment_reference, body=refund.write(message))


def play(home):
    taken = HttpAnswer(200, b'{"RspCode": "00", "Message": ""}')
    return played("vnpay", home, message=outgoing, usual={"code": "00", "at": AT}, hub=Scripted(taken))


@pytest.fixture
def vnpay(tmp_path):
    """A VNPAY of this test alone."""
    yield from play(tmp_path / "vnpay")


@pytest.fixture(scope="module")
def lasting_vnpay(tmp_path_factory):
    """One VNPAY for a table of cases that do not touch each other."""
    yield from play(tmp_path_factory.mktemp("vnpay"))


@pytest.fixture
def order():
    return outgoing


@pytest.fixture
def about():
    return asked_about


@pytest.fixture
def refunding():
    return refund_of
