"""The first leg: our ledger against the partner's statement."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine import judging, passes, sift
from truc.reconcile.engine.batches import ORIGINAL, SETTLEMENT
from truc.reconcile.engine.groups import SIDES, TWICE
from truc.reconcile.engine.inputs import canonical, given
from truc.reconcile.engine.near import form
from truc.reconcile.engine.passes import Found
from truc.reconcile.engine.places import FORM, MATCH, NO_MONEY, bundled, placed_alone, placed_pairs, whole
from truc.reconcile.engine.steps import Steps
from truc.reconcile.spec import Spec

LEG = "statement"
LEG_OF_RULE = {SETTLEMENT: "settlement", ORIGINAL: "return"}


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the rows of the leg end (`clean` pairs, and `places` in FORM), and what the further legs need of it.

    `payments`: our counted payments of the day, each once, with party, our_reference, partner_reference, agency,
    state, money, day, receipt_due; `number`, the order of those of one reference; and `partner`, the place where it
    ended in this leg. `returns`: our counted returns with party, agency, money, day.
    """

    clean: ir.Table
    places: ir.Table
    payments: ir.Table
    returns: ir.Table


def reconcile(steps: Steps, spec: Spec) -> Ledger:
    """Write down the steps of the leg."""
    sides = [
        steps.keep(side, canonical(given(named), spec.cut_offs), "view")
        for side, named in zip(SIDES, ("core", "statement"), strict=True)
    ]
    core, partner = (rows.filter(rows.readable) for rows in sides)
    sifted = sift.sift(steps, *sides)
    back = steps.keep("back", judging.gone_back(core, partner))
    passed = passes.run(steps, spec, sifted, back, partner)
    met = passed.all_found()
    pairs = judging.paired(met.pairs, sifted.core, sifted.partner)
    judged = steps.keep("judged", judging.judged(spec, pairs, judging.of_returns(back)))
    members = steps.keep("members", _members(met, sifted))
    known = steps.keep("known", _known(passed.near, judged, members, passed.left.partner))
    ends = [sift.quiet_places(sifted.quiet, leg=LEG), placed_pairs(judged, leg=LEG), _bundles(met, members)]
    for side, odd, left, unreadable in zip(
        SIDES,
        (sifted.core, sifted.partner),
        (passed.left.core, passed.left.partner),
        sifted.unreadable,
        strict=True,
    ):
        ends.append(placed_alone(_placed(met, odd, side), side, leg=LEG))
        ends.append(placed_alone(_left_over(left, side, known), side, leg=LEG))
        lost = unreadable.mutate(place=ibis.literal("unreadable"), rule=ibis.literal("none"))
        ends.append(placed_alone(lost, side, leg=LEG))
    ends_of_core = _core_ends(met, judged, passed.left.core)
    return Ledger(
        clean=sifted.clean,
        places=steps.keep("places", ibis.union(*(end.select(*FORM) for end in ends))),
        payments=steps.keep("payments", _payments(sifted, steps.keep("core_ends", ends_of_core)), "view"),
        returns=core.filter((core.family == "return") & core.counted & ~core.carried).select(
            "party", "agency", "money", "day"
        ),
    )


def _core_ends(met: Found, judged: ir.Table, left: ir.Table) -> ir.Table:
    """Return the place of each odd row of ours: e_id, partner."""
    named = met.parts.filter(met.parts.side == "core").select("bundle", e_id="id")
    nets = met.nets.select("place", n_bundle="bundle")
    named = named.left_join(nets, named.bundle == nets.n_bundle)
    placed = met.placed.filter(met.placed.side == "core")
    return ibis.union(
        judged.select(e_id="c_id", partner="place"),
        named.select("e_id", partner=named.place.fill_null(MATCH)),
        placed.select(e_id="id", partner="place"),
        left.select(e_id="id", partner=ibis.literal("missing_at_partner")),
    )


def _payments(sifted: sift.Sifted, ends: ir.Table) -> ir.Table:
    clean, odd = sifted.clean, sifted.core
    clean = clean.filter((clean.family == "payment") & ~clean.carried)
    odd = odd.filter((odd.family == "payment") & odd.counted & ~odd.carried)
    odd = odd.inner_join(ends, odd.id == ends.e_id)
    return ibis.union(
        clean.select(
            "party", "our_reference", partner_reference="core_partner_reference", agency="core_agency", state="state",
            money="money", day="day", receipt_due="receipt_due", partner=ibis.literal(MATCH), number=whole(0),
        ),
        odd.select(
            "party", "our_reference", "partner_reference", "agency", "state", "money", "day", "receipt_due", "partner",
            number="id",
        ),
    )  # fmt: skip


def _placed(met: Found, odd: ir.Table, side: str) -> ir.Table:
    named = met.placed.filter(met.placed.side == side).select(x_id="id", place="place", rule="rule")
    return odd.inner_join(named, odd.id == named.x_id)


def _members(met: Found, sifted: sift.Sifted) -> ir.Table:
    """Return the rows that end together with others, with `bundle` and `of_core`."""
    members = []
    for side, odd in zip(SIDES, (sifted.core, sifted.partner), strict=True):
        named = met.parts.filter(met.parts.side == side).select("bundle", "rule", x_id="id")
        rows = odd.inner_join(named, odd.id == named.x_id)
        members.append(rows.mutate(of_core=ibis.literal(side == "core")))
    return ibis.union(*(rows.drop("x_id") for rows in members))


def _bundles(met: Found, members: ir.Table) -> ir.Table:
    """Return the rows that end together, one for each bundle, in FORM."""
    rules = met.parts.group_by(r_bundle="bundle").aggregate(rule=met.parts.rule.max())
    sums = bundled(members)
    sums = sums.inner_join(rules, sums.bundle == rules.r_bundle)
    nets = met.nets.select(
        "place", n_bundle="bundle", n_core="core_vnd", n_partner="partner_vnd", n_difference="difference_vnd"
    )
    sums = sums.left_join(nets, sums.bundle == nets.n_bundle)
    leg = sums.rule.cases(*LEG_OF_RULE.items(), else_=LEG)
    return sums.mutate(
        leg=leg,
        place=sums.place.fill_null(MATCH),
        core_vnd=ibis.coalesce(sums.n_core, sums.core_money_vnd),
        partner_vnd=ibis.coalesce(sums.n_partner, sums.partner_money_vnd),
        difference_vnd=ibis.coalesce(sums.n_difference, sums.core_money_vnd - sums.partner_money_vnd),
    ).select(*FORM)


def _known(near: ir.Table, judged: ir.Table, members: ir.Table, left: ir.Table) -> ir.Table:
    """Return which of the left lines' references name what is paired: a line of one is a second one.

    Ours in normal form; the partner's as it is, where it is that of one pair only.
    """
    told = _references(near, judged, members)
    asked = left.filter(left.our_reference != "").select(a_form=form(left.our_reference)).distinct()
    ours = told.filter((told.of == "our_reference") & (told.reference != ""))
    ours = ours.select("party", form=form(ours.reference), of="of")
    ours = ours.semi_join(asked, ours.form == asked.a_form).distinct()
    asked = left.filter(left.partner_reference != "").select(a_form="partner_reference").distinct()
    theirs = told.filter(told.of == "partner_reference")
    theirs = theirs.semi_join(asked, theirs.reference == asked.a_form)
    named = theirs.group_by("party", "of", form="reference").aggregate(times=theirs.count())
    named = named.filter(named.times == 1)
    return ibis.union(ours, named.select("party", "form", "of"))


def _references(near: ir.Table, judged: ir.Table, members: ir.Table) -> ir.Table:
    """Return party, reference and `of` (whose) of all payments that are paired; the partner's once for each pair."""
    clean = near.filter(near.family == "payment")
    clean_again = clean.filter(clean.core_partner_reference != clean.partner_partner_reference)
    pairs = judged.filter((judged.c_family == "payment") & (judged.place != NO_MONEY))
    of_parts = members.family == "payment"
    of_parts &= members.rule.endswith("/split") | members.rule.endswith("/joined")
    parts = members.filter(of_parts)
    ours, theirs = ibis.literal("our_reference"), ibis.literal("partner_reference")
    again = pairs.filter(pairs.c_partner_reference != pairs.p_partner_reference)
    of_bundle = parts.select("party", "bundle", reference="partner_reference").distinct()
    return ibis.union(
        clean.select("party", reference="our_reference", of=ours),
        pairs.select(party="c_party", reference="c_our_reference", of=ours),
        pairs.select(party="c_party", reference="p_our_reference", of=ours),
        parts.select("party", reference="our_reference", of=ours),
        clean.select("party", reference="partner_partner_reference", of=theirs),
        clean_again.select("party", reference="core_partner_reference", of=theirs),
        pairs.select(party="c_party", reference="p_partner_reference", of=theirs),
        again.select(party="c_party", reference="c_partner_reference", of=theirs),
        of_bundle.select("party", "reference", of=theirs),
    )


def _left_over(left: ir.Table, side: str, known: ir.Table) -> ir.Table:
    """Give each row that no pass has placed its class."""
    payment, settlement = ibis.literal("missing_at_partner"), "missing_at_partner"
    if side == "partner":
        left = _named_twice(left, known)
        payment = left.twice.ifelse(TWICE["partner"], "missing_in_core")
        settlement = "missing_in_core"
    place = ibis.cases(
        (~left.counted, NO_MONEY),
        (left.family == "payment", payment),
        (left.family == "return", "refund_unmatched"),
        (left.family == "fee", "fee_differs"),
        else_=settlement,
    )
    return left.mutate(place=place, rule=ibis.literal("none"))


def _named_twice(left: ir.Table, known: ir.Table) -> ir.Table:
    ours = known.filter(known.of == "our_reference").select(o_party="party", o_form="form")
    theirs = known.filter(known.of == "partner_reference").select(t_party="party", t_form="form")
    left = left.mutate(form=form(left.our_reference))
    left = left.left_join(ours, [left.form == ours.o_form, left.party == ours.o_party])
    left = left.left_join(theirs, [left.partner_reference == theirs.t_form, left.party == theirs.t_party])
    return left.mutate(twice=left.o_form.notnull() | left.t_form.notnull())
