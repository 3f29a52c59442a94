"""The report of what `truc reconcile files` wrote into a folder: matches, breaks, and the summary of the run."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from truc.domain.calendar import BUSINESS_ZONE
from truc.errors import MalformedError, SetupError
from truc.reconcile.engine.conservation import LEG_OF_ENDS
from truc.reconcile.report.contents import BREAKS, SIDES, STANDING, AccountLine, DayReport, Side, called_of, carried_of
from truc.reconcile.schemas import BREAK_SCHEMA, MATCH_SCHEMA
from truc.reconcile.words import Lang

SUMMARY, MATCHES_FILE, BREAKS_FILE = "summary.json", "matches.parquet", "breaks.parquet"
_LEGS = ("statement", "receipts", "remittance")  # each with an account of its own
_LINES = {"match": "matched", "no_money": "no_money"}  # where a row ends, else in a break: line of the account
_NO_DAY = date(1980, 1, 1)  # of a run without any dated row; no clock is asked


def from_folder(folder: Path, lang: Lang = "vi", *, organisation: str = "") -> DayReport:
    """Return the report of a folder. Every break there is open, and carried forward from the newest day the rows name.

    Raises SetupError where a file is missing, MalformedError where one is not what a run writes.
    """
    summary = _summary(folder)
    matches = _read(folder, MATCHES_FILE, MATCH_SCHEMA)
    given = _read(folder, BREAKS_FILE, BREAK_SCHEMA)
    days = [one for table in (matches, given) for one in pc.unique(table["business_on"]).to_pylist() if one]
    last_on = max(days, default=None)
    breaks = _standing(given, last_on)
    parties = {str(one["party"]) for one in summary["given"] if one["party"]}
    return DayReport(
        lang=lang,
        parties=tuple(sorted(parties)),
        first_on=min(days, default=None),
        last_on=last_on,
        version=1,
        spec=f"{summary['spec']['name']} {summary['spec']['version']}",
        made_at=datetime.combine(last_on or _NO_DAY, time(0), BUSINESS_ZONE),
        spec_digest=str(summary["spec"]["digest"]),
        input_digest=_digest_of(summary["inputs"]),
        result_digest=_result_digest(folder),
        account=tuple(_account(summary["given"], summary["ends"])),
        matches=matches,
        breaks=breaks,
        carried=carried_of(breaks),
        organisation=organisation,
        called=called_of(tuple(parties)),
    )


def _summary(folder: Path) -> dict[str, Any]:
    try:
        summary = json.loads((folder / SUMMARY).read_bytes())
    except FileNotFoundError as error:
        raise SetupError(f"{folder}: has no {SUMMARY}; run `truc reconcile files` first", reason="no_result") from error
    except ValueError as error:
        raise MalformedError(f"{SUMMARY}: is no JSON", reason="bad_result") from error
    missing = {"spec", "inputs", "given", "ends"} - set(summary)
    if missing:
        raise MalformedError(f"{SUMMARY}: lacks {', '.join(sorted(missing))}", reason="bad_result")
    return dict(summary)


def _read(folder: Path, name: str, schema: pa.Schema) -> pa.Table:
    try:
        return pq.ParquetFile(folder / name).read(schema.names).select(schema.names).cast(schema)
    except FileNotFoundError as error:
        raise SetupError(f"{folder}: has no {name}; run `truc reconcile files` first", reason="no_result") from error
    except (pa.ArrowInvalid, KeyError) as error:
        raise MalformedError(f"{name}: its columns are not those of a run: {error}", reason="bad_result") from error


def _standing(given: pa.Table, last_on: date | None) -> pa.Table:
    """Return the breaks with where each stands: open, with nobody, as old as its day."""
    nothing = pa.repeat("", given.num_rows)
    known = {
        "at_risk_vnd": _at_risk(given),
        "state": pa.repeat("open", given.num_rows),
        "opened_on": given["business_on"],
        "age_days": _ages(given["business_on"], last_on or _NO_DAY),
    }
    columns = {name: given[name] for name in given.column_names}
    return pa.table(columns | {name: known.get(name, nothing) for name in STANDING.names}, schema=BREAKS)


def _ages(days: pa.ChunkedArray, last_on: date) -> pa.ChunkedArray:
    """Return the days from each day to the last; of a break without a day, none."""
    numbers = days.cast(pa.int32()).cast(pa.int64())
    return pc.fill_null(pc.subtract((last_on - date(1970, 1, 1)).days, numbers), 0)


def _at_risk(given: pa.Table) -> pa.Array:
    """Return what does not agree, or, where both sides say the same amount, that amount."""
    differs = pc.abs(given["difference_vnd"])
    amount = pc.max_element_wise(given["core_vnd"], given["partner_vnd"])
    return pc.if_else(pc.equal(differs, 0), amount, differs)


def _account(given: Iterable[Mapping[str, Any]], ends: Iterable[Mapping[str, Any]]) -> list[AccountLine]:
    """Return the account of all parties together: what was given is new, and every break is carried out."""
    rows, vnd = Counter[tuple[str, Side, str]](), Counter[tuple[str, Side, str]]()
    for one in given:
        key = (one["leg"], one["side"], "new")
        rows[key] += one["rows"]
        vnd[key] += one["vnd"]
    for one in ends:
        leg, what = LEG_OF_ENDS.get(one["leg"], one["leg"]), _LINES.get(one["place"], "carried_out")
        for side in SIDES:
            rows[leg, side, what] += one[f"{side}_rows"]
            vnd[leg, side, what] += one[f"{side}_money_vnd"]
    return [
        AccountLine(leg=leg, side=side, what=what, rows=rows[leg, side, what], vnd=vnd[leg, side, what])
        for leg, side, what in sorted(rows, key=lambda key: (_LEGS.index(key[0]), key[1:]))
    ]


def _digest_of(inputs: Any) -> str:
    return sha256(json.dumps(inputs, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _result_digest(folder: Path) -> str:
    """Return the digest of the result as running.Result has it: over the digests of both files."""
    whole = sha256()
    for name in (MATCHES_FILE, BREAKS_FILE):
        with (folder / name).open("rb") as file:
            whole.update(file_digest(file, "sha256").digest())
    return whole.hexdigest()
