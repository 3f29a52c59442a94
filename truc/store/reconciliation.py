"""The store of reconciled days: each run is a version that never changes; its breaks go on living until resolved."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Row, insert, select

from truc.errors import MalformedError
from truc.store import break_lives
from truc.store.opened import Transaction, as_storable
from truc.store.tables.breaks import SIGN_OFFS
from truc.store.tables.reconciliation import (
    RECONCILIATION_BREAKS,
    RECONCILIATION_MATCHES,
    RECONCILIATION_RUNS,
    RECONCILIATION_TOTALS,
)

Side = Literal["core", "partner"]
Name = tuple[str, Side, str]  # leg, side, what
Figures = tuple[int, int]  # rows, đồng
# The columns of matches.parquet and breaks.parquet, in their order.
MATCH_COLUMNS = (
    "leg",
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
    "business_on",
    "core_money_vnd",
    "partner_money_vnd",
)
BREAK_COLUMNS = ("break_id", "break_class", *MATCH_COLUMNS)
# Which legs share their rows, and so their account: what meets the statement is counted once over three legs.
ACCOUNT_OF: Mapping[str, str] = {
    "statement": "statement",
    "settlement": "statement",
    "return": "statement",
    "receipts": "receipts",
    "remittance": "remittance",
}
SIDES: tuple[Side, ...] = ("core", "partner")
STATED = ("carried_in", "new", "no_money")  # what only the engine knows; all else follows from the rows
AT_ONCE = 5_000

Found = Mapping[str, Any]  # a row with MATCH_COLUMNS or BREAK_COLUMNS
RunRow = Row[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run was about and what decided it. `carried_in` names the breaks of earlier days whose rows took part.

    `input_digest` pins every row that went in, `spec_digest` the rules: equal ones are the same run.
    """

    party: str
    business_on: date
    spec: str
    spec_version: int
    spec_digest: str
    engine: str
    input_digest: str
    sql: str
    statement_id: int | None = None
    carried_in: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One line of the day's account. `leg` is statement, receipts or remittance."""

    leg: str
    side: Side
    what: str
    rows: int
    vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """Where the run is kept. `new` is False for one that was kept before; then nothing was changed."""

    run_id: int
    version: int
    new: bool
    opened: int = 0
    reopened: int = 0
    resolved: int = 0


def keep_run(
    transaction: Transaction, run: Run, matches: Sequence[Found], breaks: Sequence[Found], totals: Iterable[Total]
) -> KeptRun:
    """Keep the run as the day's next version, and go on with the lives of its breaks.

    `totals` say carried_in, new and no_money of each leg and side; what else they say must be what the rows say.
    Raise MalformedError `day_signed` for a signed day, AssertionError with the figures where rows or đồng were lost.
    """
    transaction.lock("reconciliation", run.party, str(run.business_on))
    if is_signed(transaction, run.party, run.business_on):
        text = f"business_on: {run.party} {run.business_on} is signed; what is new comes on the next unsigned day"
        raise MalformedError(text, reason="day_signed")
    last = newest_run(transaction, run.party, run.business_on)
    if last is not None and (last.input_digest, last.spec_digest) == (run.input_digest, run.spec_digest):
        return KeptRun(run_id=last.id, version=last.version, new=False)
    account = _account(run, matches, breaks, totals)
    version = 1 if last is None else last.version + 1
    run_id = _insert_run(transaction, run, matches, breaks, version=version, account=account)
    lived = break_lives.go_on(
        transaction,
        break_lives.Stand(
            run_id=run_id,
            party=run.party,
            business_on=run.business_on,
            carried_in=run.carried_in,
            last_run_id=None if last is None else last.id,
        ),
        breaks,
    )
    lines = [*account, *_ends(account, breaks, lived.written_off)]
    if lines:
        transaction.sql.execute(insert(RECONCILIATION_TOTALS), [{"run_id": run_id, **_as_row(line)} for line in lines])
    return KeptRun(
        run_id=run_id,
        version=version,
        new=True,
        opened=lived.opened,
        reopened=lived.reopened,
        resolved=lived.resolved,
    )


def is_signed(transaction: Transaction, party: str, business_on: date) -> bool:
    """Tell whether the day is signed, and so locked."""
    query = select(SIGN_OFFS.c.id).where(
        SIGN_OFFS.c.party == party, SIGN_OFFS.c.business_on == business_on, SIGN_OFFS.c.approved_by.is_not(None)
    )
    return transaction.sql.execute(query.limit(1)).first() is not None


def newest_run(transaction: Transaction, party: str, business_on: date) -> RunRow | None:
    """Return the newest version of the day, or None."""
    query = select(RECONCILIATION_RUNS).where(
        RECONCILIATION_RUNS.c.party == party, RECONCILIATION_RUNS.c.business_on == business_on
    )
    return transaction.sql.execute(query.order_by(RECONCILIATION_RUNS.c.version.desc()).limit(1)).one_or_none()


def carried_into(transaction: Transaction, party: str, business_on: date) -> list[Row[Any]]:
    """Return the breaks whose rows go into a run of this day: those of earlier days that were open the evening before.

    They are not resolved, or a later day has met them since; what people have resolved is carried no more. What an
    earlier version of this very day carried in goes into the next version again, whatever became of it by that version:
    the same rows give the same day. Columns: BREAK_COLUMNS of the last run before this day in which it stood.
    """
    return break_lives.carried_into(transaction, party, business_on)


def result_digest(transaction: Transaction, run_id: int) -> str:
    """Return the digest of a run's rows as they lie in the store now; that of the run is how they were written."""
    totals = transaction.sql.execute(select(RECONCILIATION_TOTALS).where(RECONCILIATION_TOTALS.c.run_id == run_id))
    lines = [Total(leg=one.leg, side=one.side, what=one.what, rows=one.rows, vnd=one.vnd) for one in totals]
    account = [one for one in lines if one.what not in _ENDS]
    return _digest(account, matches_of(transaction, run_id), breaks_of(transaction, run_id))


def matches_of(transaction: Transaction, run_id: int) -> Iterator[dict[str, Any]]:
    """Return the run's matches in their order."""
    columns = [RECONCILIATION_MATCHES.c[name] for name in MATCH_COLUMNS]
    query = select(*columns).where(RECONCILIATION_MATCHES.c.run_id == run_id)
    rows = transaction.sql.execute(query.order_by(RECONCILIATION_MATCHES.c.match_no)).yield_per(AT_ONCE)
    return (dict(row._mapping) for row in rows)


def breaks_of(transaction: Transaction, run_id: int) -> Iterator[dict[str, Any]]:
    """Return the run's breaks by their ids."""
    columns = [RECONCILIATION_BREAKS.c[name] for name in BREAK_COLUMNS]
    query = select(*columns).where(RECONCILIATION_BREAKS.c.run_id == run_id)
    rows = transaction.sql.execute(query.order_by(RECONCILIATION_BREAKS.c.break_id)).yield_per(AT_ONCE)
    return (dict(row._mapping) for row in rows)


_ENDS = ("written_off", "carried_out")


def _account(run: Run, matches: Sequence[Found], breaks: Sequence[Found], totals: Iterable[Total]) -> list[Total]:
    """Return the account of the rows, or raise AssertionError with the figures of what does not agree."""
    said = {(one.leg, one.side, one.what): (one.rows, one.vnd) for one in totals}
    counted = {name: figures for name, figures in said.items() if name[2] in STATED}
    for what, rows in (("matched", matches), ("", breaks)):
        for row in rows:
            for side in SIDES:
                name = (ACCOUNT_OF[row["leg"]], side, what or row["break_class"])
                _add(counted, name, int(row[f"{side}_rows"]), int(row[f"{side}_money_vnd"]))
    day = f"{run.party} {run.business_on}"
    for name, figures in said.items():
        if name[2] not in _ENDS and counted.get(name, (0, 0)) != figures:
            raise AssertionError(
                f"{day} {'/'.join(name)}: said {_told(figures)}, the rows hold {_told(counted.get(name))}"
            )
    for leg, side in sorted({(leg, side) for leg, side, _ in counted}):
        _check_identity(
            day, leg, side, {what: two for (at, by, what), two in counted.items() if (at, by) == (leg, side)}
        )
    return [
        Total(leg=leg, side=side, what=what, rows=rows, vnd=vnd)
        for (leg, side, what), (rows, vnd) in sorted(counted.items())
    ]


def _check_identity(day: str, leg: str, side: str, lines: dict[str, Figures]) -> None:
    """Carried in + new = matched + without money + all breaks, which are written off or carried out."""
    came = _sum(lines.get(what) for what in ("carried_in", "new"))
    went = _sum(figures for what, figures in lines.items() if what not in ("carried_in", "new"))
    if came != went:
        parts = ", ".join(f"{what} {_told(figures)}" for what, figures in sorted(lines.items()))
        raise AssertionError(f"{day} {leg}/{side} does not conserve: {_told(came)} came, {_told(went)} went: {parts}")


def _ends(account: Sequence[Total], breaks: Sequence[Found], written_off: Collection[str]) -> list[Total]:
    """Return what of the breaks is written off, and what goes on to the next day."""
    ends: dict[Name, Figures] = {
        (leg, side, what): (0, 0) for leg, side in {(one.leg, one.side) for one in account} for what in _ENDS
    }
    for row in breaks:
        what = "written_off" if row["break_id"] in written_off else "carried_out"
        for side in SIDES:
            name = (ACCOUNT_OF[row["leg"]], side, what)
            _add(ends, name, int(row[f"{side}_rows"]), int(row[f"{side}_money_vnd"]))
    return [
        Total(leg=leg, side=side, what=what, rows=rows, vnd=vnd)
        for (leg, side, what), (rows, vnd) in sorted(ends.items())
    ]


def _insert_run(
    transaction: Transaction,
    run: Run,
    matches: Sequence[Found],
    breaks: Sequence[Found],
    *,
    version: int,
    account: Sequence[Total],
) -> int:
    matched = [{name: _storable(row[name]) for name in MATCH_COLUMNS} for row in matches]
    broken = [{name: _storable(row[name]) for name in BREAK_COLUMNS} for row in breaks]
    broken.sort(key=lambda row: str(row["break_id"]))
    values = {
        **{name: getattr(run, name) for name in Run.__slots__ if name != "carried_in"},
        "version": version,
        "result_digest": _digest(account, matched, broken),
        **_statement_figures(account),
    }
    created = transaction.sql.execute(insert(RECONCILIATION_RUNS).values(values).returning(RECONCILIATION_RUNS.c.id))
    run_id = int(created.scalar_one())
    numbered = [{"run_id": run_id, "match_no": number, **row} for number, row in enumerate(matched, start=1)]
    for start in range(0, len(numbered), AT_ONCE):
        transaction.sql.execute(insert(RECONCILIATION_MATCHES), numbered[start : start + AT_ONCE])
    for start in range(0, len(broken), AT_ONCE):
        rows = [{"run_id": run_id, **row} for row in broken[start : start + AT_ONCE]]
        transaction.sql.execute(insert(RECONCILIATION_BREAKS), rows)
    return run_id


def _statement_figures(account: Sequence[Total]) -> dict[str, int]:
    """Return what the run's own row says of the legs that meet the statement."""

    def of(side: Side, *whats: str) -> Figures:
        return _sum(
            (one.rows, one.vnd) for one in account if (one.leg, one.side) == ("statement", side) and one.what in whats
        )

    core, partner, matched = (
        of("core", "carried_in", "new"),
        of("partner", "carried_in", "new"),
        of("core", "matched"),
    )
    return {
        "core_count": core[0],
        "core_vnd": core[1],
        "partner_count": partner[0],
        "partner_vnd": partner[1],
        "matched_count": matched[0],
        "matched_vnd": matched[1],
    }


def _digest(account: Iterable[Total], matches: Iterable[Found], breaks: Iterable[Found]) -> str:
    found = hashlib.sha256()
    lines = sorted((one.leg, one.side, one.what, one.rows, one.vnd) for one in account)
    rows: tuple[Iterable[list[object]], ...] = (
        (["total", *line] for line in lines),
        (["match", *(_plain(row[name]) for name in MATCH_COLUMNS)] for row in matches),
        (["break", *(_plain(row[name]) for name in BREAK_COLUMNS)] for row in breaks),
    )
    for part in rows:
        for row in part:
            found.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return found.hexdigest()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _storable(value: object) -> object:
    return as_storable(value) if isinstance(value, str) else value


def _add(into: dict[Name, Figures], name: Name, rows: int, vnd: int) -> None:
    before = into.get(name, (0, 0))
    into[name] = (before[0] + rows, before[1] + vnd)


def _sum(figures: Iterable[Figures | None]) -> Figures:
    given = [one for one in figures if one is not None]
    return sum(rows for rows, _ in given), sum(vnd for _, vnd in given)


def _told(figures: Figures | None) -> str:
    rows, vnd = figures or (0, 0)
    return f"{rows} rows, {vnd} đ"


def _as_row(line: Total) -> dict[str, object]:
    return {"leg": line.leg, "side": line.side, "what": line.what, "rows": line.rows, "vnd": line.vnd}
