"""One verdict for each payment over its four legs, and the first leg that fails."""

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.groups import TWICE
from truc.reconcile.engine.places import MATCH, NO_MONEY
from truc.reconcile.engine.receipts import NAMED, Receipts
from truc.reconcile.engine.remittance import Remittance
from truc.reconcile.engine.statement import Ledger
from truc.reconcile.engine.steps import Steps

HOLDS, FAILS, NOT_ASKED = "holds", "fails", "not_asked"
LEGS = ("ledger", "partner", "treasury", "receipt")  # in the order in which the first that fails is named


def judge(steps: Steps, ledger: Ledger, receipts: Receipts | None, remittance: Remittance | None) -> ir.Table:
    """Return party, our_reference, day, money, a word for each leg and first_failing, of each payment of ours."""
    rows = ledger.payments
    doubled = rows.partner == TWICE["core"]
    rows = rows.mutate(
        ledger=ibis.ifelse(doubled, FAILS, HOLDS),
        partner_leg=ibis.ifelse(rows.partner.isin([MATCH, "timing"]), HOLDS, FAILS),
        doubled=doubled,
    )
    rows = _treasury(_receipt(rows, receipts), remittance)
    told = rows.select(
        "party", "our_reference", "day", "money", ledger="ledger", partner="partner_leg", treasury="treasury",
        receipt="receipt",
    )  # fmt: skip
    first = ibis.cases(*((told[leg] == FAILS, leg) for leg in LEGS), else_="")
    return steps.keep("verdicts", told.mutate(first_failing=first), "large")


def _receipt(rows: ir.Table, receipts: Receipts | None) -> ir.Table:
    if receipts is None:
        return rows.mutate(receipt=ibis.literal(NOT_ASKED))
    ends = receipts.odd.select(**{f"r_{name}": name for name in (*NAMED, "place")})
    met = rows.left_join(ends, [rows[name] == ends[f"r_{name}"] for name in NAMED])
    receipt = ibis.cases(
        (met.doubled | ~met.receipt_due, NOT_ASKED),
        (met.r_place.isnull() | (met.r_place == MATCH), HOLDS),
        (met.r_place == NO_MONEY, NOT_ASKED),
        else_=FAILS,
    )
    return met.mutate(receipt=receipt).select(*rows.columns, "receipt")


def _treasury(rows: ir.Table, remittance: Remittance | None) -> ir.Table:
    if remittance is None:
        return rows.mutate(treasury=ibis.literal(NOT_ASKED))
    ones = remittance.references.select(o_party="party", o_reference="our_reference", o_place="place")
    days = remittance.days.select(d_party="party", d_day="day", d_agency="agency", d_place="place")
    met = rows.left_join(ones, [rows.party == ones.o_party, rows.our_reference == ones.o_reference])
    met = met.left_join(days, [met.party == days.d_party, met.day == days.d_day, met.agency == days.d_agency])
    parties = remittance.named.select(n_party="party")
    met = met.left_join(parties, met.party == parties.n_party)
    unnamed = ibis.ifelse(met.n_party.notnull() & (met.state == "paid"), "remittance_short", NO_MONEY)
    place = ibis.coalesce(met.o_place, met.d_place, unnamed)
    treasury = ibis.cases((met.doubled | (place == NO_MONEY), NOT_ASKED), (place.isin([MATCH]), HOLDS), else_=FAILS)
    return met.mutate(treasury=treasury).select(*rows.columns, "treasury")
