"""A province that collects and remits: payments, refunds, statements and the treasury's words, in one transaction."""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from truc import parties
from truc.domain.remittance_terms import Account, Bank, FeeRule, SubItem, Terms
from truc.exchange import bodies, outbox
from truc.manifest import SettlementRule, SettlementTerms
from truc.messages import PaymentResult, RefundResult, RemittanceConfirmed, Statement, StatementLine
from truc.services import payments, refunds, remittance, settlements
from truc.services.payments import PaymentWish
from truc.services.refunds import RefundWish
from truc.store import ledger, statements
from truc.store import remittance as store
from truc.store.opened import Transaction

FIRST = date(2026, 3, 2)  # a Monday
NEXT = FIRST + timedelta(days=1)
SINCE = date(2026, 1, 1)
BANK = "vietinbank"
AGENCIES = ("H32.01", "H32.02")
INTERMEDIARIES = ("momo", "vnpay")
LINE = {"our_reference": "", "partner_reference": "", "fee_vnd": 0, "state": "paid"}


def account(agency: str, **changes: Any) -> Account:
    """A made-up account; codes are of the form of those in partners.md §11.1, and mean nothing here."""
    given: dict[str, Any] = {
        "agency_code": agency,
        "beneficiary": f"Cơ quan {agency}",
        "treasury": "KBNN thử",
        "account": f"7111.{agency}",
        "chapter": "554",
        "party": "treasury",
        "paid_from": BANK,
        "valid_from": SINCE,
    }
    return Account(**(given | changes))


TERMS = Terms(
    accounts=tuple(account(agency) for agency in AGENCIES),
    sub_items=(SubItem(kind="fees", sub_item="2663", valid_from=SINCE),),
    fees=tuple(FeeRule(party=party, borne_by="agency", valid_from=SINCE) for party in (*INTERMEDIARIES, BANK)),
    banks=(Bank(party=BANK, valid_from=SINCE),),
)


def settles_by(monkeypatch: pytest.MonkeyPatch, party: str, *rules: SettlementRule) -> None:
    """Have a party's manifest say other rules."""
    declared = replace(parties.manifest(party), settlement=SettlementTerms(rules=rules))
    as_is = parties.manifest
    monkeypatch.setattr(parties, "manifest", lambda name: declared if name == party else as_is(name))


def at(day: date) -> datetime:
    """Nine in the morning of that day, in Vietnam."""
    return datetime.combine(day, time(2, 0), UTC)


@dataclass
class Province:
    """What is done to it is done in `transaction`; who opens that says whether it is to stand."""

    transaction: Transaction
    dossiers: dict[str, str]  # of an agency
    paid: list[dict[str, Any]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    payouts: list[dict[str, Any]] = field(default_factory=list)

    def agrees(self, terms: Terms = TERMS) -> None:
        """Have these terms hold."""
        store.keep_terms(self.transaction, terms)

    def pays(self, agency: str, party: str, amount_vnd: int, day: date = FIRST) -> str:
        """Have a citizen pay a fee, and the party say so."""
        wish = PaymentWish(
            source="one-stop",
            source_reference=f"pay-{next(self.numbers)}",
            dossier_code=self.dossiers[agency],
            party=party,
            amount_vnd=amount_vnd,
            requested_at=at(day),
        )
        reference, _ = payments.request(self.transaction, wish)
        said = PaymentResult(
            our_reference=reference,
            partner_reference=f"T-{reference}",
            amount_vnd=amount_vnd,
            state="paid",
            occurred_at=at(day),
        )
        payments.settle(self.transaction, party, said)
        self.paid.append(
            {"reference": reference, "agency": agency, "party": party, "vnd": amount_vnd, "day": day, "back": []}
        )
        return reference

    def gives_back(self, reference: str, amount_vnd: int, day: date = FIRST, *, duplicate: str = "") -> None:
        """Have some of it, or a duplicate of it, go back to the citizen, and the party say so."""
        [one] = [one for one in self.paid if one["reference"] == reference]
        wish = RefundWish(
            source="finance",
            source_reference=duplicate or f"{reference}/{next(self.numbers)}",
            our_reference=reference,
            amount_vnd=amount_vnd,
            actor="hoa",
            reason="paid by mistake",
            requested_at=at(day),
            partner_transaction=duplicate,
        )
        refund, _ = refunds.request(self.transaction, wish)
        said = RefundResult(
            refund_reference=refund,
            partner_reference=f"B-{refund}",
            amount_vnd=amount_vnd,
            state="refunded",
            occurred_at=at(day),
        )
        refunds.settle(self.transaction, one["party"], said)
        one["back"].append({"reference": refund, "vnd": amount_vnd, "day": day})

    def takes_twice(self, reference: str, duplicate: str, day: date = FIRST) -> None:
        """Have a second transaction of the payment booked, as an approved break does."""
        [one] = [one for one in self.paid if one["reference"] == reference]
        sides = [(ledger.clearing(one["party"]), one["vnd"]), (ledger.collected(one["agency"]), -one["vnd"])]
        ledger.book(self.transaction, f"break/{duplicate}", day, f"Thu trùng {reference}", sides)

    def fee_vnd(self, one: dict[str, Any]) -> int:
        """What an intermediary keeps of a payment here."""
        return int(one["vnd"] // 100) if one["party"] in INTERMEDIARIES else 0

    def states(self, party: str, day: date, *extra: StatementLine) -> None:
        """Have the party give its statement of the day as things stand, or a restated one."""
        lines = [*self._lines(party, day), *extra]
        numbered = [one.model_copy(update={"line_no": number}) for number, one in enumerate(lines, start=1)]
        told = Statement(
            business_on=day,
            lines=tuple(numbered),
            count_declared=len(numbered),
            amount_declared_vnd=sum(one.amount_vnd for one in numbered),
        )
        digest = hashlib.sha256(f"{told.model_dump_json()}{next(self.numbers)}".encode()).hexdigest()
        statements.keep(self.transaction, party, told, inbox_id=0, digest=digest)

    def pays_over(self, party: str, amount_vnd: int, day: date, *, named: bool = True) -> None:
        """Have an intermediary transfer money to our account; both say so in their statements of the day."""
        one = {"party": party, "vnd": amount_vnd, "day": day, "reference": f"PO{next(self.numbers)}", "named": named}
        self.payouts.append(one)
        self.states(party, day)
        self.states(BANK, day)

    def books(self, until: date) -> int:
        """Do what the daily step does before the orders; return for how many days anything was booked."""
        told = settlements.recent(self.transaction, until)
        return sum(settlements.book(self.transaction, party, day) for party, day in told)

    def orders(self, day: date) -> remittance.Ordered:
        """Make the orders of a day, on the morning after."""
        return remittance.order_day(self.transaction, day, at(day + timedelta(days=1)))

    def is_carried(self, reference: str, state: str = "sent") -> None:
        """Have the courier come to this end with an order, and the stock taken."""
        done = "drawer = drawer_of(120, now()), finished_at = now()" if state == "sent" else "drawer = 0"
        self.sql(f"UPDATE outbox SET state = :state, {done} WHERE external_id = :it", state=state, it=reference)  # noqa: S608  (two words of ours)
        remittance.take_stock(self.transaction, "treasury")

    def hears(self, reference: str, state: Any = "confirmed", **changes: Any) -> bool:
        """Have the treasury say a word on an order, by default that it got all of it."""
        one = store.get(self.transaction, reference)
        said = RemittanceConfirmed(
            remittance_reference=reference,
            treasury_reference=f"KB-{reference}",
            amount_vnd=one.amount_vnd,
            state=state,
            occurred_at=one.ordered_at + timedelta(hours=3),
            reason="" if state == "confirmed" else "Sai số tài khoản",
        )
        return remittance.settle(self.transaction, "treasury", said.model_copy(update=changes))

    def order(self, reference: str) -> Any:
        """One order as the store has it."""
        return store.get(self.transaction, reference)

    def vnd(self, of: str) -> int:
        """The balance of an account."""
        return ledger.balance_vnd(self.transaction, of)

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Run raw SQL."""
        done = self.transaction.sql.execute(text(statement), values)
        return list(done) if done.returns_rows else []

    def _lines(self, party: str, day: date) -> list[StatementLine]:
        lines = []
        for one in self.paid:
            if one["party"] == party and one["day"] == day:
                lines.append(
                    line(one["reference"], one["vnd"], day, fee_vnd=self.fee_vnd(one), theirs=f"T-{one['reference']}")
                )
            lines += [
                line(one["reference"], back["vnd"], day, kind="refund", theirs=f"B-{back['reference']}")
                for back in one["back"]
                if one["party"] == party and back["day"] == day
            ]
        lines += [
            line("", one["vnd"], day, kind="settlement", theirs=one["reference"])
            for one in self.payouts
            if one["day"] == day and (party == BANK or (party == one["party"] and one["named"]))
        ]
        return lines


def line(ours: str, amount_vnd: int, day: date, *, theirs: str = "", **changes: Any) -> StatementLine:
    """One line of a statement."""
    given = LINE | {"our_reference": ours, "partner_reference": theirs, "amount_vnd": amount_vnd} | changes
    return StatementLine(line_no=1, occurred_at=at(day), **given)


def message(province: Province, reference: str) -> Any:
    """The message that carries an order, as the courier reads it."""
    [row] = province.sql("SELECT message_id FROM outbox WHERE external_id = :it", it=reference)
    return json.loads(bodies.read(province.transaction, row.message_id, context=outbox.CONTEXT))


def one_order(province: Province, vnd: int = 100_000) -> str:
    """An order of that much to the first agency."""
    province.pays(AGENCIES[0], "momo", vnd)
    [reference] = province.orders(FIRST).references
    return reference
