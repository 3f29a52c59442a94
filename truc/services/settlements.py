"""Books what statements say of money on its way to us: what an intermediary keeps as its fee, what reaches our bank."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

from truc.errors import MalformedError
from truc.store import ledger, remittance, settlements
from truc.store.opened import Transaction
from truc.store.settlements import Sum


def recent(transaction: Transaction, until: date) -> list[tuple[str, date]]:
    """Return the (party, day) whose statements may still say something new of money: those of a month, oldest first."""
    return settlements.days(transaction, since=until - timedelta(days=settlements.PAYOUT_DAYS), until=until)


def book(transaction: Transaction, party: str, day: date) -> bool:
    """Have the ledger say of a party's day what its newest statement says; return whether anything was booked.

    A restated statement is booked as the difference, and so is what becomes known of an old one: whose payout a
    credit was, or that a payment it names is ours. What a person identified stays as they said.
    """
    transaction.lock("settlement", party)
    terms, sums = remittance.terms(transaction), settlements.sums(transaction, party, day)
    stated = _of_own_account(party, sums) if terms.is_bank(party, day) else _of_intermediary(party, sums)
    words = f"Sao kê {party} ngày {day:%d/%m/%Y}"
    return ledger.bring(transaction, f"statement/{party}/{day}", stated, day, words)


def identify(
    transaction: Transaction,
    *,
    bank: str,
    party: str,
    as_what: Literal["payout", "fee_cover"],
    amount_vnd: int,
    reference: str,
    on: date,
) -> bool:
    """Book whose money a credit on our account was, as a person found: a party's payout, or the cover of its fees.

    `reference` is the bank's; the same a second time is a no-op. Raise MalformedError for more than is unidentified
    there, a blank reference, and one under which something else was identified.
    """
    if not reference.strip():
        raise MalformedError("reference: must not be blank; it is the bank's own", reason="reference_missing")
    transaction.lock("settlement", bank)
    open_vnd = -ledger.balance_vnd(transaction, ledger.unidentified(bank))
    account = ledger.clearing(party) if as_what == "payout" else ledger.fees(party)
    wanted = {ledger.unidentified(bank): amount_vnd, account: -amount_vnd}
    if before := settlements.identified(transaction, bank, reference):
        if before == wanted:
            return False
        said = next(f"{-vnd} đồng of {one}" for one, vnd in before.items() if one != ledger.unidentified(bank))
        text = f"reference: {reference} is {said} already; another credit, or the rest of one, needs its own reference"
        raise MalformedError(text, reason="reference_reused")
    if not 0 < amount_vnd <= open_vnd:
        text = f"amount: {max(open_vnd, 0)} đồng on our account at {bank} are nobody's"
        raise MalformedError(text, reason="nothing_unidentified")
    return ledger.bring(transaction, f"identified/{bank}/{reference}", wanted, on, f"Xác định khoản báo có {reference}")


def _of_intermediary(party: str, sums: Iterable[Sum]) -> dict[str, int]:
    """What it keeps is its debt to us no more. Fees that its payout names count where its lines name none."""
    found = list(sums)
    kept = sum(one.amount_vnd if one.kind == "fee" else one.fee_vnd for one in found if one.kind != "settlement")
    kept = kept or sum(one.fee_vnd for one in found if one.kind == "settlement")
    return {ledger.fees(party): kept, ledger.clearing(party): -kept}


def _of_own_account(bank: str, sums: Iterable[Sum]) -> dict[str, int]:
    """Every line moves our account, against who had the money before or gets it, or nobody that is known."""
    stated: dict[str, int] = defaultdict(int)
    for one in sums:
        back = one.kind in ("refund", "reversal", "fee")
        moved_vnd = -one.amount_vnd if back else one.amount_vnd
        stated[ledger.bank(bank)] += moved_vnd - one.fee_vnd
        stated[_against(bank, one)] -= moved_vnd
        stated[ledger.fees(bank)] += one.fee_vnd
    return dict(stated)


def _against(bank: str, one: Sum) -> str:
    if one.kind == "fee":
        return ledger.fees(bank)
    if one.kind == "settlement":
        return ledger.clearing(one.payer) if one.payer else ledger.unidentified(bank)
    return ledger.clearing(bank) if one.ours else ledger.unidentified(bank)
