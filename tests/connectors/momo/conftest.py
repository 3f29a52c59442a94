"""The real client and MoMo's stand-in, over sockets, with a listener in the gateway's place."""

from datetime import UTC, datetime

import pytest

from mappings.momo import payment, refund
from tests.connectors.paying import Scripted, played
from truc.envelope import Order, Outgoing
from truc.inbound.callbacks import HttpAnswer
from truc.messages import PaymentRequested, RefundRequested

AT = "2025-06-03T09:30:00+07:00"


def outgoing(reference="TT-1", amount_vnd=200_000):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Lệ phí hồ sơ",
        requested_at=datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


def asked_about(reference="TT-1", amount_vnd=200_000):
    return Order(
        our_reference=reference,
        partner_token="",
        amount_vnd=amount_vnd,
        requested_at=datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
    )


def refund_of(trans_id, reference="TT-1-R1", amount_vnd=200_000):
    at = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
    message = RefundRequested(
        refund_reference=reference,
        our_reference="TT-1",
        dossier_code="H32.1-250603-0001",
        partner_reference=trans_id,
        paid_vnd=200_000,
        amount_vnd=amount_vnd,
        paid_at=at,
        payment_requested_at=at,
        purpose="Trả lại lệ phí",
        requested_at=at,
        requested_by="finance",
    )
    return Outgoing(external_id=reference, key="TT-1", body=refund.write(message))


def play(home):
    return played("momo", home, message=outgoing, usual={"code": 0, "at": AT}, hub=Scripted(HttpAnswer(204)))


@pytest.fixture
def momo(tmp_path):
    """A MoMo of this test alone."""
    yield from play(tmp_path / "momo")


@pytest.fixture(scope="module")
def lasting_momo(tmp_path_factory):
    """One MoMo for a table of cases that do not touch each other."""
    yield from play(tmp_path_factory.mktemp("momo"))


@pytest.fixture
def order():
    return outgoing


@pytest.fixture
def about():
    return asked_about


@pytest.fixture
def refunding():
    return refund_of
