"""Rows of both sides that share a key: which are a pair, which are parts of one payment, which stand there twice."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis.expr.builders import LegacyWindowBuilder as Window

from truc.reconcile.engine.inputs import of_side
from truc.reconcile.engine.places import NO_MONEY
from truc.reconcile.engine.steps import Steps

SIDES = ("core", "partner")
TWICE = {"core": "duplicate_in_core", "partner": "duplicate_at_partner"}
BETWEEN = "|"  # in the name of a bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What one pass says of rows by their `id` on either side.

    `pairs`: c_id, p_id, rule. `parts`: side, id, bundle, rule, for rows that end together with others. `placed`: side,
    id, place, rule, for every other row that has its place. `nets`: bundle, place, core_vnd, partner_vnd,
    difference_vnd, for bundles of which something else than their plain sums is compared.
    """

    pairs: ir.Table | None = None
    parts: ir.Table | None = None
    placed: ir.Table | None = None
    nets: ir.Table | None = None

    def of_side(self, side: str) -> list[ir.Table]:
        """Return the `id` of every row of a side that has its place by this."""
        told = [one.filter(one.side == side).select("id") for one in (self.parts, self.placed) if one is not None]
        if self.pairs is not None:
            told.append(self.pairs.select(id=self.pairs["c_id" if side == "core" else "p_id"]))
        return told


def meet(steps: Steps, core: ir.Table, partner: ir.Table, rule: str, *, name: str, compared_max: int) -> Met:
    """Resolve the rows by their `key` (""): none); what shares a key with nothing on the other side stays as it is."""
    core, partner = core.filter(core.key != ""), partner.filter(partner.key != "")
    facts = steps.keep(f"{name}_keys", _facts(core, partner))
    mine, yours = steps.keep(f"{name}_core", _in(core, facts)), steps.keep(f"{name}_partner", _in(partner, facts))
    by_rank = _return_pairs(steps, mine, yours, name)
    best = steps.keep(f"{name}_best", _best(mine, yours, rule, compared_max))
    pairs = ibis.union(
        by_rank.select("c_id", "p_id", rule=ibis.literal(rule)), best.filter(~best.parts).select("c_id", "p_id", "rule")
    )
    others = ibis.union(_others(mine, best, "core", rule), _others(yours, best, "partner", rule))
    others = steps.keep(f"{name}_others", others)
    return Met(
        pairs=steps.keep(f"{name}_pairs", pairs),
        parts=others.filter(others.bundle != "").select("side", "id", "bundle", "rule"),
        placed=others.filter(others.bundle == "").select("side", "id", "place", "rule"),
    )


def _facts(core: ir.Table, partner: ir.Table) -> ir.Table:
    """Return one row for each key that stands on both sides: how many rows, how many counted, their sums."""
    rows = ibis.union(
        *(_of_side(rows, of_core=side == "core") for side, rows in zip(SIDES, (core, partner), strict=True))
    )
    ours, theirs = rows.of_core, ~rows.of_core
    facts = rows.group_by(f_key=rows.key, f_party=rows.party, f_family=rows.family).aggregate(
        c_rows=rows.count(where=ours),
        p_rows=rows.count(where=theirs),
        c_counted=rows.count(where=ours & rows.counted),
        p_counted=rows.count(where=theirs & rows.counted),
        c_sum=ibis.ifelse(ours, rows.money, 0).cast("decimal(38,0)").sum(),
        p_sum=ibis.ifelse(theirs, rows.money, 0).cast("decimal(38,0)").sum(),
    )
    facts = facts.filter((facts.c_rows > 0) & (facts.p_rows > 0))
    both = (facts.c_counted > 0) & (facts.p_counted > 0)
    return facts.mutate(ranked=both & (facts.f_family == "return"))


def together(party: ir.StringValue, key: ir.StringValue) -> ir.StringValue:
    """Return one text for a party and a key, that of no other two: either may hold any sign."""
    return party.length().cast("string") + BETWEEN + party + BETWEEN + key


def _of_side(rows: ir.Table, *, of_core: bool) -> ir.Table:
    return rows.select("key", "party", "family", "counted", "money", of_core=ibis.literal(of_core))


def _in(rows: ir.Table, facts: ir.Table) -> ir.Table:
    met = rows.inner_join(facts, [rows.key == facts.f_key, rows.party == facts.f_party, rows.family == facts.f_family])
    # Not `drop`: of several columns it writes their names in an order that no two processes share.
    return met.select(*(name for name in met.columns if name not in ("f_key", "f_party", "f_family")))


def _return_pairs(steps: Steps, core: ir.Table, partner: ir.Table, name: str) -> ir.Table:
    """Pair returns of one key by equal amounts in order; then what is left alone on both sides."""
    mine = steps.keep(f"{name}_core_returns", of_side(_ranked(core), "c"))
    yours = steps.keep(f"{name}_partner_returns", of_side(_ranked(partner), "p"))
    same = [mine.c_key == yours.p_key, mine.c_party == yours.p_party]
    equal = steps.keep(
        f"{name}_equal_returns",
        mine.join(yours, [*same, mine.c_amount_vnd == yours.p_amount_vnd, mine.c_rank == yours.p_rank]).select(
            "c_id", "p_id"
        ),
    )
    ours, theirs = _left_alone(mine, equal, "c"), _left_alone(yours, equal, "p")
    last = ours.join(theirs, [ours.c_key == theirs.p_key, ours.c_party == theirs.p_party])
    return ibis.union(equal, last.select("c_id", "p_id"))


def _ranked(rows: ir.Table) -> ir.Table:
    rows = rows.filter(rows.ranked & rows.counted)
    order = ibis.window(group_by=[rows.key, rows.party, rows.amount_vnd], order_by=rows.id)
    return rows.select("id", "key", "party", "amount_vnd", rank=ibis.row_number().over(order))


def _left_alone(rows: ir.Table, equal: ir.Table, side: str) -> ir.Table:
    gone = equal.select(gone=equal[f"{side}_id"])
    rows = rows.anti_join(gone, rows[f"{side}_id"] == gone.gone)
    key = ibis.window(group_by=[rows[f"{side}_key"], rows[f"{side}_party"]])
    rows = rows.mutate(beside=rows.count().over(key))
    return rows.filter(rows.beside == 1).drop("beside")


def _best(core: ir.Table, partner: ir.Table, rule: str, compared_max: int) -> ir.Table:
    """Return the pair of each key that agrees best, and whether the key's counted rows are parts of one payment."""
    mine = of_side(_heads(core, core.c_counted, compared_max), "c")
    yours = of_side(_heads(partner, partner.p_counted, compared_max), "p")
    met = mine.join(yours, [mine.c_key == yours.p_key, mine.c_party == yours.p_party, mine.c_family == yours.p_family])
    met = met.mutate(rank=ibis.row_number().over(_closest_first(met)))
    best = met.filter(met.rank == 0)
    money = (best.c_c_counted > 0) & (best.c_p_counted > 0) & (best.c_amount_vnd != best.p_amount_vnd)
    split = money & (best.c_c_counted == 1) & (best.c_p_counted > 1) & (best.c_p_sum == best.c_amount_vnd)
    joined = money & (best.c_p_counted == 1) & (best.c_c_counted > 1) & (best.c_c_sum == best.p_amount_vnd)
    return best.select(
        b_key=best.c_key,
        b_party=best.c_party,
        b_family=best.c_family,
        c_id=best.c_id,
        p_id=best.p_id,
        rule=ibis.cases((split, f"{rule}/split"), (joined, f"{rule}/joined"), else_=rule),
        parts=split | joined,
    )


def _closest_first(met: ir.Table) -> Window:
    differing = (met.c_amount_vnd - met.p_amount_vnd).abs()
    same_reference = (met.c_partner_reference != "") & (met.c_partner_reference == met.p_partner_reference)
    return ibis.window(
        group_by=[met.c_key, met.c_party, met.c_family],
        order_by=[
            (met.c_group == met.p_group).ifelse(0, 1),
            (differing == 0).ifelse(0, 1),
            (met.c_fee_vnd == met.p_fee_vnd).ifelse(0, 1),
            same_reference.ifelse(0, 1),
            (met.c_day - met.p_day).abs(),
            differing,
            met.c_id,
            met.p_id,
        ],
    )


def _heads(rows: ir.Table, counted: ir.IntegerValue, compared_max: int) -> ir.Table:
    """Return the rows that may be the pair of a key: counted ones where there are any, and only so many."""
    rows = rows.filter(~rows.ranked & (rows.counted == (counted > 0)))
    order = ibis.window(group_by=[rows.key, rows.party, rows.family], order_by=rows.id)
    rows = rows.mutate(number=ibis.row_number().over(order))
    return rows.filter(rows.number < compared_max).drop("number")


def _others(rows: ir.Table, best: ir.Table, side: str, rule: str) -> ir.Table:
    """Return the place of each row that met the other side and is no pair."""
    paired = "c_id" if side == "core" else "p_id"
    heads = best.select("b_key", "b_party", "b_family", b_id=best[paired], b_rule=best.rule, b_parts=best.parts)
    met = rows.left_join(heads, [rows.key == heads.b_key, rows.party == heads.b_party, rows.family == heads.b_family])
    in_parts = met.b_parts.fill_null(ibis.literal(value=False))
    # Several returns may be of one payment, so a counted one never stands twice: it stays for the later passes.
    stays = met.counted & (met.family == "return")
    met = met.filter(~stays & (in_parts | met.b_id.isnull() | (met.b_id != met.id)))
    in_parts = met.b_parts.fill_null(ibis.literal(value=False)) & met.counted
    bundle = met.b_rule + BETWEEN + met.family + BETWEEN + together(met.party, met.key)
    return met.select(
        side=ibis.literal(side),
        id=met.id,
        place=ibis.ifelse(met.counted, TWICE[side], NO_MONEY),
        rule=ibis.ifelse(in_parts, met.b_rule, rule),
        bundle=ibis.ifelse(in_parts, bundle, ""),
    )
