"""The clean pairs that a row left over may name: one look at all of them, for every rule that asks later."""

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.text import normal

END = 12  # characters
COLUMNS = ("party", "family", "our_reference", "core_partner_reference", "partner_partner_reference")


def near(clean: ir.Table, core: ir.Table, partner: ir.Table) -> ir.Table:
    """Return the clean pairs of which a row left on either side has a reference; with others, which name none.

    The normal form of a reference costs much more than a look at its end, and is left to who asks for it.
    """
    theirs = ibis.union(core.select("partner_reference"), partner.select("partner_reference"))
    theirs = theirs.filter(theirs.partner_reference != "").distinct()
    ours = partner.filter(partner.our_reference != "")
    ends = ours.select(end=form(ours.our_reference).right(END)).distinct()
    end = clean.our_reference.right(END)
    named = (
        clean.core_partner_reference.isin(theirs.partner_reference)
        | clean.partner_partner_reference.isin(theirs.partner_reference)
        | end.upper().isin(ends.end)
        | end.re_search("[^A-Za-z0-9]")
    )
    return clean.filter(named).select(*COLUMNS)


def form(reference: ir.StringValue) -> ir.StringValue:
    """Return a reference in normal form; as it is where nothing of it would remain."""
    plain = normal(reference)
    return ibis.ifelse(plain == "", reference, plain)
