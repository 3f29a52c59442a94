"""Every party that can be asked about a payment says what is, or fails as one who was only asked."""

from dataclasses import replace

import pytest

from tests.suites import payments, sending
from tests.suites.partner import Partner, patience_for, with_capability
from truc import parties
from truc.envelope import Order
from truc.errors import MalformedError, RejectedError, TransientError
from truc.manifest import Capability

EVERY_PARTY = with_capability(Capability.SAY_PAYMENT)
SILENT = (
    *("refuse", "unavailable", "silent_before", "error_before"),
    *("silent_after", "drop_after", "error_after", "truncated", "slow"),
)


def ordered(partner: Partner) -> Order:
    message, address = payments.ask_for(partner, 1)
    return payments.order_of(message, address.partner_token)


@EVERY_PARTY
def test_a_payment_is_pending_then_paid_over_our_amount(partner: Partner) -> None:
    order = ordered(partner)
    before = payments.said(partner, order)
    assert (before.our_reference, before.state) == (order.our_reference, "pending")
    payments.pay(partner, order.our_reference, notify=False)
    after = payments.said(partner, order)
    assert (after.our_reference, after.state, after.amount_vnd) == (order.our_reference, "paid", order.amount_vnd)
    assert after.partner_reference


@EVERY_PARTY
def test_the_amount_is_the_partys_own_word_and_not_what_we_asked_by(partner: Partner) -> None:
    """The core compares it with our order: an echo of ours would always agree."""
    order = ordered(partner)
    payments.pay(partner, order.our_reference, notify=False)
    try:
        told = payments.said(partner, replace(order, amount_vnd=order.amount_vnd + 1_000))
    except MalformedError as error:
        assert error.reason == "answer_of_another"  # noqa: PT017  (this client compares the amount itself)
    else:
        assert told.amount_vnd == order.amount_vnd


@EVERY_PARTY
def test_a_payment_it_does_not_have_is_refused_as_not_found(partner: Partner) -> None:
    message, _, _ = payments.payment(partner, 7)
    with partner.client() as client, pytest.raises(RejectedError) as caught:
        client.get_payment(payments.order_of(message))
    assert caught.value.reason == "not_found"


@EVERY_PARTY
def test_silence_after_a_question_is_transient_and_an_unreadable_answer_malformed(partner: Partner) -> None:
    order = ordered(partner)
    off = {}
    for mode in (*SILENT, "garbage", "huge"):
        partner.fault("query", mode)
        expected = MalformedError if mode in ("garbage", "huge") else TransientError
        with patience_for(mode), partner.client() as client:
            try:
                off[mode] = repr(client.get_payment(order))
            except expected:
                assert partner.told("faults")
            except Exception as error:  # noqa: BLE001  (collected: all modes are told at once)
                off[mode] = repr(error)
        partner.forgive()
    assert off == {}, off


@EVERY_PARTY
def test_each_code_does_what_the_table_says(partner: Partner) -> None:
    sending.says_on_each_code_what_its_table_says(partner, ordered(partner))


@EVERY_PARTY
def test_its_manifest_says_when_it_is_asked(partner: Partner) -> None:
    terms = partner.manifest.payments
    assert terms is not None
    assert terms.ask_after_s == tuple(sorted(terms.ask_after_s)) != ()
    assert parties.reader(partner.party, "query")
