"""The second leg: our payments against the receipts issued for them."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.groups import TWICE
from truc.reconcile.engine.inputs import canonical, given, numbered, of_side
from truc.reconcile.engine.places import FORM, MATCH, NO_MONEY, either, placed_alone, placed_pairs
from truc.reconcile.engine.statement import Ledger
from truc.reconcile.engine.steps import Steps
from truc.reconcile.row import EXACT
from truc.reconcile.spec import Spec

LEG = "receipts"
COLUMNS = ("party", "our_reference", "partner_reference", "agency", "state", "money", "day")
NAMED = ("party", "our_reference", "number")  # what tells one payment of ours from every other


@dataclass(frozen=True, slots=True)
class Receipts:
    """Where the rows of the leg end (`clean` pairs, and `places` in FORM).

    `asked`: every payment that should have a receipt. `odd`: party, our_reference, number and `place` of the payments
    that are in no clean pair.
    """

    clean: ir.Table
    places: ir.Table
    asked: ir.Table
    odd: ir.Table


def reconcile(steps: Steps, spec: Spec, ledger: Ledger) -> Receipts:
    """Write down the steps of the leg."""
    asked = ledger.payments.filter((ledger.payments.partner != TWICE["core"]) & ledger.payments.receipt_due)
    payments = steps.keep("asked", asked, "view")
    receipts = steps.keep("rows", canonical(given("receipts"), spec.cut_offs), "view")
    # A receipt has no state: what it says was received counts, and so does its amount.
    readable = receipts.filter(receipts.readable).mutate(money=receipts.amount_vnd, state=ibis.literal("paid"))
    clean = steps.keep("clean", _clean(payments, readable), "large")
    receipts_left = numbered(_without(readable, clean)).select("id", *COLUMNS, "kind")
    odd = steps.keep("odd_payments", _numbered(_without(payments, clean))), steps.keep("odd_receipts", receipts_left)
    by_ours = steps.keep("by_ours", _pairs(*odd, "our_reference", EXACT))
    over = [_over(*odd, by_ours, "our_reference", EXACT)]
    left = _less(odd[0], by_ours, "c_id"), _less(_less(odd[1], by_ours, "p_id"), over[0], "id")
    left = steps.keep("left_payments", left[0]), steps.keep("left_receipts", left[1])
    by_theirs = steps.keep("by_theirs", _pairs(*left, "partner_reference", "partner_reference"))
    over.append(_over(*left, by_theirs, "partner_reference", "partner_reference"))
    pairs = steps.keep("pairs", _judged(ibis.union(by_ours, by_theirs), *odd))
    missing = _less(left[0], by_theirs, "c_id")
    missing = steps.keep(
        "missing",
        missing.mutate(
            place=ibis.ifelse(missing.state == "refunded", NO_MONEY, "receipt_missing"), rule=ibis.literal("none")
        ),
    )
    alone = _less(_less(left[1], by_theirs, "p_id"), over[1], "id").mutate(rule=ibis.literal("none"))
    alone = ibis.union(*over, alone).mutate(place=ibis.literal("receipt_without_payment"))
    unreadable = receipts.filter(~receipts.readable)
    unreadable = unreadable.mutate(place=ibis.literal("unreadable"), rule=ibis.literal("none"))
    ends = [
        placed_pairs(pairs, leg=LEG),
        placed_alone(missing, "core", leg=LEG),
        placed_alone(alone, "partner", leg=LEG),
        placed_alone(unreadable, "partner", leg=LEG),
    ]
    paired = pairs.select(*(pairs[f"c_{name}"].name(name) for name in NAMED), "place")
    return Receipts(
        clean=clean,
        places=steps.keep("places", ibis.union(*(end.select(*FORM) for end in ends))),
        asked=payments,
        odd=ibis.union(paired, missing.select(*NAMED, "place")),
    )


def _clean(payments: ir.Table, receipts: ir.Table) -> ir.Table:
    """Pair what has one payment and one receipt of one reference and amount."""
    mine, yours = of_side(_single(payments), "c"), of_side(_single(receipts), "p")
    met = mine.join(
        yours,
        [
            mine.c_our_reference == yours.p_our_reference,
            mine.c_party == yours.p_party,
            mine.c_money == yours.p_money,
        ],
    )
    return met.select(
        party="c_party",
        family=ibis.literal("payment"),
        kind=ibis.literal("payment"),
        our_reference="c_our_reference",
        core_partner_reference="c_partner_reference",
        partner_partner_reference="p_partner_reference",
        agency=either(met.c_agency, met.p_agency),
        money="c_money",
        day="c_day",
    )


def _single(rows: ir.Table) -> ir.Table:
    """Leave out the references that stand more than once, found by their hash."""
    rows = rows.filter(rows.our_reference != "").select(*COLUMNS)
    rows = rows.mutate(hash=(rows.party + "|" + rows.our_reference).hash())
    counted = rows.group_by(twice=rows.hash).aggregate(times=rows.count())
    twice = counted.filter(counted.times > 1).select("twice")
    return rows.anti_join(twice, rows.hash == twice.twice).drop("hash")


def _without(rows: ir.Table, clean: ir.Table) -> ir.Table:
    named = clean.select(x_party="party", x_reference="our_reference")
    return rows.anti_join(named, [rows.our_reference == named.x_reference, rows.party == named.x_party])


def _numbered(payments: ir.Table) -> ir.Table:
    """Return the payments with `id` in the order of rows, and their kind."""
    order = ibis.window(order_by=[payments[name] for name in NAMED])
    number = ibis.row_number().over(order).cast("int64")
    return payments.select(*COLUMNS, "number", kind=ibis.literal("payment"), id=number)


def _pairs(payments: ir.Table, receipts: ir.Table, column: str, rule: str) -> ir.Table:
    """Pair what shares a reference: equal amounts first, then one by one in their order."""
    mine, yours = of_side(payments, "c"), of_side(receipts, "p")
    mine, yours = mine.filter(mine[f"c_{column}"] != ""), yours.filter(yours[f"p_{column}"] != "")
    key = [mine[f"c_{column}"], mine.c_party], [yours[f"p_{column}"], yours.p_party]
    mine = mine.mutate(c_rank=_rank([*key[0], mine.c_money], mine.c_id))
    yours = yours.mutate(p_rank=_rank([*key[1], yours.p_money], yours.p_id))
    equal = mine.join(yours, [*_same(mine, yours, column), mine.c_money == yours.p_money, mine.c_rank == yours.p_rank])
    equal = equal.select("c_id", "p_id")
    rest_ours, rest_theirs = _less_by(mine, equal, "c_id"), _less_by(yours, equal, "p_id")
    rest_ours = rest_ours.mutate(c_place=_rank([rest_ours[f"c_{column}"], rest_ours.c_party], rest_ours.c_id))
    rest_theirs = rest_theirs.mutate(p_place=_rank([rest_theirs[f"p_{column}"], rest_theirs.p_party], rest_theirs.p_id))
    last = rest_ours.join(
        rest_theirs, [*_same(rest_ours, rest_theirs, column), rest_ours.c_place == rest_theirs.p_place]
    )
    return ibis.union(equal, last.select("c_id", "p_id")).mutate(rule=ibis.literal(rule))


def _over(payments: ir.Table, receipts: ir.Table, pairs: ir.Table, column: str, rule: str) -> ir.Table:
    """Return the receipts whose reference a payment has, which has its receipt already."""
    named = payments.filter(payments[column] != "").select(o_party="party", o_reference=column)
    over = receipts.semi_join(named, [receipts.party == named.o_party, receipts[column] == named.o_reference])
    return _less(over, pairs, "p_id").mutate(rule=ibis.literal(rule))


def _same(mine: ir.Table, yours: ir.Table, column: str) -> list[ir.BooleanValue]:
    return [mine[f"c_{column}"] == yours[f"p_{column}"], mine.c_party == yours.p_party]


def _rank(key: list[ir.Value], order: ir.Value) -> ir.IntegerValue:
    return ibis.row_number().over(ibis.window(group_by=key, order_by=order))


def _less_by(rows: ir.Table, pairs: ir.Table, column: str) -> ir.Table:
    gone = pairs.select(gone=column)
    return rows.anti_join(gone, rows[column] == gone.gone)


def _less(rows: ir.Table, pairs: ir.Table, column: str) -> ir.Table:
    gone = pairs.select(gone=column)
    return rows.anti_join(gone, rows.id == gone.gone)


def _judged(pairs: ir.Table, payments: ir.Table, receipts: ir.Table) -> ir.Table:
    named = pairs.select(x_core="c_id", x_partner="p_id", rule="rule")
    mine, yours = of_side(payments, "c"), of_side(receipts, "p")
    met = named.inner_join(mine, named.x_core == mine.c_id)
    met = met.inner_join(yours, met.x_partner == yours.p_id)
    difference = met.c_money - met.p_money
    return met.mutate(difference_vnd=difference, place=ibis.ifelse(difference == 0, MATCH, "receipt_amount_differs"))
