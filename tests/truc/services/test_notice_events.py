"""A citizen hears how their payment ended while it is news, and never of one that nobody could pay."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from truc.domain.payment_states import Became, Doubt, Mover, NextStep, State
from truc.services import asking, payments
from truc.store import payments as payment_store

Channels = Callable[..., None]


def kinds_of(office: Any, like: str) -> list[str]:
    return [row.kind for row in office.sql("SELECT kind FROM notices WHERE event_key LIKE :like ORDER BY 1", like=like)]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ({"state": "failed"}, "payment_failed"),
        ({"state": "expired"}, "payment_failed"),
        ({"amount_vnd": 49_000}, "payment_in_doubt"),
    ],
)
def test_the_end_of_a_payment_has_its_kind(office: Any, channels: Channels, word: Any, kind: str) -> None:
    channels("sms")
    reference = asked(office)
    office.settle(reference, **word)
    assert kinds_of(office, f"{reference}/%") == ["fee_due", kind]


def asked(office: Any, *, days_ago: int = 0, **changes: Any) -> str:
    at = datetime.now(UTC) - timedelta(days=days_ago, hours=-1)
    reference: str = office.order_payment(dossier_code=office.receive(wants_sms=True), requested_at=at, **changes)
    return reference


def by_clock(office: Any, reference: str) -> None:
    became = Became(state=State.IN_DOUBT, doubt=Doubt.UNANSWERED, next_step=NextStep.PERSON)
    with office.store.begin() as transaction:
        payments.enter(transaction, payment_store.get_locked(transaction, reference), Mover.CLOCK, became)


@pytest.mark.parametrize(("days_ago", "is_told"), [(7, True), (8, False)])
@pytest.mark.parametrize("end", ["failed", "expired", "in_doubt"])
def test_the_unpaid_end_of_a_payment_of_long_ago_is_no_news(
    office: Any, channels: Channels, end: str, days_ago: int, is_told: bool
) -> None:
    channels("sms")
    reference = asked(office, days_ago=days_ago)
    office.sql("UPDATE payments SET state = 'pending', pay_url = 'https://pay.invalid/1'")
    if end == "in_doubt":
        by_clock(office, reference)
    else:
        office.settle(reference, state=end)
    assert office.sql("SELECT state FROM payments")[0].state == end
    assert len(kinds_of(office, f"{reference}/payment_%")) == is_told


def test_money_of_a_payment_of_long_ago_is_news_all_the_same(office: Any, channels: Channels) -> None:
    channels("sms")
    reference = asked(office, days_ago=400)
    office.settle(reference, amount_vnd=49_000)
    office.settle(reference)
    assert kinds_of(office, f"{reference}/payment_%") == ["payment_confirmed", "payment_in_doubt"]


def test_who_was_told_that_it_is_being_checked_hears_what_came_of_it_however_late(
    office: Any, channels: Channels
) -> None:
    channels("sms")
    reference = asked(office)
    office.sql("UPDATE payments SET state = 'pending', pay_url = 'https://pay.invalid/1'")
    by_clock(office, reference)
    office.sql("UPDATE payments SET requested_at = requested_at - interval '30 days'")
    office.settle(reference, state="failed")
    assert kinds_of(office, f"{reference}/payment_%") == ["payment_failed", "payment_in_doubt"]


@pytest.mark.parametrize("reason", ["momo_22", "outcome_unknown"])
def test_a_payment_nobody_could_pay_is_not_said_to_be_checked(office: Any, channels: Channels, reason: str) -> None:
    channels("sms")
    reference = asked(office)
    office.sql("UPDATE outbox SET state = 'set_aside', reason = :why WHERE external_id = :r", why=reason, r=reference)
    asking.take_stock(office.store, "momo")
    assert office.sql("SELECT doubt FROM payments")[0].doubt == "not_delivered"
    assert kinds_of(office, f"{reference}/%") == ["fee_due"]
    office.settle(reference, amount_vnd=49_000)  # and yet somebody paid
    assert kinds_of(office, f"{reference}/%") == ["fee_due", "payment_in_doubt"]


def test_a_transfer_needs_no_address_to_be_paid(office: Any, channels: Channels) -> None:
    channels("sms")
    reference = asked(office, party="vietinbank")
    by_clock(office, reference)
    assert kinds_of(office, f"{reference}/payment_%") == ["payment_in_doubt"]
