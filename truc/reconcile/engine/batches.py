"""Lines that settle several payments at once: a batch by its reference, a day by its sums, a refund by its payment."""

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.groups import BETWEEN, Met, together
from truc.reconcile.engine.inputs import numbered
from truc.reconcile.engine.places import MATCH, total
from truc.reconcile.engine.steps import Steps

BATCH, SETTLEMENT, ORIGINAL = "batch", "settlement", "original"
MONEY = ("payment", "return")


def by_batch(steps: Steps, core: ir.Table, partner: ir.Table) -> Met:
    """Hold what the rows of ours that share a partner's reference come to against the one settlement line of it."""
    lines = _settlement_lines(partner)
    lines = lines.filter(lines.partner_reference != "")
    held = lines.mutate(beside=lines.count().over(group_by=[lines.party, lines.partner_reference]))
    lines = held.filter(held.beside == 1).drop("beside")
    rows = core.filter(core.counted & core.family.isin(MONEY) & (core.partner_reference != ""))
    bundle = ibis.literal(BATCH + BETWEEN) + together(lines.party, lines.partner_reference)
    lines = lines.mutate(bundle=bundle)
    named = lines.select("bundle", l_party="party", l_reference="partner_reference")
    ours = rows.inner_join(named, [rows.party == named.l_party, rows.partner_reference == named.l_reference])
    ours = steps.keep("batch_rows", ours.select("bundle", *rows.columns))
    lines = steps.keep("batch_lines", lines.semi_join(ours, "bundle"))
    come = ours.group_by("bundle").aggregate(gross=_gross(ours), fees=total(ours.fee_vnd))
    met = lines.select("bundle", "money", "fee_vnd").inner_join(come, "bundle")
    deducted = ibis.ifelse(met.fee_vnd > 0, met.fee_vnd, met.fees)
    net = _against(met.mutate(core_vnd=met.gross - deducted, partner_vnd=met.money))
    return Met(
        parts=steps.keep("batch_parts", _parts(ours, lines, BATCH)),
        nets=steps.keep("batch_nets", net),
    )


def by_settlement(steps: Steps, core: ir.Table, partner: ir.Table, every_line: ir.Table) -> Met:
    """Hold the settlement lines of a party's day against the partner's other lines of it, or else what we have left."""
    lines = _settlement_lines(partner)
    lines = steps.keep("settlement_lines", lines.mutate(bundle=_of_day(lines)))
    days = steps.keep("settlement_days", lines.group_by("bundle").aggregate(partner_vnd=total(lines.money)))
    theirs = every_line.filter(every_line.counted & every_line.family.isin([*MONEY, "fee"]))
    theirs = theirs.mutate(bundle=_of_day(theirs)).semi_join(days, "bundle")
    said = steps.keep("settlement_said", theirs.group_by("bundle").aggregate(net=_net(theirs)))
    ours = core.filter(core.counted & core.family.isin(MONEY))
    ours = ours.mutate(bundle=_of_day(ours)).semi_join(days, "bundle").anti_join(said, "bundle")
    ours = steps.keep("settlement_rows", ours)
    left = ours.group_by("bundle").aggregate(net=_net(ours))
    known = steps.keep("settlement_known", said.union(left))
    named = known.select(k_bundle="bundle", net="net")
    met = days.left_join(named, days.bundle == named.k_bundle)
    met = met.select("bundle", "partner_vnd", core_vnd=met.net.fill_null(0))
    return Met(
        parts=steps.keep("settlement_parts", _parts(ours, lines, SETTLEMENT)),
        nets=steps.keep("settlement_nets", _against(met)),
    )


def by_original(steps: Steps, partner: ir.Table, back: ir.Table) -> Met:
    """Place a partner's return whose payment we hold as refunded without a return of our own, up to what was paid."""
    ours = back.filter(back.of_core)
    refunded = numbered(ours.filter(ours.family == "payment"))
    refunded = refunded.select(
        o_id="id", o_party="party", o_ours="our_reference", o_theirs="partner_reference", o_amount="amount_vnd"
    )
    refunded = steps.keep("refunded", refunded)
    lines = partner.filter((partner.family == "return") & partner.counted)
    by_ours = lines.filter(lines.our_reference != "").inner_join(
        refunded, [lines.party == refunded.o_party, lines.our_reference == refunded.o_ours]
    )
    by_theirs = lines.filter(lines.partner_reference != "").inner_join(
        refunded, [lines.party == refunded.o_party, lines.partner_reference == refunded.o_theirs]
    )
    named = ibis.union(*(one.select("id", "money", "o_id", "o_amount") for one in (by_ours, by_theirs))).distinct()
    named = steps.keep("named_originals", named)
    named = named.filter(named.count().over(group_by=named.id) == 1)
    answered = steps.keep("answered_originals", _answered(refunded, ours.filter(ours.family == "return")))
    named = named.anti_join(answered, "o_id")
    named = named.mutate(whole=named.money.cast("decimal(38,0)").sum().over(group_by=named.o_id))
    named = named.filter(named.whole <= named.o_amount)
    found = steps.keep("originals", named.select("id", "money", bundle=ORIGINAL + BETWEEN + named.id.cast("string")))
    none = ibis.literal(0, type="int64")
    return Met(
        parts=found.select(side=ibis.literal("partner"), id="id", bundle="bundle", rule=ibis.literal(ORIGINAL)),
        nets=found.select("bundle", place=ibis.literal(MATCH), core_vnd=none, partner_vnd="money", difference_vnd=none),
    )


def _answered(refunded: ir.Table, returns: ir.Table) -> ir.Table:
    """Return the `o_id` of those payments of which a counted return of ours has a reference."""
    ids = []
    for name, column in (("our_reference", "o_ours"), ("partner_reference", "o_theirs")):
        named = returns.filter(returns[name] != "").select(r_party="party", r_reference=name).distinct()
        held = refunded.semi_join(named, [refunded.o_party == named.r_party, refunded[column] == named.r_reference])
        ids.append(held.select("o_id"))
    return ibis.union(*ids).distinct()


def _settlement_lines(partner: ir.Table) -> ir.Table:
    return partner.filter((partner.family == "settlement") & partner.counted)


def _of_day(rows: ir.Table) -> ir.StringValue:
    return ibis.literal(SETTLEMENT + BETWEEN) + rows.party + BETWEEN + rows.day.cast("string")


def _gross(rows: ir.Table) -> ir.IntegerValue:
    """Return payments less returns less fees that stand as lines of their own."""
    return total(ibis.ifelse(rows.family == "payment", rows.money, -rows.money))


def _net(rows: ir.Table) -> ir.IntegerValue:
    """Return the gross less what each payment or return cost."""
    return _gross(rows) - total(ibis.ifelse(rows.family.isin(MONEY), rows.fee_vnd, 0))


def _parts(ours: ir.Table, lines: ir.Table, rule: str) -> ir.Table:
    said = ibis.literal(rule)
    return ibis.union(
        ours.select(side=ibis.literal("core"), id="id", bundle="bundle", rule=said),
        lines.select(side=ibis.literal("partner"), id="id", bundle="bundle", rule=said),
    )


def _against(met: ir.Table) -> ir.Table:
    """Say of each bundle whether the partner paid what it comes to, less, or more."""
    difference = met.core_vnd - met.partner_vnd
    place = ibis.cases((difference > 0, "settlement_short"), (difference < 0, "settlement_over"), else_=MATCH)
    return met.select("bundle", place=place, core_vnd="core_vnd", partner_vnd="partner_vnd", difference_vnd=difference)
