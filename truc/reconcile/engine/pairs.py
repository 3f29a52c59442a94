"""Two lists that are no money: which rows of either meet, and what became of each, as SQL of one engine.

What stands once on both sides meets in one join. What stands more often goes another way, where rows are ranked and
compared one by one; both ways judge a pair by the same rules. Rows of the input are handed in under the names of
`COLUMNS` (truc.reconcile.pairs.inputs).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Literal

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.places import either, total, whole
from truc.reconcile.engine.plan import Dialect, Plan
from truc.reconcile.engine.steps import Steps, to_sql
from truc.reconcile.pairs.spec import InOrder, PairSpec, SameVnd

LEG = "pairs"
MATCH, NOT_ASKED = "match", "not_asked"
TWICE = {"core": "duplicate_in_core", "partner": "duplicate_at_partner"}
NEVER = -(2**62)  # no instant: older than any
BETWEEN = "\x1f"
PairList = Literal["matches", "breaks"]
# What a place says of the two rows, after its key and what coverage is told by.
SAID = (
    "core_state",
    "partner_state",
    "core_at_s",
    "partner_at_s",
    "core_number",
    "partner_number",
    "core_rows",
    "partner_rows",
    "core_vnd",
    "partner_vnd",
    "difference_vnd",
    "differs",
    "core_text",
    "partner_text",
)
COUNTS = ("core_rows", "partner_rows", "core_vnd", "partner_vnd", "difference_vnd")


@dataclass(frozen=True, slots=True)
class Rules:
    """A spec as the rules need it: `compares_fee` is False where a list does not tell it, `as_of_s` when both were
    written, in seconds since 1970 (None: nothing is too young to be late).
    """

    spec: PairSpec
    compares_fee: bool
    as_of_s: int | None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of the key."""
        return tuple(f"k{place}" for place in range(len(self.spec.key)))

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of the texts that are compared."""
        return tuple(f"t{place}" for place in range(len(self.spec.texts)))

    @property
    def covered_by(self) -> tuple[str, ...]:
        """The columns of texts that coverage is told by."""
        return tuple(f"g{place}" for place in range(len(self.spec.covered_by)))

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns that coverage is told by; a month is 202603, 0 for none."""
        return (*self.covered_by, "month")

    @property
    def written(self) -> tuple[str, ...]:
        """The columns of texts: the rows' own words."""
        return (*self.keys, "state", *self.texts, *self.covered_by)

    @property
    def content(self) -> tuple[str, ...]:
        """What a row is made of, in the order in which rows stand."""
        return (*self.keys, "state", "number", "at_s", "vnd", *self.texts, *self.groups)


def columns(rules: Rules) -> dict[str, str]:
    """Return the columns a side is handed in with: name and type. What a list does not tell is null."""
    return dict.fromkeys(rules.written, "string") | dict.fromkeys(("month", "number", "at_s", "vnd"), "int64")


@lru_cache(maxsize=16)
def tell(rules: Rules, dialect: Dialect, lists: tuple[PairList, ...]) -> Plan:
    """Return the plan. `told` has ends, given, coverage, and each of `lists`: first the columns that order its rows."""
    steps = Steps(dialect, LEG)
    ours, theirs = (_canonical(rules, _handed_in(rules, side)) for side in TWICE)
    twice = steps.keep("twice", ibis.union(_twice(rules, ours), _twice(rules, theirs), distinct=True))
    single = _form(rules, _judged(rules, _met(rules, _single(rules, ours, twice), _single(rules, theirs, twice))))
    single = _kept(rules, steps, single if "matches" in lists else _thin(single))
    aside = [
        steps.keep(f"aside_{side}", _aside(rules, rows, twice))
        for side, rows in zip(TWICE, (ours, theirs), strict=True)
    ]
    places = ibis.union(single, steps.keep("several", _several(rules, steps, *aside)), _unreadable(rules, *aside))
    told = {
        "given": ibis.union(*(_given(side, rows) for side, rows in (("core", ours), ("partner", theirs)))),
        "ends": _ends(places),
        "coverage": _coverage(rules, places),
    }
    if "matches" in lists:
        told["matches"] = _with_month(places.filter(places.place == MATCH)).relocate(*rules.keys)
    if "breaks" in lists:
        gaps = places.filter(~places.place.isin([MATCH, NOT_ASKED]))
        told["breaks"] = _with_month(_named(rules, gaps)).relocate("place", *rules.keys, "number")
    return Plan(tuple(steps.written), {name: to_sql(table, dialect) for name, table in told.items()})


def _handed_in(rules: Rules, side: str) -> ir.Table:
    return ibis.table(columns(rules), name=f"{side}_in")


def _canonical(rules: Rules, table: ir.Table) -> ir.Table:
    """Return the rows without nulls, and with the columns that cannot be read as `unread`, "" for none."""
    spec, state = rules.spec, rules.spec.state
    table = table.mutate(
        **{name: table[name].fill_null("") for name in rules.written},
        month=table.month.fill_null(0),
        number=ibis.greatest(table.number.fill_null(0), 0).cast("int64"),
        at_s=table.at_s.fill_null(NEVER),
        vnd=table.vnd.fill_null(0),
    )
    wrong = [(name, table[column] == "") for name, column in zip(spec.key, rules.keys, strict=True)]
    wrong += [] if state is None else [(state.column, ~table.state.isin(state.states))]
    wrong += [] if spec.fee is None else [(spec.fee.column, table.vnd < 0)]
    owed = (table.vnd > 0) & ~_unasked(rules, table.state)
    return table.mutate(unread=_listed(wrong), vnd=ibis.ifelse(owed, table.vnd, 0).cast("int64"))


def _unasked(rules: Rules, state: ir.StringValue) -> ir.BooleanValue:
    """Tell whether the partner need not know a row that stands there."""
    if rules.spec.state is None or not rules.spec.state.unasked:
        return ibis.literal(value=False)
    return state.isin(rules.spec.state.unasked)


def _listed(named: list[tuple[str, ir.BooleanValue]]) -> ir.StringValue:
    """Return the names of what holds, comma between."""
    told = reduce(lambda told, one: told + ibis.ifelse(one[1], f",{one[0]}", ""), named, ibis.literal(""))
    # Nearly no row has any: texts are put together only where there is something to tell.
    return ibis.ifelse(reduce(or_, (wrong for _, wrong in named)), told.substr(1), "")


def _hash(rules: Rules, table: ir.Table) -> ir.IntegerValue:
    """Tell keys apart; a collision only sends rows the longer way."""
    key = table[rules.keys[0]]
    for name in rules.keys[1:]:
        key = key + BETWEEN + table[name]
    return key.hash()


def _twice(rules: Rules, table: ir.Table) -> ir.Table:
    """Return the hashes of keys that stand more than once."""
    hashed = table.filter(table.unread == "").select(twice=_hash(rules, table))
    counted = hashed.group_by("twice").aggregate(times=hashed.count())
    return counted.filter(counted.times > 1).select("twice")


def _single(rules: Rules, table: ir.Table, twice: ir.Table) -> ir.Table:
    table = table.filter(table.unread == "").mutate(hash=_hash(rules, table))
    return table.anti_join(twice, table.hash == twice.twice).drop("hash", "unread")


def _aside(rules: Rules, table: ir.Table, twice: ir.Table) -> ir.Table:
    """Return the rows that cannot be read or whose key stands more than once, with `id`: their order by content."""
    table = table.mutate(hash=_hash(rules, table))
    table = table.filter((table.unread != "") | table.hash.isin(twice.twice)).drop("hash")
    order = [table[name] for name in (*rules.content, "unread")]
    return table.mutate(id=ibis.row_number().over(ibis.window(order_by=order)).cast("int64"))


def _met(rules: Rules, core: ir.Table, partner: ir.Table) -> ir.Table:
    """Return the rows of both sides beside each other by their key, c_* and p_*; null where a side has none."""
    mine = core.rename({f"c_{name}": name for name in core.columns})
    yours = partner.rename({f"p_{name}": name for name in partner.columns})
    return mine.outer_join(yours, [mine[f"c_{key}"] == yours[f"p_{key}"] for key in rules.keys])


def _judged(rules: Rules, met: ir.Table) -> ir.Table:
    """Return what met with `place`, `differs`, `difference_vnd`, and the first texts that differ."""
    ours, theirs = met.c_k0.notnull(), met.p_k0.notnull()
    found = list(_differences(rules, met))
    both = ours & theirs
    apart = [(name, both & wrong) for name, wrong, _ in found]
    met = met.mutate(
        place=ibis.cases(
            (~theirs & _unasked(rules, met.c_state), NOT_ASKED),
            (~theirs & _recent(rules, met.c_at_s), "timing"),
            (~theirs, "missing_at_partner"),
            (~ours & _recent(rules, met.p_at_s), "timing"),
            (~ours, "missing_in_core"),
            *((wrong, place) for _, wrong, place in found),
            else_=MATCH,
        ),
        differs=_listed(apart),
        apart=sum((ibis.ifelse(wrong, 1, 0) for _, wrong in apart), start=whole(0)),
    )
    return met.mutate(**_told_apart(rules, met, both))


def _differences(rules: Rules, met: ir.Table) -> Iterator[tuple[str, ir.BooleanValue, ir.StringValue]]:
    """Yield for each compared column its name, whether it differs, and what a pair is then."""
    texts = dict(zip(rules.spec.texts, rules.texts, strict=True))
    for one in rules.spec.compared:
        if isinstance(one, InOrder):
            yield one.column, *_out_of_order(rules, one, met)
        elif isinstance(one, SameVnd):
            if rules.compares_fee:
                yield one.column, met.c_vnd != met.p_vnd, ibis.literal("fee_differs")
        else:
            text = texts[one.column]
            yield one.column, met[f"c_{text}"] != met[f"p_{text}"], ibis.literal("text_differs")


def _out_of_order(rules: Rules, one: InOrder, met: ir.Table) -> tuple[ir.BooleanValue, ir.StringValue]:
    numbered = (met.c_number > 0) & (met.p_number > 0)
    dated = (met.c_at_s > NEVER) & (met.p_at_s > NEVER)
    behind = ibis.ifelse(numbered, met.p_number < met.c_number, dated & (met.p_at_s < met.c_at_s))
    ahead = ibis.ifelse(numbered, met.p_number > met.c_number, dated & (met.p_at_s > met.c_at_s))
    alike = [(met.c_state == ours) & (met.p_state == theirs) for ours, theirs in one.alike]
    same = reduce(or_, alike, met.c_state == met.p_state)
    again = (met.c_state == met.p_state) & met.c_state.isin(one.again) & behind
    place = ibis.cases(
        (behind & _recent(rules, met.c_at_s), "timing"),
        (behind, "stale"),
        (ahead & _recent(rules, met.p_at_s), "timing"),
        else_="state_differs",
    )
    return ~same | again, place


def _recent(rules: Rules, at_s: ir.IntegerValue) -> ir.BooleanValue:
    """Tell whether what happened then is not late yet."""
    if rules.as_of_s is None or not rules.spec.window_s:
        return ibis.literal(value=False)
    return at_s.fill_null(NEVER) > rules.as_of_s - rules.spec.window_s


def _told_apart(rules: Rules, met: ir.Table, both: ir.BooleanValue) -> dict[str, ir.Value]:
    """Return the difference in đồng, and the first of the texts that differ on either side."""
    difference = met.c_vnd.fill_null(0) - met.p_vnd.fill_null(0)
    told: dict[str, ir.Value] = {
        "difference_vnd": difference if rules.compares_fee else ibis.ifelse(both, 0, difference).cast("int64")
    }
    for side, name in (("c", "core_text"), ("p", "partner_text")):
        first = [(met[f"c_{text}"] != met[f"p_{text}"], met[f"{side}_{text}"]) for text in rules.texts]
        told[name] = ibis.cases(*first, else_="") if first else ibis.literal("")
    return told


def _form(rules: Rules, judged: ir.Table, number: ir.IntegerValue | None = None) -> ir.Table:
    """Return judged rows as places: `number` among places of one class and key, from 1."""
    ours, theirs = judged.c_k0.notnull(), judged.p_k0.notnull()
    return judged.select(
        place=judged.place,
        **{key: ibis.coalesce(judged[f"c_{key}"], judged[f"p_{key}"]) for key in rules.keys},
        **{name: either(judged[f"c_{name}"], judged[f"p_{name}"]) for name in rules.covered_by},
        month=ibis.coalesce(judged.c_month.nullif(0), judged.p_month, 0),
        number=whole(1) if number is None else number,
        core_state=judged.c_state.fill_null(""),
        partner_state=judged.p_state.fill_null(""),
        core_at_s=judged.c_at_s.nullif(NEVER),
        partner_at_s=judged.p_at_s.nullif(NEVER),
        core_number=judged.c_number.fill_null(0),
        partner_number=judged.p_number.fill_null(0),
        core_rows=ibis.ifelse(ours, 1, 0).cast("int64"),
        partner_rows=ibis.ifelse(theirs, 1, 0).cast("int64"),
        core_vnd=judged.c_vnd.fill_null(0),
        partner_vnd=judged.p_vnd.fill_null(0),
        difference_vnd=judged.difference_vnd,
        differs=judged.differs,
        core_text=judged.core_text,
        partner_text=judged.partner_text,
    )


def _thin(places: ir.Table) -> ir.Table:
    """Leave of what is no gap only what coverage is told by: nearly all rows are such."""
    gap = ~places.place.isin([MATCH, NOT_ASKED])
    told = [name for name in places.columns if name.startswith("k") or (name in SAID and name not in COUNTS)]
    return places.mutate(**{name: ibis.ifelse(gap, places[name], ibis.null(places[name].type())) for name in told})


def _kept(rules: Rules, steps: Steps, places: ir.Table) -> ir.Table:
    """Keep places without the columns that say the same of all of them: nearly every row is here."""
    same: dict[str, ir.Value] = {"number": whole(1)}
    same |= {} if rules.spec.fee else dict.fromkeys(("core_vnd", "partner_vnd", "difference_vnd"), whole(0))
    same |= {} if rules.texts else dict.fromkeys(("core_text", "partner_text"), ibis.literal(""))
    kept = steps.keep("single", places.drop(*same), "large")
    return kept.mutate(**same).select(*places.columns)


def _several(rules: Rules, steps: Steps, core: ir.Table, partner: ir.Table) -> ir.Table:
    """Return the places of keys that stand more than once.

    Of each side its latest rows speak; of several equally late the pair that agrees best. The others stand twice.
    """
    core, partner = (rows.filter(rows.unread == "").drop("unread") for rows in (core, partner))
    met = _judged(rules, _met(rules, _latest(rules, core), _latest(rules, partner)))
    key = [ibis.coalesce(met[f"c_{name}"], met[f"p_{name}"]) for name in rules.keys]
    order = [met.apart, met.difference_vnd.abs(), met.c_id.fill_null(-1), met.p_id.fill_null(-1)]
    met = met.mutate(rank=ibis.row_number().over(ibis.window(group_by=key, order_by=order)))
    best = steps.keep("best", met.filter(met.rank == 0).drop("rank"))
    others = [_others(rules, side, rows, best) for side, rows in (("core", core), ("partner", partner))]
    return ibis.union(_form(rules, best), *others)


def _latest(rules: Rules, rows: ir.Table) -> ir.Table:
    """Return of each key the rows with the latest word, and only so many."""
    key = [rows[name] for name in rules.keys]
    latest = [ibis.desc(rows.number), ibis.desc(rows.at_s)]
    rows = rows.mutate(
        rank=ibis.dense_rank().over(ibis.window(group_by=key, order_by=latest)),
        place=ibis.row_number().over(ibis.window(group_by=key, order_by=[*latest, rows.id])),
    )
    return rows.filter((rows.rank == 0) & (rows.place < rules.spec.compared_max)).drop("rank", "place")


def _others(rules: Rules, side: str, rows: ir.Table, best: ir.Table) -> ir.Table:
    """Return the rows that speak for no key."""
    letter = side[0]
    spoken = best.select(spoken=best[f"{letter}_id"]).filter(ibis._.spoken.notnull())
    rows = rows.anti_join(spoken, rows.id == spoken.spoken)
    order = ibis.window(group_by=[rows[name] for name in rules.keys], order_by=rows.id)
    number = (ibis.row_number().over(order) + 1).cast("int64")
    return _alone(rules, side, rows.mutate(place=ibis.literal(TWICE[side]), unread=ibis.literal(""), number_=number))


def _unreadable(rules: Rules, core: ir.Table, partner: ir.Table) -> ir.Table:
    """Return the rows that cannot be read, each on its own; `differs` says what cannot."""
    told = [
        _alone(rules, side, rows.filter(rows.unread != "").mutate(place=ibis.literal("unreadable"), number_=whole(0)))
        for side, rows in (("core", core), ("partner", partner))
    ]
    places = ibis.union(*told)
    said = [name for name in places.columns if name not in ("place", "number", *rules.keys)]
    order = [places[name].fill_null(NEVER) if name.endswith("at_s") else places[name] for name in said]
    of_key = ibis.window(group_by=[places[name] for name in rules.keys], order_by=order)
    return places.mutate(number=(ibis.row_number().over(of_key) + 1).cast("int64"))


def _alone(rules: Rules, side: str, rows: ir.Table) -> ir.Table:
    """Return rows of one side, each in a place of its own (`place`, `number_`, and `unread` as what differs)."""
    ours, none, one = side == "core", whole(0), whole(1)
    at_s, unknown = rows.at_s.nullif(NEVER), ibis.null("int64")
    return rows.select(
        place=rows.place,
        **{name: rows[name] for name in (*rules.keys, *rules.groups)},
        number=rows.number_,
        core_state=rows.state if ours else ibis.literal(""),
        partner_state=ibis.literal("") if ours else rows.state,
        core_at_s=at_s if ours else unknown,
        partner_at_s=unknown if ours else at_s,
        core_number=rows.number if ours else none,
        partner_number=none if ours else rows.number,
        core_rows=one if ours else none,
        partner_rows=none if ours else one,
        core_vnd=rows.vnd if ours else none,
        partner_vnd=none if ours else rows.vnd,
        difference_vnd=rows.vnd if ours else -rows.vnd,
        differs=rows.unread,
        core_text=ibis.literal(""),
        partner_text=ibis.literal(""),
    )


def _given(side: str, rows: ir.Table) -> ir.Table:
    """Return how many rows a side had, with what fees: read anew from the input."""
    return rows.aggregate(rows=rows.count(), vnd=total(rows.vnd)).select(
        leg=ibis.literal(LEG), side=ibis.literal(side), party=ibis.literal(""), rows="rows", vnd="vnd"
    )


def _ends(places: ir.Table) -> ir.Table:
    """Return for each place how many rows of either side ended there, with what fees."""
    ended = places.group_by("place").aggregate(
        places=places.count(),
        core_rows=total(places.core_rows),
        partner_rows=total(places.partner_rows),
        core_money_vnd=total(places.core_vnd),
        partner_money_vnd=total(places.partner_vnd),
        difference_vnd=total(places.difference_vnd),
    )
    return ended.mutate(leg=ibis.literal(LEG), party=ibis.literal(""))


def _coverage(rules: Rules, places: ir.Table) -> ir.Table:
    """Return for each group, month and place the rows of either side, and how many stand on both."""
    both = (places.core_rows > 0) & (places.partner_rows > 0)
    return places.group_by(*rules.groups, "place").aggregate(
        core_rows=total(places.core_rows),
        partner_rows=total(places.partner_rows),
        on_both=places.count(where=both),
    )


def _with_month(places: ir.Table) -> ir.Table:
    """Write the month as it is read: 2026-03."""
    told = places.month.cast("string")
    return places.mutate(month=ibis.ifelse(places.month == 0, "", told.substr(0, 4) + "-" + told.substr(4, 2)))


def _named(rules: Rules, gaps: ir.Table) -> ir.Table:
    """Return the gaps with their id: from what a gap is about, so that the same gap has it in every run."""
    about = reduce(
        lambda told, name: told + BETWEEN + gaps[name], rules.keys, ibis.literal(rules.spec.name + BETWEEN) + gaps.place
    )
    about = about + BETWEEN + gaps.number.cast("string")
    return gaps.mutate(break_id=about.hexdigest("sha256").substr(0, 16))
