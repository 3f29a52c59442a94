"""Asks for payments and books what partners say of them: ledger entry and receipt in the same transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from truc.domain.calendar import local_day
from truc.domain.money import format_vnd
from truc.errors import MalformedError
from truc.exchange import outbox
from truc.manifest import Event
from truc.messages import PaymentRequested, PaymentResult
from truc.store import ledger, payments
from truc.store.opened import Transaction
from truc.store.payments import NewPayment
from truc.store.tables.dossiers import DOSSIERS
from truc.store.tables.money import PAYMENT_REFERENCES


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentWish:
    """A fee to be paid for a dossier through one party."""

    source: str
    source_reference: str
    dossier_code: str
    party: str
    amount_vnd: int
    requested_at: datetime


def request(transaction: Transaction, wish: PaymentWish) -> tuple[str, bool]:
    """Book a pending payment and ask the party for it; return our reference and whether it is new.

    A party without a payment operation (a bank that only delivers statements) is told nothing: the
    citizen transfers with our reference. Raise MalformedError when the reference stands for another wish.
    """
    reference, new = _record(transaction, wish)
    if new:
        message = PaymentRequested(
            our_reference=reference,
            dossier_code=wish.dossier_code,
            amount_vnd=wish.amount_vnd,
            purpose=f"Phi ho so {wish.dossier_code}",
            requested_at=wish.requested_at,
        )
        outbox.publish(
            transaction, Event.PAYMENT_REQUESTED, message, key=reference, external_id=reference, only=wish.party
        )
    return reference, new


def record_paid(
    transaction: Transaction, wish: PaymentWish, partner_reference: str, occurred_at: datetime
) -> tuple[str, bool]:
    """Book a payment the counter saw being made; return our reference and whether it is new.

    Nobody is asked for money that is paid already. Raise MalformedError as `request` and `settle` do.
    """
    reference, new = _record(transaction, wish)
    result = PaymentResult(
        our_reference=reference,
        partner_reference=partner_reference,
        amount_vnd=wish.amount_vnd,
        state="paid",
        occurred_at=occurred_at,
    )
    settle(transaction, wish.party, result)
    return reference, new


def _record(transaction: Transaction, wish: PaymentWish) -> tuple[str, bool]:
    transaction.lock("payment", wish.source, wish.source_reference)  # a second, simultaneous wish waits
    known = payments.find(transaction, wish.source, wish.source_reference)
    if known is not None:
        if (known.dossier_code, known.party, known.amount_vnd) != (wish.dossier_code, wish.party, wish.amount_vnd):
            raise MalformedError(
                f"reference: {wish.source_reference!r} stands for another payment; give this one its own",
                reason="reference_reused",
            )
        return known.our_reference, False
    reference = _next_reference(transaction, wish.requested_at)
    payments.create(
        transaction,
        NewPayment(
            our_reference=reference,
            source=wish.source,
            source_reference=wish.source_reference,
            dossier_code=wish.dossier_code,
            party=wish.party,
            amount_vnd=wish.amount_vnd,
            requested_at=wish.requested_at,
        ),
    )
    return reference, True


def settle(transaction: Transaction, party: str, result: PaymentResult) -> bool:
    """Book a partner's word on a payment; return True when it changed something.

    A repeated word is a no-op. Raise MalformedError for an unknown order, another party's order, an
    amount that is not our order's (nothing of a callback is believed that our order does not say), a
    second transaction for a paid order, or a word that takes back a payment.
    """
    row = payments.get_locked(transaction, result.our_reference)
    _agree(party, result, row.party, row.amount_vnd)
    if row.state == "paid":
        _agree_with_paid(result, row.partner_reference)
        return False
    match result.state:
        case "paid":
            _book_paid(transaction, party, result, row.id, row.dossier_code)
            return True
        case "failed" | "expired":
            payments.mark(transaction, row.id, result.state)
            return bool(row.state != result.state)
        case "pending":
            return False
        case "refunded":
            raise MalformedError(
                f"state: {result.our_reference} was never paid, so it cannot be refunded", reason="refund_unmatched"
            )


def _agree(party: str, result: PaymentResult, order_party: str, order_vnd: int) -> None:
    if party != order_party:
        raise MalformedError(
            f"our_reference: {result.our_reference} was ordered through {order_party}", reason="wrong_party"
        )
    if result.amount_vnd != order_vnd:
        raise MalformedError(
            f"amount: {result.our_reference} says {format_vnd(result.amount_vnd)}, our order {format_vnd(order_vnd)}",
            reason="amount_differs",
        )


def _agree_with_paid(result: PaymentResult, partner_reference: str) -> None:
    if result.state == "paid" and result.partner_reference != partner_reference:
        raise MalformedError(
            f"partner_reference: {result.our_reference} is paid by another transaction", reason="paid_twice"
        )
    if result.state in ("failed", "expired", "refunded"):
        raise MalformedError(
            f"state: {result.our_reference} is paid, the partner now says {result.state}", reason="contradicts_paid"
        )


def _book_paid(transaction: Transaction, party: str, result: PaymentResult, payment_id: int, dossier_code: str) -> None:
    business_on = local_day(result.occurred_at)
    agency = str(
        transaction.sql.execute(select(DOSSIERS.c.agency_code).where(DOSSIERS.c.code == dossier_code)).scalar_one()
    )
    payments.mark_paid(transaction, payment_id, result.partner_reference, result.occurred_at, business_on)
    ledger.book(
        transaction,
        f"payment/{result.our_reference}",
        business_on,
        f"Phí hồ sơ {dossier_code}",
        [(ledger.clearing(party), result.amount_vnd), (ledger.collected(agency), -result.amount_vnd)],
    )
    payments.issue_receipt(transaction, agency, payment_id, result.amount_vnd, result.occurred_at)


def _next_reference(transaction: Transaction, requested_at: datetime) -> str:
    """P + yyMMdd + eight digits: 15 letters and digits, which every payment partner's limits allow."""
    serial = transaction.sql.execute(select(PAYMENT_REFERENCES.next_value())).scalar_one()
    return f"P{local_day(requested_at):%y%m%d}{serial:08d}"
