"""The first look: what agrees in everything and stands alone on both sides is matched; the rest is odd.

Nearly all rows of a day agree, so nothing is joined, numbered or compared row by row before this. One grouping of both
sides by reference and party tells the rest: where one row of each side meets, what must agree is compared as it is
(two equal numbers leave 0 by "exclusive or"). Only texts are told by fingerprints: of 64 bits, the partner's reference
by 38.
"""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.inputs import numbered
from truc.reconcile.engine.places import FORM, NO_MONEY, either, whole
from truc.reconcile.engine.plan import Dialect
from truc.reconcile.engine.steps import Steps
from truc.reconcile.row import EXACT, FAMILIES, GROUPS

STATES = {name: number for number, name in enumerate(GROUPS)}
# What must agree, in two numbers: in one the amount, in the other all else; in the last bits of both, a fingerprint of
# the partner's reference, and whether our row has no agency, or theirs has one: only with both our row does not tell
# all. What has no room there goes the long way.
AMOUNT, AMOUNT_MAX = 1 << 23, 1 << 40
UNTOLD, TOLD, SIDE, STATE, FAMILY, DAY, FEE = (1 << bit for bit in (0, 1, 17, 18, 21, 24, 40))
DAYS_MAX, FEE_MAX = FEE // DAY, 1 << 23
FIRST_BITS, LAST_BITS = AMOUNT - 1, SIDE - 4  # of the fingerprint; the two least of the second are UNTOLD and TOLD
NO_ROOM = -1


@dataclass(frozen=True, slots=True)
class Sifted:
    """`clean` pairs in a form of their own, and the `core` and `partner` rows that are in none, numbered.

    `quiet` are our rows of pairs that agree and moved no money. `unreadable` are the rows of each side that nothing
    can be said of.
    """

    clean: ir.Table
    quiet: ir.Table
    core: ir.Table
    partner: ir.Table
    unreadable: tuple[ir.Table, ir.Table]


def sift(steps: Steps, core: ir.Table, partner: ir.Table) -> Sifted:
    """Return the clean pairs of all rows of two sides, and what is left of either, with what cannot be read."""
    core, partner = (_keyed(table, steps.dialect) for table in (core, partner))
    ours, theirs = _named(core), _named(partner)
    differing = steps.keep("differing", _differing(ours, theirs, steps.dialect), "large")
    otherwise = steps.keep("otherwise", _otherwise(theirs, differing), "large")
    clean = steps.keep("clean", _clean(ours, differing, otherwise), "view")  # before all else: nearly all rows
    ours_unmatched = _with_odd(core, differing)
    ours_unmatched = steps.keep("unmatched_core", ours_unmatched.filter(ours_unmatched.odd | ~ours_unmatched.counted))
    theirs_odd = _with_odd(partner, differing)
    odd_core, odd_partner = (
        steps.keep(name, numbered(rows.filter(rows.odd).drop("odd")))
        for name, rows in (("odd_core", ours_unmatched), ("odd_partner", theirs_odd))
    )
    return Sifted(
        clean,
        ours_unmatched.filter(~ours_unmatched.odd),
        odd_core.filter(odd_core.readable),
        odd_partner.filter(odd_partner.readable),
        (odd_core.filter(~odd_core.readable), odd_partner.filter(~odd_partner.readable)),
    )


def quiet_places(quiet: ir.Table, *, leg: str) -> ir.Table:
    """Return the pairs that moved no money in FORM: our row tells all of them."""
    one, none = whole(1), whole(0)
    return quiet.select(
        leg=ibis.literal(leg),
        place=ibis.literal(NO_MONEY),
        rule=ibis.literal(EXACT),
        party=quiet.party,
        kind=quiet.kind,
        our_reference=quiet.our_reference,
        partner_reference=quiet.partner_reference,
        agency=quiet.agency,
        core_rows=one,
        partner_rows=one,
        core_vnd=quiet.money,
        partner_vnd=quiet.money,
        difference_vnd=none,
        day=quiet.day,
        core_money_vnd=quiet.money,
        partner_money_vnd=quiet.money,
    ).select(*FORM)


@ibis.udf.scalar.builtin(name="hash")  # type: ignore[untyped-decorator]
def _duckdb_hash(first: str, second: str) -> int:  # type: ignore[empty-body]
    """64 bits without a sign, which nothing here asks for."""


@ibis.udf.scalar.builtin(name="xxhash64")  # type: ignore[untyped-decorator]
def _spark_hash(first: str, second: str) -> int:  # type: ignore[empty-body]
    """Spark's `hash` has 32 bits only."""


@ibis.udf.agg.builtin(name="bit_xor")  # type: ignore[untyped-decorator]
def _bit_xor(value: int) -> int:  # type: ignore[empty-body]
    """Of a pair, what differs."""


_HASHES = {"duckdb": _duckdb_hash, "pyspark": _spark_hash}


def _keyed(table: ir.Table, dialect: Dialect) -> ir.Table:
    """Add the fingerprint of reference and party; a row that is no payment's has another: it may share both."""
    named = _HASHES[dialect](table.our_reference, table.party)
    return table.mutate(print=ibis.ifelse(table.family == "payment", named, named ^ 1))


def _named(table: ir.Table) -> ir.Table:
    """Return the rows that have a reference of ours; also what moved no money, beside which nothing stands alone."""
    return table.filter(table.readable & (table.our_reference != ""))


def _differing(ours: ir.Table, theirs: ir.Table, dialect: Dialect) -> ir.Table:
    """Return what does not agree, or does where our row does not tell all of the pair; whether it agrees."""
    told = ibis.union(_told(ours, dialect, of_core=True), _told(theirs, dialect, of_core=False))
    met = told.group_by(d_print="print").aggregate(
        rows=told.count(), amounts=_bit_xor(told.amount), others=_bit_xor(told.others)
    )
    # Of two rows, one is ours and one is theirs where the bit of the side, and no other but of texts, is left.
    met = met.mutate(agreed=(met.rows == 2) & (met.amounts < AMOUNT) & met.others.between(SIDE, 2 * SIDE - 1))
    alike = (met.amounts == 0) & met.others.isin([SIDE, SIDE + UNTOLD, SIDE + TOLD])
    return met.filter(~met.agreed | ~alike).select("d_print", "agreed")


def _told(rows: ir.Table, dialect: Dialect, *, of_core: bool) -> ir.Table:
    """Return rows by what must agree, and what tells whether the partner's texts are others, as two numbers."""
    room = rows.day.between(0, DAYS_MAX - 1) & (rows.fee_vnd < FEE_MAX) & (rows.amount_vnd < AMOUNT_MAX)
    family = rows.family.cases(*((name, number) for number, name in enumerate(_FAMILIES)), else_=len(_FAMILIES))
    state = rows.state.cases(*STATES.items(), else_=len(STATES))
    others = rows.fee_vnd * FEE + rows.day * DAY + family * FAMILY + state * STATE + (0 if of_core else SIDE)
    texts = _HASHES[dialect](rows.partner_reference, "")
    first, last = ((bits & mask).cast("int32") for bits, mask in ((texts, FIRST_BITS), (texts >> 32, LAST_BITS)))
    marked, mark = (rows.agency == "", UNTOLD) if of_core else (rows.agency != "", TOLD)
    return rows.select(
        "print",
        amount=ibis.ifelse(room, rows.amount_vnd * AMOUNT + first, NO_ROOM).cast("int64"),
        others=ibis.ifelse(room, others + last + ibis.ifelse(marked, mark, 0), NO_ROOM).cast("int64"),
    )


def _otherwise(theirs: ir.Table, differing: ir.Table) -> ir.Table:
    """Return the partner's texts of pairs that agree where our row does not tell all."""
    agreed = differing.filter(differing.agreed)
    met = theirs.inner_join(agreed, theirs.print == agreed.d_print)
    return met.select(o_print="d_print", o_reference="partner_reference", o_agency="agency")


def _clean(ours: ir.Table, differing: ir.Table, otherwise: ir.Table) -> ir.Table:
    """Return the clean pairs: our rows that met and agree, with the partner's texts where they are others."""
    apart = differing.filter(~differing.agreed)
    ours = ours.filter(ours.counted)
    met = ours.anti_join(apart, ours.print == apart.d_print)
    met = met.left_join(otherwise, met.print == otherwise.o_print)
    return met.select(
        "party", "family", "kind", "our_reference", "state", "carried", "receipt_due", "money", "day",
        core_partner_reference=met.partner_reference,
        core_agency=met.agency,
        partner_partner_reference=met.o_reference.fill_null(met.partner_reference),
        agency=either(met.agency, met.o_agency),
    )  # fmt: skip


def _with_odd(table: ir.Table, differing: ir.Table) -> ir.Table:
    """Tell of each row whether it is `odd`: in no pair that agrees, or not to be read."""
    apart = differing.filter(~differing.agreed)
    rows = table.left_join(apart, table.print == apart.d_print)
    odd = ~rows.readable | (rows.our_reference == "") | rows.d_print.notnull()
    return rows.select(*(name for name in table.columns if name != "print"), odd=odd)


_FAMILIES = tuple(dict.fromkeys(FAMILIES.values()))
