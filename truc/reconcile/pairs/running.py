"""One reconciliation of two lists from files to written results; the same on either engine, to the byte."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from truc.reconcile.engine import conservation
from truc.reconcile.engine.pairs import MATCH, SAID, PairList, Rules, tell
from truc.reconcile.engine.plan import Dialect, Plan
from truc.reconcile.pairs.inputs import PairGiven, hand_in
from truc.reconcile.pairs.spec import PairClass, PairSide, PairSpec
from truc.reconcile.results import SUMMARY, whole_or_none, write_rows
from truc.reconcile.running import Engine

TEXT, NUMBER, INSTANT = pa.string(), pa.int64(), pa.timestamp("us", "UTC")
PERCENT = pa.decimal128(5, 2)
CLASSES: tuple[PairClass, ...] = get_args(PairClass)
# What coverage counts of each group: rows of either side, and of both; what the partner should have; places.
SIDED = ("core_rows", "partner_rows", "on_both")
COUNTED = (*SIDED, "owed", "agreed", "not_asked")
ENDS = ("place", "places", "core_rows", "partner_rows", "core_money_vnd", "partner_money_vnd", "difference_vnd")
IN_NO_MATCH = ("differs", "core_text", "partner_text")


Group = tuple[str, ...]
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class PairResult:
    """What was written: where, how many rows of ours the partner should have (`owed`), and has as we do (`agreed`)."""

    folder: Path
    owed: int
    agreed: int
    ends: tuple[Mapping[str, Any], ...]
    plan: Plan


def reconcile_pairs(
    engine: Engine,
    dialect: Dialect,
    spec: PairSpec,
    sides: Mapping[PairSide, PairGiven],
    out: Path,
    *,
    lists: Sequence[PairList],
    as_of: datetime | None = None,
) -> PairResult:
    """Run, and write coverage.parquet, summary.json, and of matches.parquet and breaks.parquet what `lists` names.

    `as_of` is when the lists were written; where it is not told, the latest change among ours.
    Raise AssertionError where the run does not conserve; nothing is written then.
    """
    rules = _rules(spec, sides, None)
    for side, one in sides.items():
        hand_in(engine, dialect, side, one, rules)
    rules = _rules(spec, sides, _written_at(engine) if as_of is None else int(as_of.timestamp()))
    plan = tell(rules, dialect, tuple(lists))
    engine.run(plan)
    given, ends = _all(engine, plan.told["given"]), _all(engine, plan.told["ends"])
    conservation.check(given, ends)
    groups = _coverage(_all(engine, plan.told["coverage"]), rules)
    whole = _together(groups)
    with whole_or_none(out) as parts:
        for name in lists:
            told = (_as_written(batch, spec, name) for batch in engine.rows(plan.told[name]))
            write_rows(parts / f"{name}.parquet", _schema(spec, name), [told])
        pq.write_table(_coverage_table(groups, spec), parts / "coverage.parquet", compression="zstd")
        (parts / SUMMARY).write_text(_summary(spec, rules, sides, (given, ends), whole), encoding="utf-8")
    return PairResult(out, whole["owed"], whole["agreed"], tuple(ends), plan)


def _rules(spec: PairSpec, sides: Mapping[PairSide, PairGiven], as_of_s: int | None) -> Rules:
    """Compare what both lists tell; a fee that only one tells is shown, and compared with nothing."""
    told = set.intersection(*(set(one.columns) for one in sides.values()))
    fee = "" if spec.fee is None else spec.fee.column
    return Rules(spec.narrowed(told | {fee}), compares_fee=fee in told, as_of_s=as_of_s)


def _written_at(engine: Engine) -> int | None:
    (row,) = _all(engine, "SELECT CAST(max(at_s) AS BIGINT) AS at_s FROM core_in")
    return None if row["at_s"] is None else int(row["at_s"])


def _all(engine: Engine, sql: str) -> list[dict[str, Any]]:
    return [row for batch in engine.rows(sql) for row in batch.to_pylist()]


def _schema(spec: PairSpec, name: PairList) -> pa.Schema:
    """Return the columns of a list; the key and what coverage is told by have the names the spec gives them."""
    types = dict.fromkeys(SAID, NUMBER) | dict.fromkeys(("core_at_s", "partner_at_s"), INSTANT)
    types |= dict.fromkeys(("core_state", "partner_state", *IN_NO_MATCH), TEXT)
    said = [(_told_as(column), types[column]) for column in SAID if name == "breaks" or column not in IN_NO_MATCH]
    ours = [(column, TEXT) for column in (*spec.key, *spec.covered_by, *_month(spec))]
    return pa.schema([*([("break_id", TEXT), ("break_class", TEXT)] if name == "breaks" else []), *ours, *said])


def _told_as(column: str) -> str:
    return column.replace("_at_s", "_changed_at")


def _month(spec: PairSpec) -> tuple[str, ...]:
    return ("month",) if spec.month_of else ()


def _as_written(batch: pa.RecordBatch, spec: PairSpec, name: PairList) -> pa.Table:
    """Give the columns the names and types of the file."""
    named = {f"k{place}": column for place, column in enumerate(spec.key)}
    named |= {f"g{place}": column for place, column in enumerate(spec.covered_by)}
    named |= {"place": "break_class"}
    table = pa.table(batch)
    table = table.rename_columns([_told_as(named.get(column, column)) for column in table.column_names])
    for side in ("core", "partner"):
        place = table.column_names.index(f"{side}_changed_at")
        instants = table.column(place).cast(pa.timestamp("s", "UTC")).cast(INSTANT)
        table = table.set_column(place, table.field(place).with_type(INSTANT), instants)
    return table.select(_schema(spec, name).names)


def _coverage(rows: Iterable[Mapping[str, Any]], rules: Rules) -> dict[Group, Counts]:
    """Return for each group (values of covered_by, month) its counts, in the order of the groups."""
    found: dict[Group, Counts] = defaultdict(lambda: dict.fromkeys((*COUNTED, *CLASSES), 0))
    for row in rows:
        counts = found[(*(row[name] for name in rules.covered_by), _month_text(row["month"]))]
        for name in SIDED:
            counts[name] += row[name]
        place = {MATCH: "agreed"}.get(row["place"], row["place"])
        counts[place] += row["core_rows"] + row["partner_rows"] - row["on_both"]
    for counts in found.values():
        counts["owed"] = counts["core_rows"] - counts["not_asked"]
    return dict(sorted(found.items()))


def _month_text(month: int) -> str:
    return f"{month // 100}-{month % 100:02}" if month else ""


def _coverage_table(groups: Mapping[Group, Counts], spec: PairSpec) -> pa.Table:
    names = (*spec.covered_by, "month")
    told: dict[str, list[Any]] = {name: [group[place] for group in groups] for place, name in enumerate(names)}
    if not spec.month_of:
        del told["month"]
    columns = {name: pa.array(values, TEXT) for name, values in told.items()}
    for name in (*COUNTED, *CLASSES):
        columns[name] = pa.array([counts[name] for counts in groups.values()], NUMBER)
    for name, of in (("on_both_percent", "on_both"), ("agreed_percent", "agreed")):
        columns[name] = pa.array([percent(counts[of], counts["owed"]) for counts in groups.values()], PERCENT)
    return pa.table(columns)


def percent(part: int, of: int) -> Decimal | None:
    """Return hundredths of a per cent, rounded down: what is not whole never reads 100.00. None of nothing."""
    return None if of == 0 else Decimal(part * 10_000 // of).scaleb(-2)


def _together(groups: Mapping[Group, Counts]) -> Counts:
    return {name: sum(counts[name] for counts in groups.values()) for name in (*COUNTED, *CLASSES)}


def _summary(
    spec: PairSpec,
    rules: Rules,
    sides: Mapping[PairSide, PairGiven],
    accounts: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    whole: Counts,
) -> str:
    """Return summary.json; `accounts`: what was given, and where it ended."""
    seen, (given, ends) = rules.spec, accounts
    columns = (*seen.required, *seen.texts, *([spec.fee.column] if spec.fee and rules.compares_fee else []))
    percents = {f"{name}_percent": _said(percent(whole[name], whole["owed"])) for name in ("on_both", "agreed")}
    told = {
        "spec": {"name": spec.name, "version": spec.version, "digest": spec.digest},
        "inputs": {side: one.digest for side, one in sides.items()},
        "compared": list(dict.fromkeys(columns)),
        "as_of": None if rules.as_of_s is None else datetime.fromtimestamp(rules.as_of_s, UTC).isoformat(),
        "given": [{name: one[name] for name in ("side", "rows", "vnd")} for one in sorted(given, key=_side)],
        "ends": sorted(({name: one[name] for name in ENDS} for one in ends), key=lambda one: str(one["place"])),
        "coverage": whole | percents,
        "conserves": True,  # nothing is written of a run that does not
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _side(one: Mapping[str, Any]) -> str:
    return str(one["side"])


def _said(share: Decimal | None) -> str | None:
    return None if share is None else str(share)
