"""Nothing a partner says of a payment is believed that our order does not say, and nothing is booked twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from truc.errors import MalformedError
from truc.services import payments
from truc.services.payments import PaymentWish

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


def test_a_payment_is_asked_of_its_party_only(office: Any) -> None:
    reference = office.order_payment()
    rows = office.sql("SELECT party, operation, key, external_id FROM outbox WHERE operation = 'payment'")
    assert [tuple(row) for row in rows] == [("momo", "payment", reference, reference)]
    assert reference.startswith("P260304")
    assert len(reference) == 15


def test_a_bank_that_only_sends_statements_is_asked_nothing(office: Any) -> None:
    office.order_payment(party="vietinbank")
    assert office.sql("SELECT FROM outbox WHERE party = 'vietinbank'") == []
    assert office.sql("SELECT party, state FROM payments")[0] == ("vietinbank", "pending")


def test_the_same_wish_again_is_the_same_payment(office: Any) -> None:
    code = office.receive()
    first, second = (office.order_payment(dossier_code=code, source_reference="fee-1") for _ in range(2))
    assert first == second
    assert len(office.sql("SELECT FROM outbox WHERE operation = 'payment'")) == 1


def test_one_wish_from_many_at_once_is_one_payment(office: Any) -> None:
    code, together = office.receive(), Barrier(8)
    wish = PaymentWish(
        source="one-stop",
        source_reference="fee-1",
        dossier_code=code,
        party="momo",
        amount_vnd=50_000,
        requested_at=MORNING,
    )

    def ask(_: int) -> tuple[str, bool]:
        together.wait()
        with office.store.begin() as transaction:
            return payments.request(transaction, wish)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len({reference for reference, _ in answers}) == 1
    assert sorted(new for _, new in answers) == [False] * 7 + [True]
    assert len(office.sql("SELECT FROM payments")) == 1


def test_a_paid_order_is_booked_with_entry_and_receipt(office: Any) -> None:
    reference = office.order_payment()
    late_evening = datetime(2026, 3, 4, 17, 30, tzinfo=UTC)  # 5 March 0:30 in Vietnam
    assert office.settle(reference, occurred_at=late_evening)
    payment = office.sql("SELECT * FROM payments")[0]
    assert (payment.state, payment.partner_reference, payment.paid_at) == ("paid", f"T-{reference}", late_evening)
    assert str(payment.business_on) == "2026-03-05"
    lines = office.sql("SELECT account, amount_vnd FROM ledger_lines ORDER BY line")
    assert [tuple(line) for line in lines] == [("clearing:momo", 50_000), ("collected:H32.01", -50_000)]
    assert office.sql("SELECT series, year, number FROM receipts")[0] == ("H32.01", 2026, 1)


def test_the_same_word_again_changes_nothing(office: Any) -> None:
    reference = office.order_payment()
    assert [office.settle(reference) for _ in range(3)] == [True, False, False]
    assert len(office.sql("SELECT FROM ledger_entries")) == len(office.sql("SELECT FROM receipts")) == 1


def test_the_same_word_from_many_at_once_is_booked_once(office: Any) -> None:
    reference, together = office.order_payment(), Barrier(8)

    def settle(_: int) -> bool:
        together.wait()
        return bool(office.settle(reference))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(settle, range(8))) == [False] * 7 + [True]
    assert len(office.sql("SELECT FROM ledger_lines")) == 2


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ({"amount_vnd": 49_999}, "amount_differs"),
        ({"amount_vnd": 50_001}, "amount_differs"),
        ({"amount_vnd": 49_999, "state": "failed"}, "amount_differs"),
        ({"party": "vietinbank"}, "wrong_party"),
        ({"state": "refunded"}, "refund_unmatched"),
    ],
)
def test_a_word_our_order_does_not_bear_out_is_refused(office: Any, word: dict[str, Any], reason: str) -> None:
    reference = office.order_payment()
    with pytest.raises(MalformedError, match=reference) as caught:
        office.settle(reference, **word)
    assert caught.value.reason == reason
    _nothing_booked(office)


def test_an_order_of_nobody_is_refused(office: Any) -> None:
    with pytest.raises(MalformedError, match="P26030499999999") as caught:
        office.settle("P26030499999999")
    assert caught.value.reason == "unknown_order"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ({"partner_reference": "another"}, "paid_twice"),
        ({"state": "failed"}, "contradicts_paid"),
        ({"state": "expired"}, "contradicts_paid"),
        ({"state": "refunded"}, "contradicts_paid"),
        ({"amount_vnd": 60_000}, "amount_differs"),
    ],
)
def test_a_word_that_contradicts_a_paid_order_is_an_incident(office: Any, word: dict[str, Any], reason: str) -> None:
    reference = office.order_payment()
    office.settle(reference)
    with pytest.raises(MalformedError, match=reference) as caught:
        office.settle(reference, **word)
    assert caught.value.reason == reason
    payment = office.sql("SELECT state, partner_reference FROM payments")[0]
    assert tuple(payment) == ("paid", f"T-{reference}")
    assert len(office.sql("SELECT FROM ledger_lines")) == 2


def test_pending_changes_nothing_before_or_after(office: Any) -> None:
    reference = office.order_payment()
    assert not office.settle(reference, state="pending")
    _nothing_booked(office)
    office.settle(reference)
    assert not office.settle(reference, state="pending")
    assert office.sql("SELECT state FROM payments")[0].state == "paid"


def test_a_failed_order_that_is_paid_after_all_is_paid(office: Any) -> None:
    reference = office.order_payment()
    assert office.settle(reference, state="failed")
    assert not office.settle(reference, state="failed")
    assert office.settle(reference, state="expired")
    assert office.settle(reference, occurred_at=MORNING + timedelta(hours=1))
    assert office.sql("SELECT state FROM payments")[0].state == "paid"


def test_a_settlement_that_is_rolled_back_leaves_nothing(office: Any) -> None:
    reference = office.order_payment()
    office.sql("INSERT INTO receipt_series VALUES ('H32.01', 2026, 99999999)")  # the receipt, the last act, fails
    with pytest.raises(MalformedError):
        office.settle(reference)
    _nothing_booked(office)


def _nothing_booked(office: Any) -> None:
    assert office.sql("SELECT state FROM payments")[0].state == "pending"
    assert office.sql("SELECT FROM ledger_entries") == office.sql("SELECT FROM receipts") == []


def test_money_the_counter_saw_paid_is_asked_of_nobody(office: Any) -> None:
    wish = _wish(office.receive())
    with office.store.begin() as transaction:
        reference, new = payments.record_paid(transaction, wish, "M-1", MORNING)
    assert new
    assert office.sql("SELECT FROM outbox WHERE operation = 'payment'") == []
    assert office.sql("SELECT state FROM payments WHERE our_reference = :r", r=reference)[0].state == "paid"
    with office.store.begin() as transaction:
        assert payments.record_paid(transaction, wish, "M-1", MORNING) == (reference, False)
    assert len(office.sql("SELECT FROM ledger_entries")) == 1


def test_a_reference_that_stands_for_another_payment_is_refused(office: Any) -> None:
    wish = _wish(office.receive())
    with office.store.begin() as transaction:
        payments.request(transaction, wish)
    for other in ({"amount_vnd": 70_000}, {"party": "vietinbank"}, {"dossier_code": office.receive()}):
        with pytest.raises(MalformedError) as caught, office.store.begin() as transaction:
            payments.request(transaction, replace(wish, **other))
        assert caught.value.reason == "reference_reused"


def _wish(dossier_code: str) -> PaymentWish:
    return PaymentWish(
        source="one-stop",
        source_reference="fee-1",
        dossier_code=dossier_code,
        party="momo",
        amount_vnd=50_000,
        requested_at=MORNING,
    )
