"""The real client and the stand-in of VNPT's gateway, over sockets, with a hub of this test alone in our place."""

from datetime import UTC, datetime

import pytest

from mappings.vnptpay import payment
from tests.connectors.paying import played
from truc.envelope import Outgoing
from truc.messages import PaymentRequested

REFERENCE = "P25060300000001"


def outgoing(reference=REFERENCE, amount_vnd=200_000):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Lệ phí hồ sơ",
        requested_at=datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


@pytest.fixture
def vnptpay(tmp_path):
    """A gateway of VNPT of this test alone."""
    yield from played("vnptpay", tmp_path / "vnptpay", message=outgoing, usual={})


@pytest.fixture
def order():
    return outgoing
