"""The first look: what agrees in everything and stands alone on both sides is matched; the rest is odd.

Nearly all rows of a day agree, so nothing is numbered, ranked or compared row by row before this.
"""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.inputs import numbered, of_side
from truc.reconcile.engine.places import FORM, MATCH, either, whole
from truc.reconcile.engine.steps import Steps

EXACT = "exact_reference"
AGREEING = ("party", "family", "amount_vnd", "fee_vnd", "day", "state")
MET = (
    "c_party", "c_family", "c_kind", "c_our_reference", "c_paid", "c_partner_reference", "c_agency", "c_state",
    "c_carried", "c_receipt_due", "c_money", "c_day", "p_paid", "p_agency",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sifted:
    """`clean` pairs in a form of their own, and the `core` and `partner` rows that are in none, numbered.

    `unreadable` are the rows of each side that nothing can be said of.
    """

    clean: ir.Table
    core: ir.Table
    partner: ir.Table
    unreadable: tuple[ir.Table, ir.Table]


def sift(steps: Steps, core: ir.Table, partner: ir.Table) -> Sifted:
    """Return the clean pairs of all rows of two sides, and what is left of either, with what cannot be read."""
    twice_ours, twice_theirs = (
        steps.keep("twice_in_core", _twice(core)),
        steps.keep("twice_at_partner", _twice(partner)),
    )
    mine, yours = of_side(_single(core, twice_ours), "c"), of_side(_single(partner, twice_theirs), "p")
    # One look at all rows: what meets is clean or told apart below, what meets nothing is odd.
    met = mine.outer_join(yours, [mine.c_our_reference == yours.p_our_reference, mine.c_paid == yours.p_paid])
    agreed = ibis.and_(*(met[f"c_{name}"] == met[f"p_{name}"] for name in AGREEING)).fill_null(
        ibis.literal(value=False)
    )
    # What is the same on both sides is kept once: most of this table is references, and most are the same.
    same = met.c_partner_reference == met.p_partner_reference
    told = met.select(
        *MET,
        agreed=agreed,
        p_partner_reference=ibis.ifelse(same, ibis.null("string"), met.p_partner_reference),
        p_our_reference=ibis.ifelse(agreed, ibis.null("string"), met.p_our_reference),
    )
    met = steps.keep("met", told, "large")
    clean = met.filter(met.agreed).select(
        party="c_party",
        family="c_family",
        kind="c_kind",
        our_reference="c_our_reference",
        core_partner_reference="c_partner_reference",
        partner_partner_reference=ibis.coalesce(met.p_partner_reference, met.c_partner_reference),
        core_agency="c_agency",
        partner_agency="p_agency",
        state="c_state",
        carried="c_carried",
        receipt_due="c_receipt_due",
        money="c_money",
        day="c_day",
    )
    apart = met.filter(~met.agreed)
    apart = steps.keep("apart", apart.select("c_our_reference", "c_paid", "p_our_reference", "p_paid"))
    odd_core = steps.keep("odd_core", numbered(_odd(core, twice_ours, apart, "c")))
    odd_partner = steps.keep("odd_partner", numbered(_odd(partner, twice_theirs, apart, "p")))
    return Sifted(
        steps.keep("clean", clean, "view"),
        odd_core.filter(odd_core.readable),
        odd_partner.filter(odd_partner.readable),
        (odd_core.filter(~odd_core.readable), odd_partner.filter(~odd_partner.readable)),
    )


def clean_matches(clean: ir.Table, *, leg: str) -> ir.Table:
    """Return the clean pairs in FORM."""
    one, none = whole(1), whole(0)
    return clean.select(
        leg=ibis.literal(leg),
        place=ibis.literal(MATCH),
        rule=ibis.literal(EXACT),
        party=clean.party,
        kind=clean.kind,
        our_reference=clean.our_reference,
        partner_reference=either(clean.partner_partner_reference, clean.core_partner_reference),
        agency=either(clean.core_agency, clean.partner_agency),
        core_rows=one,
        partner_rows=one,
        core_vnd=clean.money,
        partner_vnd=clean.money,
        difference_vnd=none,
        day=clean.day,
        core_money_vnd=clean.money,
        partner_money_vnd=clean.money,
    ).select(*FORM)


def _keyed(table: ir.Table) -> ir.Table:
    """Add whether it is a payment, which tells its reference from a return's that shares it."""
    return table.mutate(paid=table.family == "payment")


def _twice(table: ir.Table) -> ir.Table:
    """Return the references that stand more than once, whatever the party."""
    named = _keyed(table.filter(table.readable & (table.our_reference != "")))
    counted = named.group_by(t_reference="our_reference", t_paid="paid").aggregate(times=named.count())
    return counted.filter(counted.times > 1).drop("times")


def _single(table: ir.Table, twice: ir.Table) -> ir.Table:
    """Return the counted rows whose reference stands once."""
    table = _keyed(table.filter(table.readable & table.counted & (table.our_reference != "")))
    return table.anti_join(twice, [table.our_reference == twice.t_reference, table.paid == twice.t_paid])


def _odd(table: ir.Table, twice: ir.Table, apart: ir.Table, side: str) -> ir.Table:
    """Return the rows that are in no clean pair, and those that cannot be read."""
    named = apart.select(a_reference=f"{side}_our_reference", a_paid=f"{side}_paid")
    named = named.filter(named.a_reference.notnull())
    rows = _keyed(table)
    rows = rows.left_join(twice, [rows.our_reference == twice.t_reference, rows.paid == twice.t_paid])
    rows = rows.left_join(named, [rows.our_reference == named.a_reference, rows.paid == named.a_paid])
    odd = (
        ~rows.readable
        | ~rows.counted
        | (rows.our_reference == "")
        | rows.t_reference.notnull()
        | rows.a_reference.notnull()
    )
    return rows.filter(odd).select(*table.columns)
