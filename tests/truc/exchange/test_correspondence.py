"""Whether the hub and a party ever wrote to each other, in either direction."""

from datetime import UTC, datetime

from truc.envelope import Envelope
from truc.exchange import correspondence, inbox, outbox
from truc.manifest import Event
from truc.messages import PaymentRequested
from truc.store.opened import Store

ASKED = PaymentRequested(
    our_reference="P26112000000001",
    dossier_code="H32.01-261120-0001",
    amount_vnd=50_000,
    purpose="Phi ho so",
    requested_at=datetime(2026, 11, 20, 2, tzinfo=UTC),
)


def _exists(store: Store, party: str) -> bool:
    with store.begin() as transaction:
        return correspondence.exists_with(transaction, party)


def test_a_message_that_only_waits_to_be_sent_counts(store: Store) -> None:
    assert not _exists(store, "momo")
    with store.begin() as transaction:
        outbox.publish(transaction, Event.PAYMENT_REQUESTED, ASKED, key="P1", external_id="P1", only="momo")
    assert _exists(store, "momo")
    assert not _exists(store, "vnpay")


def test_a_message_that_came_counts(store: Store) -> None:
    with store.begin() as transaction:
        inbox.keep(transaction, Envelope("vnpay", "ipn", "P1/1", b"vnp_Amount=1"))
    assert _exists(store, "vnpay")
    assert not _exists(store, "momo")
