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
    core, partner = _keyed(core), _keyed(partner)
    twice = steps.keep("twice_in_core", _twice(core)), steps.keep("twice_at_partner", _twice(partner))
    ours, theirs = _single(core, twice[0]), _single(partner, twice[1])
    # One look at all rows. Only what differs is written down: a clean pair is our row, and what it has not itself.
    differing = steps.keep("differing", _differing(ours, theirs), "large")
    odd_core = steps.keep("odd_core", numbered(_odd(core, twice[0], differing, "c")))
    odd_partner = steps.keep("odd_partner", numbered(_odd(partner, twice[1], differing, "p")))
    return Sifted(
        steps.keep("clean", _clean(ours, differing), "view"),
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
        agency=clean.agency,
        core_rows=one,
        partner_rows=one,
        core_vnd=clean.money,
        partner_vnd=clean.money,
        difference_vnd=none,
        day=clean.day,
        core_money_vnd=clean.money,
        partner_money_vnd=clean.money,
    ).select(*FORM)


def _differing(ours: ir.Table, theirs: ir.Table) -> ir.Table:
    """Return what meets nothing or does not agree, and what agrees where our row does not tell all of the pair."""
    mine, yours = of_side(ours, "c"), of_side(theirs, "p")
    met = mine.outer_join(yours, [mine.c_our_reference == yours.p_our_reference, mine.c_paid == yours.p_paid])
    agreed = ibis.and_(*(met[f"c_{name}"] == met[f"p_{name}"] for name in AGREEING)).fill_null(
        ibis.literal(value=False)
    )
    renamed = met.p_partner_reference != met.c_partner_reference
    agency = (met.c_agency == "") & (met.p_agency != "")
    return met.filter(~agreed | renamed | agency).select(
        "c_our_reference", "c_paid", "p_our_reference", "p_paid", "p_partner_reference",
        agreed=agreed,
        agency=either(met.c_agency, met.p_agency),
    )  # fmt: skip


def _clean(ours: ir.Table, differing: ir.Table) -> ir.Table:
    """Return the clean pairs: our rows that met and agree, with the partner's texts where they are others."""
    named = differing.filter(differing.c_our_reference.notnull())
    said = named.select(
        s_reference="c_our_reference",
        s_paid="c_paid",
        agreed="agreed",
        s_partner_reference="p_partner_reference",
        s_agency="agency",
    )
    met = ours.left_join(said, [ours.our_reference == said.s_reference, ours.paid == said.s_paid])
    met = met.filter(met.agreed.fill_null(ibis.literal(value=True)))
    return met.select(
        "party", "family", "kind", "our_reference", "state", "carried", "receipt_due", "money", "day",
        core_partner_reference=met.partner_reference,
        core_agency=met.agency,
        partner_partner_reference=met.s_partner_reference.fill_null(met.partner_reference),
        agency=met.s_agency.fill_null(met.agency),
    )  # fmt: skip


def _keyed(table: ir.Table) -> ir.Table:
    """Add whether it is a payment, which tells its reference from a return's that shares it, and the hash of that."""
    return table.mutate(paid=table.family == "payment", hash=table.our_reference.hash())


def _twice(table: ir.Table) -> ir.Table:
    """Return what stands more than once, whatever the party; two references of one hash only cost a closer look."""
    named = table.filter(table.our_reference != "")
    counted = named.group_by(t_hash="hash", t_paid="paid").aggregate(times=named.count())
    return counted.filter(counted.times > 1).drop("times")


def _single(table: ir.Table, twice: ir.Table) -> ir.Table:
    """Return the counted rows whose reference stands once."""
    table = table.filter(table.readable & table.counted & (table.our_reference != ""))
    return table.anti_join(twice, [table.hash == twice.t_hash, table.paid == twice.t_paid])


def _odd(table: ir.Table, twice: ir.Table, differing: ir.Table, side: str) -> ir.Table:
    """Return the rows that are in no clean pair, and those that cannot be read."""
    apart = differing.filter(~differing.agreed & differing[f"{side}_our_reference"].notnull())
    apart = apart.select(a_reference=f"{side}_our_reference", a_paid=f"{side}_paid")
    rows = table.left_join(twice, [table.hash == twice.t_hash, table.paid == twice.t_paid])
    rows = rows.left_join(apart, [rows.our_reference == apart.a_reference, rows.paid == apart.a_paid])
    odd = (
        ~rows.readable | ~rows.counted | (rows.our_reference == "") | rows.t_hash.notnull() | rows.a_reference.notnull()
    )
    return rows.filter(odd).select(*(name for name in table.columns if name not in ("paid", "hash")))
