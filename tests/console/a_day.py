"""A morning's data: days of three channels, kept as runs keep them, with payments and statement lines behind them."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert

from tests.truc.reconcile.runs import run_of
from truc.store.reconciliation import Total, keep_run
from truc.store.tables.money import PAYMENTS
from truc.store.tables.reconciliation import STATEMENT_LINES, STATEMENTS

DAY = date(2026, 11, 20)
NINE = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
# What a partner may put into a reference: on a page it is text, whatever it looks like.
HOSTILE = "<script>alert(1)</script>"
HOSTILE_TOO = '"><img src=x onerror=alert(2)>'


@dataclass(frozen=True)
class Row:
    """One payment: what it is with us (None: nothing) and with the partner."""

    reference: str
    core_vnd: int | None
    partner_vnd: int | None
    theirs: str = ""

    @property
    def break_class(self):
        if self.core_vnd is None:
            return "missing_in_core"
        if self.partner_vnd is None:
            return "missing_at_partner"
        return "" if self.core_vnd == self.partner_vnd else "amount_differs"


def break_id(party, reference):
    """The same break has the same id in every test."""
    return hashlib.sha256(f"{party}\0{reference}".encode()).hexdigest()[:16]


def rows(prefix, count, *others):
    """So many payments that agree, and others."""
    agreed = [
        Row(f"{prefix}{n:08d}", n * 1_000 + 50_000, n * 1_000 + 50_000, f"T{n:010d}") for n in range(1, count + 1)
    ]
    return [*agreed, *others]


def morning(store):
    """Three channels on one day: one with four breaks, one clean, one with a single break."""
    momo = rows(
        "P261120",
        36,
        Row("P26112000000101", 1_250_000, None),
        Row("P26112000000102", 560_000, 650_000, "T9000000102"),
        Row("P26112000000103", None, 75_000, "T9000000103"),
        Row("P26112000000104", 89_000, None),
    )
    keep(store, "momo", momo)
    keep(store, "vnpay", rows("P261121", 12))
    keep(store, "vietinbank", rows("P261122", 5, Row(HOSTILE, None, 300_000, HOSTILE_TOO)))


def keep(store, party, found, *, on=DAY):
    """Keep the payments, the statement and the run over them; return the run's id."""
    with store.begin() as transaction:
        statement = _statement(transaction, party, found, on)
        decided = {"sql": "SELECT 'the steps that decided'", "statement_id": statement}
        run = run_of(_digest(party, on, found), business_on=on, party=party, **decided)
        matches = [_pair(party, one, on) for one in found if not one.break_class]
        broken = [_break(party, one, on) for one in found if one.break_class]
        return keep_run(transaction, run, matches, broken, _totals(found)).run_id


def _digest(*inputs):
    return hashlib.sha256(repr(inputs).encode()).hexdigest()


def keep_again(store, party, found, *, on, carried_in):
    """Keep a run of a later day in which breaks of an earlier one still stand; return the run's id."""
    ids = frozenset(break_id(party, one.reference) for one in carried_in)
    run = run_of(_digest(party, on, found), business_on=on, party=party, carried_in=ids)
    new = [one for one in found if one not in carried_in]
    totals = [
        Total(leg="statement", side="core", what=what, rows=len(rows), vnd=sum(one.core_vnd for one in rows))
        for what, rows in (("carried_in", carried_in), ("new", new))
    ]
    with store.begin() as transaction:
        return keep_run(transaction, run, [], [_break(party, one, on) for one in found], totals).run_id


def _statement(transaction, party, found, on):
    lines = [one for one in found if one.partner_vnd is not None]
    values = {"party": party, "business_on": on, "version": 1, "digest": "0" * 64, "inbox_id": 1, "count": len(lines)}
    total = sum(one.partner_vnd for one in lines)
    created = transaction.sql.execute(
        insert(STATEMENTS).values({**values, "amount_vnd": total}).returning(STATEMENTS.c.id)
    )
    statement = created.scalar_one()
    transaction.sql.execute(insert(STATEMENT_LINES), [_line(statement, n, one) for n, one in enumerate(lines, start=1)])
    ours = [_payment(party, n, one, on) for n, one in enumerate(found) if one.core_vnd is not None]
    transaction.sql.execute(insert(PAYMENTS), ours)
    return statement


def _line(statement, number, one):
    return {
        "statement_id": statement,
        "line_no": number,
        "our_reference": one.reference,
        "partner_reference": one.theirs,
        "kind": "payment",
        "amount_vnd": one.partner_vnd,
        "fee_vnd": 0,
        "state": "paid",
        "occurred_at": NINE + timedelta(minutes=number),
    }


def _payment(party, number, one, on):
    return {
        "our_reference": one.reference,
        "source": "one-stop",
        "source_reference": f"{party}-{number}",
        "party": party,
        "amount_vnd": one.core_vnd,
        "state": "paid",
        "partner_reference": one.theirs or None,
        "requested_at": NINE,
        "paid_at": NINE + timedelta(minutes=number),
        "business_on": on,
        "obligation_code": f"N{number}",
        "collected_for": "H32.01",
    }


def _pair(party, one, on):
    core, partner = one.core_vnd or 0, one.partner_vnd or 0
    return {
        "leg": "statement",
        "rule": "none" if 0 in (core, partner) else "exact_reference",
        "party": party,
        "kind": "payment",
        "our_reference": one.reference,
        "partner_reference": one.theirs,
        "agency": "",
        "core_rows": int(one.core_vnd is not None),
        "partner_rows": int(one.partner_vnd is not None),
        "core_vnd": core,
        "partner_vnd": partner,
        "difference_vnd": core - partner,
        "business_on": on,
        "core_money_vnd": core,
        "partner_money_vnd": partner,
    }


def _break(party, one, on):
    return {"break_id": break_id(party, one.reference), "break_class": one.break_class, **_pair(party, one, on)}


def _totals(found):
    ours = [one.core_vnd for one in found if one.core_vnd is not None]
    theirs = [one.partner_vnd for one in found if one.partner_vnd is not None]
    return [
        Total(leg="statement", side="core", what="new", rows=len(ours), vnd=sum(ours)),
        Total(leg="statement", side="partner", what="new", rows=len(theirs), vnd=sum(theirs)),
    ]
