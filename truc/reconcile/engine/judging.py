"""What a pair is: state, amount, fee and day compared in that order, and what is tolerated held to its cap."""

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.inputs import CONTENT, of_side
from truc.reconcile.engine.places import MATCH, NO_MONEY
from truc.reconcile.row import FAMILIES
from truc.reconcile.spec import Spec


def paired(pairs: ir.Table, core: ir.Table, partner: ir.Table) -> ir.Table:
    """Return the pairs (c_id, p_id, rule) with the columns of both rows, c_* and p_*."""
    named = pairs.select(x_core="c_id", x_partner="p_id", rule="rule")
    mine, yours = of_side(core, "c"), of_side(partner, "p")
    found = named.inner_join(mine, named.x_core == mine.c_id)
    return found.inner_join(yours, found.x_partner == yours.p_id)


def judged(spec: Spec, pair: ir.Table, returns: ir.Table) -> ir.Table:
    """Return the pairs with `place` and `difference_vnd`; `returns` is as `of_returns` tells."""
    pair = _with_return(pair, returns)
    apart = (pair.c_amount_vnd - pair.p_amount_vnd).abs()
    gone_back = (pair.c_state != pair.p_state) & (pair.c_family == "payment") & ~pair.returned
    place = ibis.cases(
        (pair.c_group != pair.p_group, "state_differs"),
        (~pair.c_counted, NO_MONEY),
        (gone_back, "state_differs"),
        (apart > spec.tolerance_vnd, "amount_differs"),
        ((pair.c_fee_vnd != pair.p_fee_vnd) & pair.c_family.isin(["payment", "return"]), "fee_differs"),
        (pair.c_day != pair.p_day, "timing"),
        else_=MATCH,
    )
    money, fees = pair.c_money - pair.p_money, pair.c_fee_vnd - pair.p_fee_vnd
    pair = pair.mutate(place=place)
    pair = pair.mutate(difference_vnd=ibis.ifelse(pair.place == "fee_differs", fees, money))
    return _capped(spec, pair) if spec.tolerance_vnd else pair


def gone_back(core: ir.Table, partner: ir.Table) -> ir.Table:
    """Return what speaks of money that went back: counted returns of either side, our refunded payments; with of_core.

    One look at each side, for every rule that asks.
    """
    ours = _returned(core) | ((core.family == "payment") & (core.state == "refunded"))
    return ibis.union(
        core.filter(ours).select(*CONTENT, of_core=ibis.literal(value=True)),
        partner.filter(_returned(partner)).select(*CONTENT, of_core=ibis.literal(value=False)),
    )


def of_returns(back: ir.Table) -> ir.Table:
    """Return party and reference of every counted return, ours and the partner's references told apart."""
    back = back.filter(back.family == "return")
    told = []
    for column in ("our_reference", "partner_reference"):
        named = back.filter(back[column] != "")
        told.append(named.select(r_party="party", r_of=ibis.literal(column), r_reference=column))
    return ibis.union(*told).distinct()


def _returned(rows: ir.Table) -> ir.BooleanValue:
    """Asked of the kind as it is given: an engine passes over what of a file has none such."""
    return rows.kind.isin([kind for kind, family in FAMILIES.items() if family == "return"]) & rows.counted


def _with_return(pair: ir.Table, returns: ir.Table) -> ir.Table:
    """Tell of each pair whether money that went back is spoken of anywhere, as `returned`."""
    named = {
        "our_reference": (pair.c_our_reference,),
        "partner_reference": (pair.c_partner_reference, pair.p_partner_reference),
    }
    asked = ibis.union(
        *(
            pair.select(a_id="c_id", a_party="c_party", a_of=ibis.literal(of), a_reference=reference)
            for of, references in named.items()
            for reference in references
        )
    )
    spoken = asked.semi_join(
        returns,
        [asked.a_party == returns.r_party, asked.a_of == returns.r_of, asked.a_reference == returns.r_reference],
    )
    spoken = spoken.select(s_id="a_id").distinct()
    found = pair.left_join(spoken, pair.c_id == spoken.s_id)
    return found.mutate(returned=found.s_id.notnull()).drop("s_id")


def _capped(spec: Spec, pair: ir.Table) -> ir.Table:
    """Turn the tolerated pairs of a party's day into amount_differs where together they are over the cap."""
    tolerated = pair.place.isin([MATCH, "timing"]) & (pair.difference_vnd != 0)
    day = ibis.window(group_by=[pair.c_party, pair.c_day])
    whole = ibis.ifelse(tolerated, pair.difference_vnd.abs(), 0).cast("decimal(38,0)").sum().over(day)
    over = tolerated & (whole > spec.tolerated_vnd_max)
    return pair.mutate(place=ibis.ifelse(over, "amount_differs", pair.place))
