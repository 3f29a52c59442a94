"""Nothing a partner says of a payment is believed that our order does not say, and nothing is booked twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from truc.connections import Connection
from truc.domain.payment_kinds import ElectricityDetails, FeeLine, Payer
from truc.domain.vietqr import parse
from truc.envelope import Envelope
from truc.errors import MalformedError
from truc.exchange import inbox, outbox
from truc.exchange.inbox import Origin
from truc.messages import PaymentAddress, PaymentResult
from truc.services import payment_details, payments, standing
from truc.services.payments import PaymentWish
from truc.store import payments as payment_store

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


def test_a_payment_whose_party_names_no_time_is_booked_as_of_when_the_word_came(office: Any) -> None:
    reference = office.order_payment(party="viettelpay")
    envelope = Envelope("viettelpay", "result", "r1", f"order_id={reference}".encode())
    with office.store.begin() as transaction:
        kept = inbox.keep(transaction, envelope)
    came = datetime(2026, 3, 4, 16, 59, tzinfo=UTC)  # 23:59 in Vietnam; it is booked long after
    office.sql("UPDATE inbox SET received_at = :at WHERE id = :id", at=came, id=kept.inbox_id)
    result = PaymentResult(our_reference=reference, partner_reference="T1", amount_vnd=50_000, state="paid")
    with office.store.begin() as transaction:
        origin = Origin(kept.inbox_id, "viettelpay", "result", envelope.digest)
        assert payments.settle(transaction, "viettelpay", result, origin)
        row = payment_store.get(transaction, reference)
        assert payment_store.paid_time_is_ours(transaction, row)
    assert (row.paid_at, str(row.business_on)) == (came, "2026-03-04")
    [word] = office.sql("SELECT said_at FROM payment_words")
    assert word.said_at is None, "what the party did not say is not kept as its word"


@pytest.mark.parametrize(("ahead", "is_theirs"), [(timedelta(minutes=10), True), (timedelta(days=3), False)])
def test_a_payment_said_to_be_made_after_its_word_came_is_booked_as_of_then(
    office: Any, ahead: timedelta, is_theirs: bool
) -> None:
    reference = office.order_payment()
    with office.store.begin() as transaction:
        kept = inbox.keep(transaction, Envelope("momo", "ipn", "i1", b"paid"))
    came = datetime(2026, 3, 4, 16, 30, tzinfo=UTC)
    office.sql("UPDATE inbox SET received_at = :at WHERE id = :id", at=came, id=kept.inbox_id)
    result = PaymentResult(
        our_reference=reference, partner_reference="T1", amount_vnd=50_000, state="paid", occurred_at=came + ahead
    )
    with office.store.begin() as transaction:
        assert payments.settle(transaction, "momo", result, Origin(kept.inbox_id, "momo", "ipn", "0" * 64))
        row = payment_store.get(transaction, reference)
        assert payment_store.paid_time_is_ours(transaction, row) is not is_theirs
    assert (row.paid_at, str(row.business_on)) == (came + ahead if is_theirs else came, "2026-03-04")
    [entry] = office.sql("SELECT business_on FROM ledger_entries")
    [word] = office.sql("SELECT said_at FROM payment_words")
    assert (str(entry.business_on), word.said_at) == ("2026-03-04", came + ahead)


def test_a_time_that_the_party_names_is_its_own(office: Any) -> None:
    reference = office.order_payment()
    office.settle(reference)
    office.settle(reference, occurred_at=None)  # the same payment, told again without a time
    with office.store.begin() as transaction:
        assert not payment_store.paid_time_is_ours(transaction, payment_store.get(transaction, reference))


def test_an_end_without_a_time_that_came_before_the_payment_is_no_contradiction(office: Any) -> None:
    """What is booked late still has its place in time: it came when it came."""
    reference = office.order_payment()
    with office.store.begin() as transaction:
        kept = inbox.keep(transaction, Envelope("momo", "query", "q1", b"failed"))
    office.sql("UPDATE inbox SET received_at = :at WHERE id = :id", at=MORNING - timedelta(hours=1), id=kept.inbox_id)
    office.settle(reference)
    failed = PaymentResult(our_reference=reference, partner_reference="", amount_vnd=50_000, state="failed")
    with office.store.begin() as transaction:
        payments.settle(transaction, "momo", failed, Origin(kept.inbox_id, "momo", "query", "0" * 64))
    assert office.sql("SELECT state FROM payments")[0].state == "paid"


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
        ({"party": "vietinbank"}, "wrong_party"),
        ({"state": "refunded"}, "refund_unmatched"),
    ],
)
def test_money_our_order_does_not_bear_out_is_in_doubt(office: Any, word: dict[str, Any], reason: str) -> None:
    reference = office.order_payment()
    assert office.settle(reference, **word)
    _nothing_booked(office, state="in_doubt")
    [row] = office.sql("SELECT doubt, next_step, owner FROM payments")
    assert tuple(row) == (reason, "person", "finance")
    [said] = office.sql("SELECT party, said, amount_vnd, state_before, state_after, remark FROM payment_words")
    assert (said.state_before, said.state_after, said.remark) == ("created", "in_doubt", reason)
    assert (said.party, said.said) == (word.get("party", "momo"), word.get("state", "paid"))
    assert said.amount_vnd == word.get("amount_vnd", 50_000)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ({"amount_vnd": 49_999, "state": "failed"}, "amount_differs"),
        ({"party": "vietinbank", "state": "expired"}, "wrong_party"),
    ],
)
def test_an_end_our_order_does_not_bear_out_is_only_noted(office: Any, word: dict[str, Any], reason: str) -> None:
    reference = office.order_payment()
    assert not office.settle(reference, **word)
    _nothing_booked(office)
    assert [row.remark for row in office.sql("SELECT remark FROM payment_words")] == [reason]


def test_the_right_word_after_a_wrong_amount_is_booked_and_all_words_are_kept(office: Any) -> None:
    reference = office.order_payment()
    office.settle(reference, amount_vnd=49_999)
    assert office.settle(reference)
    assert tuple(office.sql("SELECT state, doubt FROM payments")[0]) == ("paid", None)
    rows = office.sql("SELECT said, state_after FROM payment_words ORDER BY id")
    assert [tuple(row) for row in rows] == [("paid", "in_doubt"), ("paid", "paid")]
    assert len(office.sql("SELECT FROM ledger_entries")) == 1


def test_a_payment_two_parties_claim_is_booked_once_and_stays_in_doubt(office: Any) -> None:
    reference = office.order_payment()
    office.settle(reference, party="vietinbank")
    assert office.settle(reference)
    [row] = office.sql("SELECT state, doubt, business_on FROM payments")
    assert (row.state, row.doubt, row.business_on is not None) == ("in_doubt", "wrong_party", True)
    assert len(office.sql("SELECT FROM ledger_entries")) == 1


@pytest.mark.parametrize("change", ["UPDATE payment_words SET said = 'paid'", "DELETE FROM payment_words"])
def test_what_was_said_stays(office: Any, change: str) -> None:
    office.settle(office.order_payment())
    with pytest.raises(IntegrityError, match="is only ever added to"):
        office.sql(change)


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
        ({"state": "refunded"}, "refund_unmatched"),
        ({"amount_vnd": 60_000}, "amount_differs"),
    ],
)
def test_a_word_that_contradicts_a_paid_order_is_a_doubt_and_takes_nothing_back(
    office: Any, word: dict[str, Any], reason: str
) -> None:
    reference = office.order_payment()
    office.settle(reference)
    assert office.settle(reference, **word)
    payment = office.sql("SELECT state, doubt, partner_reference, business_on FROM payments")[0]
    assert (payment.state, payment.doubt, payment.partner_reference) == ("in_doubt", reason, f"T-{reference}")
    assert payment.business_on is not None
    assert len(office.sql("SELECT FROM ledger_lines")) == 2


@pytest.mark.parametrize("times", [(None, MORNING), (MORNING, None)])
def test_the_number_that_the_first_word_did_not_have_is_kept_and_a_third_one_is_another_payment(
    office: Any, times: tuple[datetime | None, ...]
) -> None:
    reference = office.order_payment()
    office.settle(reference, partner_reference="", occurred_at=times[0])
    assert office.settle(reference, partner_reference="T1", occurred_at=times[1])
    assert not office.settle(reference, partner_reference="", occurred_at=times[0])
    [row] = office.sql("SELECT * FROM payments")
    assert (row.state, row.doubt, row.partner_reference) == ("paid", None, "T1")
    with office.store.begin() as transaction:
        assert payment_store.paid_time_is_ours(transaction, row) is (times[0] is None)
    assert len(office.sql("SELECT FROM ledger_entries")) == 1
    office.settle(reference, partner_reference="T2")
    assert tuple(office.sql("SELECT doubt, partner_reference FROM payments")[0]) == ("paid_twice", "T1")


def test_an_attempt_that_failed_before_the_one_that_paid_is_no_doubt(office: Any) -> None:
    reference = office.order_payment()
    office.settle(reference)
    assert not office.settle(reference, state="failed", occurred_at=MORNING - timedelta(seconds=1))
    assert office.sql("SELECT state FROM payments")[0].state == "paid"


def test_pending_changes_nothing_before_or_after(office: Any) -> None:
    reference = office.order_payment()
    assert office.settle(reference, state="pending")  # the party has it
    assert not office.settle(reference, state="pending")
    _nothing_booked(office, state="pending")
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


def _nothing_booked(office: Any, *, state: str = "created") -> None:
    assert office.sql("SELECT state FROM payments")[0].state == state
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
    assert len(office.sql("SELECT FROM payment_words")) == 1


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


def test_a_dossiers_fees_are_told_with_its_details(office: Any) -> None:
    code = office.receive()
    reference = office.order_payment(dossier_code=code)
    details = _message(office, reference).details
    assert (details.kind, details.dossier_code, details.procedure_code) == ("fees", code, "9.000001")
    assert (details.collecting_code, details.payer.name) == ("H32.01", "Nguyễn Thị Ánh Tuyết")
    assert details.payer.province == "Khánh Hòa"


def test_a_bill_is_no_dossiers_and_gets_no_receipt_of_ours(office: Any) -> None:
    bill = ElectricityDetails(
        payer=Payer(name="Nguyễn Văn An"),
        obligation_code="PC13-0001",
        collecting_code="EVN",
        collecting_name="Điện lực",
    )
    wish = replace(_wish(""), details=bill)
    with office.store.begin() as transaction:
        reference, new = payments.request(transaction, wish)
    with office.store.begin() as transaction:
        assert (new, payments.request(transaction, wish)) == (True, (reference, False))
    assert (_message(office, reference).details, _message(office, reference).dossier_code) == (bill, "")
    assert office.settle(reference)
    lines = office.sql("SELECT account, amount_vnd FROM ledger_lines ORDER BY line")
    assert [tuple(line) for line in lines] == [("clearing:momo", 50_000), ("collected:EVN", -50_000)]
    assert office.sql("SELECT FROM receipts") == []
    with office.store.begin() as transaction:
        told = standing.of_payment(transaction, reference)
    assert told is not None
    assert (told.dossier_code, told.kind, told.obligation_code) == ("", "electricity", "PC13-0001")


def test_details_that_do_not_fit_the_payment_are_refused(office: Any) -> None:
    code = office.receive()
    with office.store.begin() as transaction:
        fees = payment_details.of_dossier(transaction, code)
    line = FeeLine(kind="fee", name="Lệ phí", amount_vnd=49_999)
    for wish, reason in (
        (replace(_wish(code), details=fees.model_copy(update={"lines": (line,)})), "lines_differ"),
        (replace(_wish(office.receive()), details=fees), "details_of_another"),
        (replace(_wish(""), details=fees), "details_missing"),
        (_wish(""), "details_missing"),
        (_wish("H32.01-260304-9999"), "unknown_dossier"),
    ):
        with pytest.raises(MalformedError) as caught, office.store.begin() as transaction:
            payments.request(transaction, wish)
        assert caught.value.reason == reason
    assert office.sql("SELECT FROM payments") == []


def test_the_pay_address_is_told_only_while_the_payment_is_pending(office: Any) -> None:
    reference = office.order_payment()

    def told() -> tuple[str, str]:
        with office.store.begin() as transaction:
            found = standing.of_payment(transaction, reference)
        assert found is not None
        return found.state, found.pay_url

    assert told() == ("created", "")
    address = PaymentAddress(our_reference=reference, pay_url="https://a.example/pay")
    with office.store.begin() as transaction:
        payments.take(transaction, "momo", address)
    assert told() == ("pending", "https://a.example/pay")
    assert office.settle(reference)
    assert told() == ("paid", "")


def test_a_qr_is_shown_where_the_party_has_an_account_and_only_while_it_can_be_paid(office: Any) -> None:
    reference = office.order_payment(party="vietinbank")
    connection = Connection("vietinbank", {"bank_bin": "970415", "account": "113366668888"})
    with office.store.begin() as transaction:
        told = standing.of_payment(transaction, reference)
    assert told is not None
    shown = parse(standing.with_vietqr(told, connection).vietqr).qr
    assert (shown.amount_vnd, shown.purpose, shown.bank_bin) == (50_000, reference, "970415")
    assert standing.with_vietqr(told, Connection("vietinbank", {})).vietqr == ""
    assert standing.with_vietqr(replace(told, state="paid"), connection).vietqr == ""


def _message(office: Any, reference: str) -> Any:
    [row] = office.sql("SELECT message_id FROM outbox WHERE external_id = :r", r=reference)
    with office.store.begin() as transaction:
        sealed = transaction.sql.exec_driver_sql(
            "SELECT sealed FROM kept_bodies WHERE id = %s", (row.message_id,)
        ).scalar_one()
        return outbox.read_message("momo", "payment", transaction.sealer.unseal(bytes(sealed), context=outbox.CONTEXT))
