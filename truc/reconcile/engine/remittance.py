"""The third leg: our payments against what was remitted to the State Treasury, by reference or by agency and day."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.groups import TWICE
from truc.reconcile.engine.inputs import DAY_S, VIETNAM_S, WORKING_DAYS, canonical, given
from truc.reconcile.engine.places import FORM, MATCH, NO_MONEY, either, placed_alone, total, whole
from truc.reconcile.engine.statement import Ledger
from truc.reconcile.engine.steps import Steps
from truc.reconcile.row import EXACT
from truc.reconcile.spec import Spec

LEG = "remittance"
AGENCY, LATER = "agency_day", "agency_day/later"
SUM = ("party", "our_reference", "day", "agency")


@dataclass(frozen=True, slots=True)
class Remittance:
    """Where the rows of the leg end, in FORM.

    `asked`: party and money of every payment and return that is held against it. `named`: the parties whose rows name
    references; `references`: the place of each that was remitted (party, our_reference, place); `days`: that of each
    agency's day (party, day, agency, place).
    """

    places: ir.Table
    asked: ir.Table
    named: ir.Table
    references: ir.Table
    days: ir.Table


def reconcile(steps: Steps, spec: Spec, ledger: Ledger) -> Remittance:
    """Write down the steps of the leg."""
    every = steps.keep("given", canonical(given("remittance"), spec.cut_offs), "view")
    rows = every.filter(every.readable & every.counted)
    remitted = steps.keep("rows", _remitted(rows))
    asked = ledger.payments.filter(ledger.payments.partner != TWICE["core"])
    payments = steps.keep("asked", asked, "view")
    by_reference = steps.keep("parties", remitted.filter(remitted.our_reference != "").select("party").distinct())
    named = payments.semi_join(by_reference, "party"), remitted.semi_join(by_reference, "party")
    others = payments.anti_join(by_reference, "party"), remitted.anti_join(by_reference, "party")
    returns = ledger.returns.anti_join(by_reference, "party")
    ones, days = _by_reference(steps, spec, *named), _by_day(steps, spec, *others, returns)
    unreadable = every.filter(~every.readable).mutate(place=ibis.literal("unreadable"), rule=ibis.literal("none"))
    silent = every.filter(every.readable & ~every.counted)
    silent = silent.mutate(place=ibis.literal(NO_MONEY), rule=ibis.literal("none"))
    alone = [placed_alone(left, "partner", leg=LEG).select(*FORM) for left in (unreadable, silent)]
    return Remittance(
        places=steps.keep("places", ibis.union(_in_form(ones), _in_form(days), *alone)),
        asked=ibis.union(payments.select("party", "money"), returns.select("party", "money")),
        named=by_reference,
        references=ones.filter((ones.core_rows > 0) & (ones.partner_rows > 0)).select(
            "party", "our_reference", "place"
        ),
        days=days.select("party", "day", "agency", "place"),
    )


def _remitted(rows: ir.Table) -> ir.Table:
    """Return the rows with the day on which they were remitted: of their instant, and never before their own."""
    at_day = ((rows.at_s + VIETNAM_S) // DAY_S).cast("int64")
    return rows.select(
        "party", "our_reference", "partner_reference", "agency", "kind", "money", "day",
        remitted_day=ibis.greatest(rows.day, at_day),
    )  # fmt: skip


def _by_reference(steps: Steps, spec: Spec, payments: ir.Table, remitted: ir.Table) -> ir.Table:
    """Hold each payment's reference against the sum remitted under it."""
    named = payments.filter(payments.our_reference != "")
    ours = named.group_by(c_party="party", c_reference="our_reference").aggregate(
        core_rows=named.count(),
        core_vnd=total(named.money),
        c_day=named.day.min(),
        c_theirs=named.partner_reference.min(),
        c_agency=named.agency.min(),
    )
    ours = steps.keep("owed", ours)
    of_ours = ours.select(k_party="c_party", k_reference="c_reference")
    known = remitted.semi_join(
        of_ours, [remitted.party == of_ours.k_party, remitted.our_reference == of_ours.k_reference]
    )
    theirs = known.group_by(p_party="party", p_reference="our_reference").aggregate(
        partner_rows=known.count(),
        partner_vnd=total(known.money),
        p_theirs=known.partner_reference.min(),
        p_agency=known.agency.min(),
        last_day=known.remitted_day.max(),
    )
    theirs = steps.keep("paid_over", theirs)
    met = ours.inner_join(theirs, [ours.c_party == theirs.p_party, ours.c_reference == theirs.p_reference])
    met = _worked(_worked(met, "c_day", "c_worked"), "last_day", "last_worked")
    late = (met.last_worked - met.c_worked) > spec.remit_days
    place = ibis.cases(
        (met.core_vnd > met.partner_vnd, "remittance_short"),
        (met.core_vnd < met.partner_vnd, "remittance_over"),
        (late, "remittance_late"),
        else_=MATCH,
    )
    paid = steps.keep(
        "by_reference",
        met.select(
            place=place,
            rule=ibis.literal(EXACT),
            party="c_party",
            kind=ibis.literal("payment"),
            our_reference="c_reference",
            partner_reference=either(met.p_theirs, met.c_theirs),
            agency=either(met.c_agency, met.p_agency),
            core_rows="core_rows",
            partner_rows="partner_rows",
            core_vnd="core_vnd",
            partner_vnd="partner_vnd",
            day="c_day",
            core_money_vnd="core_vnd",
        ),
        "large",
    )
    strange = remitted.anti_join(
        of_ours, [remitted.party == of_ours.k_party, remitted.our_reference == of_ours.k_reference]
    )
    unpaid = payments.anti_join(
        theirs, [payments.party == theirs.p_party, payments.our_reference == theirs.p_reference]
    )
    return ibis.union(paid, _never_named(unpaid), _of_nothing(strange))


def _never_named(rows: ir.Table) -> ir.Table:
    """Return payments that no remittance names, each on its own."""
    none = whole(0)
    return rows.select(
        place=ibis.ifelse(rows.state == "paid", "remittance_short", NO_MONEY),
        rule=ibis.literal("none"),
        party="party",
        kind=ibis.literal("payment"),
        our_reference="our_reference",
        partner_reference="partner_reference",
        agency="agency",
        core_rows=whole(1),
        partner_rows=none,
        core_vnd="money",
        partner_vnd=none,
        day="day",
        core_money_vnd="money",
    )


def _of_nothing(rows: ir.Table) -> ir.Table:
    """Return remitted rows that name no payment of ours, each on its own."""
    none = whole(0)
    return rows.select(
        place=ibis.literal("remittance_over"),
        rule=ibis.literal("none"),
        party="party",
        kind="kind",
        our_reference="our_reference",
        partner_reference="partner_reference",
        agency="agency",
        core_rows=none,
        partner_rows=whole(1),
        core_vnd=none,
        partner_vnd="money",
        day="day",
        core_money_vnd=none,
    )


def _by_day(steps: Steps, spec: Spec, payments: ir.Table, remitted: ir.Table, returns: ir.Table) -> ir.Table:
    """Hold what an agency's day comes to against what was remitted for it."""
    # Where none of a party's rows of ours names an agency, its remittances' agencies are passed over.
    known = ibis.union(payments.select("party", "agency"), returns.select("party", "agency"))
    naming = steps.keep("agencies", known.filter(known.agency != "").select(a_party="party").distinct())
    ours = ibis.union(
        payments.select("party", "agency", "day", "money", sign=whole(1)),
        returns.select("party", "agency", "day", "money", sign=whole(-1)),
    )
    ours = ours.group_by(c_party="party", c_day="day", c_agency="agency").aggregate(
        core_rows=ours.count(), core_vnd=total(ours.money * ours.sign), core_money_vnd=total(ours.money)
    )
    remitted = remitted.left_join(naming, remitted.party == naming.a_party)
    agency = ibis.ifelse(remitted.a_party.isnull(), "", remitted.agency)
    theirs = remitted.group_by(p_party="party", p_day="day", p_agency=agency).aggregate(
        partner_rows=remitted.count(),
        partner_vnd=total(remitted.money),
        p_kind=remitted.kind.min(),
        p_theirs=remitted.partner_reference.min(),
        last_day=remitted.remitted_day.max(),
    )
    ours, theirs = steps.keep("owed_by_day", ours), steps.keep("paid_over_by_day", theirs)
    same_day = ours.join(
        theirs, [ours.c_party == theirs.p_party, ours.c_agency == theirs.p_agency, ours.c_day == theirs.p_day]
    )
    same_day = steps.keep("same_day", same_day.mutate(rule=ibis.literal(AGENCY)))
    later = steps.keep("later_day", _later(_not_in(ours, same_day, "c"), _not_in(theirs, same_day, "p")))
    met = ibis.union(same_day, later.select(*same_day.columns))
    unpaid, unowed = _not_in(ours, met, "c"), _not_in(theirs, met, "p")
    return steps.keep("by_day", ibis.union(_held(spec, met), _unpaid(unpaid), _unowed(unowed)))


def _not_in(sums: ir.Table, met: ir.Table, side: str) -> ir.Table:
    names = [f"{side}_{name}" for name in ("party", "day", "agency")]
    gone = met.select(**{f"x_{name}": name for name in names})
    return sums.anti_join(gone, [sums[name] == gone[f"x_{name}"] for name in names])


def _later(ours: ir.Table, theirs: ir.Table) -> ir.Table:
    """Pair an agency's unpaid day with a later day's remittance of the same sum, where either is the other's only."""
    met = ours.join(
        theirs,
        [
            ours.c_party == theirs.p_party,
            ours.c_agency == theirs.p_agency,
            ours.core_vnd == theirs.partner_vnd,
            ours.c_day < theirs.p_day,
        ],
    )
    beside_ours = met.count().over(group_by=[met.c_party, met.c_agency, met.c_day])
    beside_theirs = met.count().over(group_by=[met.p_party, met.p_agency, met.p_day])
    met = met.mutate(beside_ours=beside_ours, beside_theirs=beside_theirs)
    return met.filter((met.beside_ours == 1) & (met.beside_theirs == 1)).mutate(rule=ibis.literal(LATER))


def _held(spec: Spec, met: ir.Table) -> ir.Table:
    met = _worked(_worked(met, "c_day", "c_worked"), "last_day", "last_worked")
    late = (met.last_worked - met.c_worked) > spec.remit_days
    place = ibis.cases(
        (met.core_vnd > met.partner_vnd, "remittance_short"),
        (met.core_vnd < met.partner_vnd, "remittance_over"),
        (late, "remittance_late"),
        else_=MATCH,
    )
    met = met.mutate(kind=ibis.literal("payment"))
    return _sums(met, place, party="c_party", kind="kind", theirs="p_theirs", agency="c_agency", day="c_day")


def _unpaid(ours: ir.Table) -> ir.Table:
    none, nothing = whole(0), ibis.literal("")
    ours = ours.mutate(
        partner_rows=none, partner_vnd=none, rule=ibis.literal(AGENCY), kind=ibis.literal("payment"), theirs=nothing
    )
    place = ibis.cases((ours.core_vnd > 0, "remittance_short"), (ours.core_vnd < 0, "remittance_over"), else_=MATCH)
    return _sums(ours, place, party="c_party", kind="kind", theirs="theirs", agency="c_agency", day="c_day")


def _unowed(theirs: ir.Table) -> ir.Table:
    none = whole(0)
    theirs = theirs.mutate(core_rows=none, core_vnd=none, core_money_vnd=none, rule=ibis.literal(AGENCY))
    place = ibis.ifelse(theirs.partner_vnd > 0, "remittance_over", MATCH)
    return _sums(theirs, place, party="p_party", kind="p_kind", theirs="p_theirs", agency="p_agency", day="p_day")


def _sums(met: ir.Table, place: ir.Value, *, party: str, kind: str, theirs: str, agency: str, day: str) -> ir.Table:
    return met.select(
        place=place,
        rule="rule",
        party=party,
        kind=kind,
        our_reference=ibis.literal(""),
        partner_reference=theirs,
        agency=agency,
        core_rows=met.core_rows.cast("int64"),
        partner_rows=met.partner_rows.cast("int64"),
        core_vnd="core_vnd",
        partner_vnd="partner_vnd",
        day=day,
        core_money_vnd="core_money_vnd",
    )


def _worked(rows: ir.Table, day: str, name: str) -> ir.Table:
    """Return the rows with how many working days there were up to a day of theirs."""
    days = WORKING_DAYS.select(**{f"{name}_day": "day", name: "worked"})
    return rows.left_join(days, rows[day] == days[f"{name}_day"]).drop(f"{name}_day")


def _in_form(sums: ir.Table) -> ir.Table:
    return sums.mutate(
        leg=ibis.literal(LEG),
        difference_vnd=sums.core_vnd - sums.partner_vnd,
        partner_money_vnd=sums.partner_vnd,
    ).select(*FORM)
