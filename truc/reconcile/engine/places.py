"""Where rows end: one form for matches and breaks, of pairs, of single rows, and of several rows together."""

import ibis
import ibis.expr.types as ir

MATCH, NO_MONEY = "match", "no_money"
# `place` is MATCH, NO_MONEY or a break's class. `core_money_vnd` and `partner_money_vnd` are the plain sums of the rows
# that end here, which conservation sums; `core_vnd` and `partner_vnd` what was compared.
FORM = (
    "leg",
    "place",
    "rule",
    "party",
    "kind",
    "our_reference",
    "partner_reference",
    "agency",
    "core_rows",
    "partner_rows",
    "core_vnd",
    "partner_vnd",
    "difference_vnd",
    "day",
    "core_money_vnd",
    "partner_money_vnd",
)


def placed_pairs(pairs: ir.Table, *, leg: str) -> ir.Table:
    """Return pairs (columns c_* and p_*, place, rule, difference_vnd) in FORM."""
    one = whole(1)
    return pairs.select(
        leg=ibis.literal(leg),
        place=pairs.place,
        rule=pairs.rule,
        party=pairs.c_party,
        kind=pairs.c_kind,
        our_reference=either(pairs.c_our_reference, pairs.p_our_reference),
        partner_reference=either(pairs.p_partner_reference, pairs.c_partner_reference),
        agency=either(pairs.c_agency, pairs.p_agency),
        core_rows=one,
        partner_rows=one,
        core_vnd=pairs.c_money,
        partner_vnd=pairs.p_money,
        difference_vnd=pairs.difference_vnd,
        day=ibis.coalesce(pairs.c_day, pairs.p_day),
        core_money_vnd=pairs.c_money,
        partner_money_vnd=pairs.p_money,
    )


def placed_alone(rows: ir.Table, side: str, *, leg: str) -> ir.Table:
    """Return rows of one side (with place and rule), each on its own, in FORM."""
    ours, none, one = side == "core", whole(0), whole(1)
    core_vnd, partner_vnd = (rows.money, none) if ours else (none, rows.money)
    return rows.select(
        leg=ibis.literal(leg),
        place=rows.place,
        rule=rows.rule,
        party=rows.party,
        kind=rows.kind,
        our_reference=rows.our_reference,
        partner_reference=rows.partner_reference,
        agency=rows.agency,
        core_rows=one if ours else none,
        partner_rows=none if ours else one,
        core_vnd=core_vnd,
        partner_vnd=partner_vnd,
        difference_vnd=core_vnd - partner_vnd,
        day=rows.day,
        core_money_vnd=core_vnd,
        partner_money_vnd=partner_vnd,
    )


def bundled(members: ir.Table) -> ir.Table:
    """Return one row for each `bundle` of rows that end together.

    `members` has bundle, of_core, id, party, kind, our_reference, partner_reference, agency, day, money. The references
    are those of each side's smallest row, ours and the partner's each from where they are known; the day is the
    earliest of our side, else of theirs.
    """
    order = [
        members.our_reference,
        members.partner_reference,
        members.id,
    ]
    number = ibis.row_number().over(ibis.window(group_by=[members.bundle, members.of_core], order_by=order))
    members = members.mutate(number=number)
    first_ours, first_theirs = members.of_core & (members.number == 0), ~members.of_core & (members.number == 0)
    sums = members.group_by("bundle").aggregate(
        party=members.party.max(),
        c_our_reference=_of(first_ours, members.our_reference),
        p_our_reference=_of(first_theirs, members.our_reference),
        c_partner_reference=_of(first_ours, members.partner_reference),
        p_partner_reference=_of(first_theirs, members.partner_reference),
        c_agency=_of(first_ours, members.agency),
        p_agency=_of(first_theirs, members.agency),
        c_kind=_of(first_ours, members.kind),
        p_kind=_of(first_theirs, members.kind),
        c_day=members.day.min(where=members.of_core),
        p_day=members.day.min(where=~members.of_core),
        core_rows=members.count(where=members.of_core),
        partner_rows=members.count(where=~members.of_core),
        core_money_vnd=total(members.money, where=members.of_core),
        partner_money_vnd=total(members.money, where=~members.of_core),
    )
    return sums.select(
        "bundle",
        "party",
        kind=either(sums.c_kind, sums.p_kind),
        our_reference=either(sums.c_our_reference, sums.p_our_reference),
        partner_reference=either(sums.p_partner_reference, sums.c_partner_reference),
        agency=either(sums.c_agency, sums.p_agency),
        core_rows="core_rows",
        partner_rows="partner_rows",
        day=ibis.coalesce(sums.c_day, sums.p_day),
        core_money_vnd="core_money_vnd",
        partner_money_vnd="partner_money_vnd",
    )


def total(amounts: ir.IntegerValue, *, where: ir.BooleanValue | None = None) -> ir.IntegerValue:
    """Return an exact sum: widened before it is summed, and refused by the engine where it is no int64 any more."""
    wide = amounts.cast("decimal(38,0)")
    return wide.sum(where=where).fill_null(0).cast("int64")


def either(one: ir.StringValue, other: ir.StringValue) -> ir.StringValue:
    """Return the first of two texts that is not empty."""
    return ibis.ifelse(one.fill_null("") == "", other.fill_null(""), one)


def whole(number: int) -> ir.IntegerScalar:
    """Return a number as the int64 that all amounts and counts are."""
    return ibis.literal(number, type="int64")


def _of(first: ir.BooleanValue, value: ir.StringValue) -> ir.StringValue:
    return value.max(where=first)
