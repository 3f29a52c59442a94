"""Asks for payments and books what is said of them: word, state, ledger entry and receipt in one transaction."""

import logging
from dataclasses import dataclass
from datetime import datetime

from truc import parties
from truc.domain.calendar import local_day
from truc.domain.money import format_vnd
from truc.domain.payment_kinds import PaymentDetails, obligation_code
from truc.domain.payment_states import (
    ENDED,
    Became,
    Doubt,
    Mover,
    NextStep,
    Said,
    State,
    after_word,
    names_the_money,
    owner_of,
)
from truc.errors import MalformedError
from truc.exchange import outbox, set_aside
from truc.exchange.inbox import Origin
from truc.manifest import Event
from truc.messages import PaymentAddress, PaymentRequested, PaymentResult
from truc.services import ask_schedule, notice_events, payment_details
from truc.services.business_days import business_on
from truc.store import ledger, payments
from truc.store.opened import Transaction
from truc.store.payments import Money, Moved, NewPayment, Payment

log = logging.getLogger(__name__)

WORDS = {
    Doubt.AMOUNT_DIFFERS: "the amount is not our order's",
    Doubt.WRONG_PARTY: "it was ordered through another party",
    Doubt.PAID_TWICE: "it is paid by another transaction",
    Doubt.CONTRADICTS_PAID: "we hold it as paid, and the partner says otherwise",
    Doubt.REFUND_UNMATCHED: "the partner says refunded, and we asked for no refund",
    Doubt.PAID_AFTER_REFUND: "it was refunded, and is paid by another transaction",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentWish:
    """Money to be paid through one party, for a dossier or for one obligation.

    `dossier_code` is "" for an obligation, which `details` name then; a dossier's fees need no details.
    """

    source: str
    source_reference: str
    dossier_code: str
    party: str
    amount_vnd: int
    requested_at: datetime
    details: PaymentDetails | None = None


def request(transaction: Transaction, wish: PaymentWish) -> tuple[str, bool]:
    """Book a payment and ask the party for it; return our reference and whether it is new.

    A party without a payment operation (a bank that only delivers statements) is told nothing: the
    citizen transfers with our reference. Raise MalformedError when the reference stands for another wish, or the
    wish is none that this party takes.
    """
    reference, details = _record(transaction, wish)
    if details is None:
        return reference, False
    message = PaymentRequested(
        our_reference=reference,
        dossier_code=wish.dossier_code,
        amount_vnd=wish.amount_vnd,
        purpose=payment_details.purpose(details),
        requested_at=wish.requested_at,
        details=details,
    )
    outbox.publish(transaction, Event.PAYMENT_REQUESTED, message, key=reference, external_id=reference, only=wish.party)
    notice_events.payment_asked(transaction, reference, wish.dossier_code, wish.amount_vnd)
    return reference, True


def record_paid(
    transaction: Transaction, wish: PaymentWish, partner_reference: str, occurred_at: datetime
) -> tuple[str, bool]:
    """Book a payment the counter saw being made; return our reference and whether it is new.

    Nobody is asked for money that is paid already. Raise MalformedError as `request` does.
    """
    reference, details = _record(transaction, wish)
    result = PaymentResult(
        our_reference=reference,
        partner_reference=partner_reference,
        amount_vnd=wish.amount_vnd,
        state="paid",
        occurred_at=occurred_at,
    )
    settle(transaction, wish.party, result)
    return reference, details is not None


def settle(transaction: Transaction, party: str, result: PaymentResult, origin: Origin | None = None) -> bool:
    """Book a party's word on a payment; return True when it changed something.

    Nothing is believed that our order does not say. A word that contradicts what we hold puts the payment in doubt,
    and is shown among what is set aside of the message it came in (`origin`). Raise MalformedError for an unknown
    order only.
    """
    row = payments.get_locked(transaction, result.our_reference)
    said = Said(
        party=party,
        state=result.state,
        amount_vnd=result.amount_vnd,
        partner_reference=result.partner_reference,
        said_at=result.occurred_at,
        asked=origin is not None and _answers_a_question(origin),
        heard_at=payments.heard_at(transaction, None if origin is None else origin.inbox_id),
    )
    return hear(transaction, row, said, origin)


def hear(transaction: Transaction, row: Payment, said: Said, origin: Origin | None = None) -> bool:
    """Book one word on a payment whose row is locked; return True when it changed something."""
    now = payments.now_of(row)
    became = after_word(now, said)
    money = _money(row, said) if became.books else None
    changed = (became.state, became.doubt) != (now.state, now.doubt)
    if changed or money is not None:
        enter(transaction, row, Mover.WORD, became, money=money)
    named = names_the_money(now, said)
    if named:
        payments.keep_partner_reference(transaction, row.id, said.partner_reference)
    inbox_id = None if origin is None else origin.inbox_id
    payments.keep_word(transaction, row, said, after=became.state, remark=became.remark, inbox_id=inbox_id)
    if became.remark is not None and origin is not None:
        _show(transaction, row, said, became.remark, origin)
    if became.books and now.state in ENDED:
        log.warning("%s %s: paid after it had %s", said.party, row.our_reference, now.state)
    return changed or money is not None or named


def take(transaction: Transaction, party: str, address: PaymentAddress) -> None:
    """Book the partner's receipt: it has the order, and the citizen pays there. An order of nobody is left alone."""
    row = payments.find_locked(transaction, address.our_reference)
    if row is None:
        return
    if row.party != party:
        text = f"our_reference: {address.our_reference} was ordered through {row.party}"
        raise MalformedError(text, reason="wrong_party")
    payments.keep_address(transaction, row.id, pay_url=address.pay_url, partner_token=address.partner_token)
    if row.state == State.CREATED or row.doubt == Doubt.NOT_DELIVERED:
        enter(transaction, row, Mover.RECEIPT, Became(state=State.PENDING))


def enter(
    transaction: Transaction,
    row: Payment,
    mover: Mover,
    became: Became,
    *,
    owner: str = "",
    money: Money | None = None,
) -> None:
    """Move the payment, book its money where there is some, and begin or end its schedule of questions.

    Where the party cannot be asked, what would be asked waits for its statement, or for a person.
    """
    step = became.next_step
    if step is NextStep.ASK and not ask_schedule.can_be_asked(row.party):
        step = ask_schedule.in_place_of_asking(row.party)
    whose = None if step is None else owner or owner_of(step)
    to = Moved(mover=mover, state=became.state, doubt=became.doubt, next_step=step, owner=whose, money=money)
    payments.move(transaction, row, to)
    if money is not None:
        _book(transaction, row, money)
    notice_events.payment_moved(transaction, row, mover, became.state, None if money is None else money.paid_at)
    since = next_ask_at = None
    if became.state is State.PENDING or step is NextStep.ASK:
        since = payments.clock(transaction)
        next_ask_at = since if step is NextStep.ASK else ask_schedule.first(row.party, since)
    payments.schedule(transaction, row.id, since=since if next_ask_at else None, next_ask_at=next_ask_at)


def _record(transaction: Transaction, wish: PaymentWish) -> tuple[str, PaymentDetails | None]:
    """Return our reference, and the details of a payment that is new."""
    transaction.lock("payment", wish.source, wish.source_reference)  # a second, simultaneous wish waits
    known = payments.find(transaction, wish.source, wish.source_reference)
    if known is not None:
        _agree(known, wish)
        return known.our_reference, None
    _refuse_what_the_party_does_not_take(wish)
    details = payment_details.checked(
        transaction, wish.details, dossier_code=wish.dossier_code, amount_vnd=wish.amount_vnd
    )
    reference = next_reference(transaction, "P", wish.requested_at)
    handed_over = bool(ask_schedule.operations(wish.party, Event.PAYMENT_REQUESTED))
    payment_id = payments.create(
        transaction,
        NewPayment(
            our_reference=reference,
            source=wish.source,
            source_reference=wish.source_reference,
            dossier_code=wish.dossier_code,
            party=wish.party,
            amount_vnd=wish.amount_vnd,
            requested_at=wish.requested_at,
            # Where nobody is told, nobody can confirm: the payment waits for the citizen from the beginning.
            state=State.CREATED if handed_over else State.PENDING,
            kind=details.kind,
            obligation_code=obligation_code(details),
            collected_for=details.collecting_code,
        ),
    )
    if not handed_over:
        since = payments.clock(transaction)
        next_ask_at = ask_schedule.first(wish.party, since)
        payments.schedule(transaction, payment_id, since=since if next_ask_at else None, next_ask_at=next_ask_at)
    return reference, details


def _agree(known: Payment, wish: PaymentWish) -> None:
    theirs = (wish.dossier_code, wish.party, wish.amount_vnd)
    owed = known.obligation_code if wish.details is None else obligation_code(wish.details)
    if (known.dossier_code or "", known.party, known.amount_vnd) != theirs or owed != known.obligation_code:
        raise MalformedError(
            f"reference: {wish.source_reference!r} stands for another payment; give this one its own",
            reason="reference_reused",
        )


def _refuse_what_the_party_does_not_take(wish: PaymentWish) -> None:
    if not wish.dossier_code and (wish.details is None or wish.details.kind == "fees"):
        raise MalformedError(
            "dossier_code: fees are a dossier's; another obligation needs its details", reason="details_missing"
        )
    terms = ask_schedule.declared_terms(wish.party)
    if terms is not None and not terms.amount_vnd_min <= wish.amount_vnd <= terms.amount_vnd_max:
        least, most = format_vnd(terms.amount_vnd_min), format_vnd(terms.amount_vnd_max)
        raise MalformedError(f"amount: {wish.party} takes {least} to {most}", reason="amount_out_of_range")


def _answers_a_question(origin: Origin) -> bool:
    pipelines = parties.manifest(origin.party).pipelines
    return any(origin.kind in one.of for one in pipelines if one.does == "ask_payments")


def _show(transaction: Transaction, row: Payment, said: Said, remark: Doubt, origin: Origin) -> None:
    amount = "" if said.amount_vnd is None else f" {format_vnd(said.amount_vnd)}"
    ours = format_vnd(row.amount_vnd)
    text = (
        f"{row.our_reference}: {said.party} says {said.state}{amount}; our order: {row.party} {ours}: {WORDS[remark]}"
    )
    set_aside.note_incoming(
        transaction,
        party=origin.party,
        kind=origin.kind,
        inbox_id=origin.inbox_id,
        item=row.our_reference,
        reason=remark,
        text=text,
    )


def _money(row: Payment, said: Said) -> Money:
    if said.at is None:
        raise ValueError(f"{row.our_reference}: a word that books money has its time, the party's or ours")
    return Money(partner_reference=said.partner_reference, paid_at=said.at, business_on=business_on(row.party, said.at))


def _book(transaction: Transaction, row: Payment, money: Money) -> None:
    ledger.book(
        transaction,
        f"payment/{row.our_reference}",
        money.business_on,
        f"Phí hồ sơ {row.dossier_code}" if row.dossier_code else f"{row.kind} {row.obligation_code}",
        [(ledger.clearing(row.party), row.amount_vnd), (ledger.collected(row.collected_for), -row.amount_vnd)],
    )
    if row.kind == "fees":  # who collects for another body issues no receipt in its place
        payments.issue_receipt(transaction, row.collected_for, row.id, row.amount_vnd, money.paid_at)


def next_reference(transaction: Transaction, letter: str, requested_at: datetime) -> str:
    """Letter + yyMMdd + eight digits: 15 letters and digits, which every payment partner's limits allow."""
    return f"{letter}{local_day(requested_at):%y%m%d}{payments.next_serial(transaction):08d}"
