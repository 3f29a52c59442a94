"""The passes in their order, each on what the earlier ones left: by reference, by amount, in batches."""

from collections.abc import Callable
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.amounts import by_amount
from truc.reconcile.engine.batches import by_batch, by_original, by_settlement
from truc.reconcile.engine.groups import SIDES, TWICE, Met, meet
from truc.reconcile.engine.near import near
from truc.reconcile.engine.places import whole
from truc.reconcile.engine.sift import Sifted
from truc.reconcile.engine.steps import Steps
from truc.reconcile.engine.text import normal, unlettered
from truc.reconcile.row import EXACT
from truc.reconcile.spec import Pass, Spec

PARTNERS, NORMAL = "partner_reference", "normalised_reference"


@dataclass(frozen=True, slots=True)
class Left:
    """What no pass has placed yet."""

    core: ir.Table
    partner: ir.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What all passes together said: the tables of truc.reconcile.engine.groups.Met, each with its rows, if none."""

    pairs: ir.Table
    parts: ir.Table
    placed: ir.Table
    nets: ir.Table


@dataclass(slots=True)
class Passes:
    """The passes so far: what each said of which rows, and what is left for the next."""

    steps: Steps
    spec: Spec
    sifted: Sifted
    back: ir.Table  # what speaks of money that went back
    lines: ir.Table  # every readable row of the partner's
    left: Left
    near: ir.Table  # the clean pairs that a row left by the first pass may name
    found: list[Met] = field(default_factory=list)

    def take(self, met: Met) -> None:
        """Note what a pass found, and take its rows from what is left."""
        self.found.append(met)
        # Of all that was found, not of what the last pass left: one look at each, however many passes there are.
        odd = zip(SIDES, (self.sifted.core, self.sifted.partner), strict=True)
        left = {side: _without(rows, self.found, side) for side, rows in odd}
        number = len(self.found)
        self.left = Left(**{side: self.steps.keep(f"left_{number}_{side}", left[side], "view") for side in SIDES})

    def all_found(self) -> Found:
        """Return what all passes together said."""
        no_nets = _no_nets(self.sifted.core)
        return Found(
            pairs=self._together("pairs"),
            parts=self._together("parts"),
            placed=self._together("placed"),
            nets=self._together("nets", no_nets),
        )

    def _together(self, name: str, *others: ir.Table) -> ir.Table:
        told = [table for one in self.found if (table := getattr(one, name)) is not None]
        return self.steps.keep(name, ibis.union(*told, *others))


def run(steps: Steps, spec: Spec, sifted: Sifted, back: ir.Table, lines: ir.Table) -> Passes:
    """Return the passes of the spec, run on the odd rows; `back` and `lines` are told at Passes."""
    passes = Passes(steps, spec, sifted, back, lines, Left(sifted.core, sifted.partner), sifted.clean)
    for name in spec.passes:
        _STEPS[name](passes)
    return passes


def _by_reference(passes: Passes) -> None:
    _meet(passes, EXACT, "exact", lambda rows: rows.our_reference)
    passes.near = passes.steps.keep("near", near(passes.sifted.clean, passes.left.core, passes.left.partner))


def _by_partners(passes: Passes) -> None:
    passes.take(_said_again(passes))
    _meet(passes, PARTNERS, "partners", lambda rows: rows.partner_reference)


def _by_normal(passes: Passes) -> None:
    passes.take(_unclear(passes))
    _meet(passes, NORMAL, "normal", lambda rows: normal(rows.our_reference))
    core, partner = (_unlettered(rows, passes.spec) for rows in (passes.left.core, passes.left.partner))
    core, partner = (_of_one_reference(rows) for rows in (core, partner))
    passes.take(meet(passes.steps, core, partner, NORMAL, name="unlettered", compared_max=passes.spec.compared_max))


def _by_amount(passes: Passes) -> None:
    passes.take(by_amount(passes.steps, passes.spec, passes.left.core, passes.left.partner))


def _by_batch(passes: Passes) -> None:
    passes.take(by_batch(passes.steps, passes.left.core, passes.left.partner))


def _by_settlement(passes: Passes) -> None:
    passes.take(by_settlement(passes.steps, passes.left.core, passes.left.partner, passes.lines))


def _by_original(passes: Passes) -> None:
    passes.take(by_original(passes.steps, passes.left.partner, passes.back))


def _meet(passes: Passes, rule: str, name: str, key: Callable[[ir.Table], ir.StringValue]) -> None:
    core, partner = (rows.mutate(key=key(rows)) for rows in (passes.left.core, passes.left.partner))
    passes.take(meet(passes.steps, core, partner, rule, name=name, compared_max=passes.spec.compared_max))


def _said_again(passes: Passes) -> Met:
    """Place the counted rows whose partner's reference names one row of their own side, which is paired already."""
    placed = []
    asked = {"core": _of_no_batch(passes.left.core, passes.left.partner), "partner": passes.left.partner}
    for side, every in zip(SIDES, (passes.sifted.core, passes.sifted.partner), strict=True):
        of_clean = passes.near.select("party", "family", reference=passes.near[f"{side}_partner_reference"])
        known = ibis.union(of_clean, _paired(every, passes.found, side))
        rows = asked[side]
        rows = rows.filter(rows.counted & (rows.family != "return") & (rows.partner_reference != ""))
        placed.append(_repeated(rows, known, side))
    return _only_placed(passes, "again", placed)


def _of_no_batch(rows: ir.Table, partner: ir.Table) -> ir.Table:
    """Leave out the rows whose partner's reference a settlement line carries: it is a batch's, and names several."""
    lines = partner.filter((partner.family == "settlement") & partner.counted)
    named = lines.select(b_party="party", b_reference="partner_reference").distinct()
    return rows.anti_join(named, [rows.party == named.b_party, rows.partner_reference == named.b_reference])


def _paired(every: ir.Table, found: list[Met], side: str) -> ir.Table:
    """Return party, family and partner's reference of every counted row of this side in a pair or part of a match."""
    met = [Met(pairs=one.pairs, parts=None if one.nets is not None else one.parts) for one in found]
    ids = ibis.union(*(told.select(held="id") for one in met for told in one.of_side(side)))
    rows = every.filter(every.counted).semi_join(ids, every.id == ids.held)
    return rows.select("party", "family", reference=rows.partner_reference)


def _repeated(again: ir.Table, known: ir.Table, side: str) -> ir.Table:
    asked = again.select(a_party=again.party, a_family=again.family, a_reference=again.partner_reference).distinct()
    known = known.semi_join(
        asked,
        [known.reference == asked.a_reference, known.party == asked.a_party, known.family == asked.a_family],
    )
    named = known.group_by(k_party=known.party, k_family=known.family, k_reference=known.reference).aggregate(
        times=known.count()
    )
    named = named.filter(named.times == 1)  # what names several rows names none
    again = again.semi_join(
        named,
        [again.partner_reference == named.k_reference, again.party == named.k_party, again.family == named.k_family],
    )
    return _placed(again, side, ibis.literal(TWICE[side]), PARTNERS)


def _unclear(passes: Passes) -> Met:
    """Place as ambiguous what several references of one side have in normal form, where the other side has it too."""
    core, partner = (rows.mutate(key=normal(rows.our_reference)) for rows in (passes.left.core, passes.left.partner))
    core, partner = passes.steps.keep("normal_left_core", core), passes.steps.keep("normal_left_partner", partner)
    unclear = ibis.union(_several(core), _several(partner)).distinct()
    unclear = unclear.semi_join(core, _same_key(core, unclear)).semi_join(partner, _same_key(partner, unclear))
    unclear = passes.steps.keep("unclear_keys", unclear)
    placed = []
    for side, rows in zip(SIDES, (core, partner), strict=True):
        held = rows.semi_join(unclear, _same_key(rows, unclear))
        placed.append(_placed(held, side, held.counted.ifelse("ambiguous", "no_money"), NORMAL))
    return _only_placed(passes, "unclear", placed)


def _unlettered(rows: ir.Table, spec: Spec) -> ir.Table:
    bare = unlettered(normal(rows.our_reference))
    return rows.mutate(key=ibis.ifelse(bare.length() >= spec.unlettered_from, bare, ""))


def _several(rows: ir.Table) -> ir.Table:
    """Return the keys that hold more than one reference."""
    rows = rows.filter(rows.key != "")
    held = rows.group_by(u_key=rows.key, u_party=rows.party, u_family=rows.family).aggregate(
        references=rows.our_reference.nunique()
    )
    return held.filter(held.references > 1).drop("references")


def _of_one_reference(rows: ir.Table) -> ir.Table:
    """Leave out the rows whose key several references of their side have: it names none of them."""
    several = _several(rows)
    return rows.anti_join(several, _same_key(rows, several))


def _same_key(rows: ir.Table, keys: ir.Table) -> list[ir.BooleanValue]:
    return [rows.key == keys.u_key, rows.party == keys.u_party, rows.family == keys.u_family]


def _placed(rows: ir.Table, side: str, place: ir.StringValue, rule: str) -> ir.Table:
    return rows.select(side=ibis.literal(side), id=rows.id, place=place, rule=ibis.literal(rule))


def _only_placed(passes: Passes, name: str, placed: list[ir.Table]) -> Met:
    return Met(placed=passes.steps.keep(name, ibis.union(*placed)))


def _no_nets(rows: ir.Table) -> ir.Table:
    """Return the form of nets without any: there are passes that know none."""
    none, nothing = whole(0), ibis.literal("")
    rows = rows.filter(rows.id < 0)
    return rows.select(bundle=nothing, place=nothing, core_vnd=none, partner_vnd=none, difference_vnd=none)


def _without(rows: ir.Table, found: list[Met], side: str) -> ir.Table:
    gone = ibis.union(*(told.select(gone="id") for met in found for told in met.of_side(side)))
    return rows.anti_join(gone, rows.id == gone.gone)


_STEPS: dict[Pass, Callable[[Passes], None]] = {
    "exact_reference": _by_reference,
    "partner_reference": _by_partners,
    "normalised_reference": _by_normal,
    "amount_day": _by_amount,
    "batch": _by_batch,
    "settlement": _by_settlement,
    "original": _by_original,
}
