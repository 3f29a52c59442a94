"""The last look for a pair: equal amounts near in time that something else ties together; what is unclear stays so."""

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.groups import SIDES, Met
from truc.reconcile.engine.inputs import WORKING_DAYS, of_side
from truc.reconcile.engine.steps import Steps
from truc.reconcile.engine.text import normal
from truc.reconcile.spec import Spec

AMOUNT = "amount_day"
BUCKET = ("party", "family", "amount_vnd")


def by_amount(steps: Steps, spec: Spec, core: ir.Table, partner: ir.Table) -> Met:
    """Pair what is each other's only candidate by amount and day; what has several is ambiguous."""
    ours, theirs = steps.keep("amounts_core", _money(core)), steps.keep("amounts_partner", _money(partner))
    mine, yours = _uncrowded(spec, ours, theirs), _uncrowded(spec, theirs, ours)
    candidates = steps.keep("candidates", _candidates(spec, of_side(mine, "c"), of_side(yours, "p")))
    once = [
        candidates.group_by(side).aggregate(times=candidates.count()).filter(ibis._.times == 1).select(once=side)
        for side in ("c_id", "p_id")
    ]
    single = candidates.semi_join(once[0], candidates.c_id == once[0].once)
    single = single.semi_join(once[1], single.p_id == once[1].once)
    pairs = steps.keep("amount_pairs", single.select("c_id", "p_id", rule=ibis.literal(AMOUNT)))
    unsure = []
    for side, column in zip(SIDES, ("c_id", "p_id"), strict=True):
        known = pairs.select(gone=column)
        rest = candidates.select(id=column).distinct()
        unsure.append(rest.anti_join(known, rest.id == known.gone).select(side=ibis.literal(side), id="id"))
    placed = ibis.union(*unsure).mutate(place=ibis.literal("ambiguous"), rule=ibis.literal(AMOUNT))
    return Met(pairs=pairs, placed=steps.keep("amount_unsure", placed))


def _money(rows: ir.Table) -> ir.Table:
    """Return the counted payments and returns, with how many working days there were up to theirs."""
    rows = rows.filter(rows.counted & rows.family.isin(["payment", "return"]))
    worked = WORKING_DAYS.select(w_day="day", worked="worked")
    rows = rows.inner_join(worked, rows.day == worked.w_day)
    return rows.select(
        "id", *BUCKET, "worked", "our_reference", "partner_reference", "payer", normal=normal(rows.our_reference)
    )


def _uncrowded(spec: Spec, rows: ir.Table, others: ir.Table) -> ir.Table:
    """Leave out the rows that would be compared with more than `candidates_max` of the other side."""
    held = others.group_by(*(others[name].name(f"o_{name}") for name in (*BUCKET, "worked"))).aggregate(
        beside=others.count()
    )
    asked = rows.select(*BUCKET, "worked").distinct()
    near = asked.inner_join(
        held,
        [*(asked[name] == held[f"o_{name}"] for name in BUCKET), _near(spec, asked.worked, held.o_worked)],
    )
    many = near.group_by(**{f"m_{name}": near[name] for name in (*BUCKET, "worked")}).aggregate(
        beside=near.beside.sum()
    )
    many = many.filter(many.beside > spec.candidates_max)
    return rows.anti_join(many, [rows[name] == many[f"m_{name}"] for name in (*BUCKET, "worked")])


def _candidates(spec: Spec, mine: ir.Table, yours: ir.Table) -> ir.Table:
    """Return c_id, p_id of rows of one amount, near in time, that something ties together and nothing tells apart."""
    met = mine.inner_join(
        yours,
        [
            *(mine[f"c_{name}"] == yours[f"p_{name}"] for name in BUCKET),
            _near(spec, mine.c_worked, yours.p_worked),
        ],
    )
    met = met.filter(
        ~_differ(met.c_partner_reference, met.p_partner_reference),
        ~_differ(met.c_payer, met.p_payer),
        ((met.c_payer != "") & (met.c_payer == met.p_payer))
        | (met.c_our_reference == "")
        | (met.p_our_reference == "")
        | _related(spec, met.c_normal, met.p_normal),
    )
    return met.select("c_id", "p_id")


def _near(spec: Spec, one: ir.IntegerValue, other: ir.IntegerValue) -> ir.BooleanValue:
    return (one - other).abs() <= spec.window_days


def _related(spec: Spec, one: ir.StringValue, other: ir.StringValue) -> ir.BooleanValue:
    """Tell whether one reference holds the other, or both differ in a few letters only."""
    long_enough = (one.length() >= spec.related_from) & (other.length() >= spec.related_from)
    near = (one.length() == other.length()) & (one.levenshtein(other) <= spec.edits_max)
    return long_enough & (one.contains(other) | other.contains(one) | near)


def _differ(one: ir.StringValue, other: ir.StringValue) -> ir.BooleanValue:
    return (one != "") & (other != "") & (one != other)
