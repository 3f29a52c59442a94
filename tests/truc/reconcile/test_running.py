"""What a run writes: the same bytes whatever the batches, ids that stay, totals that add up, digests that tell."""

import hashlib
import json
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from datetime import date
from threading import Event
from typing import Any

import pytest

from tests.truc.reconcile.engine.engine_runs import bytes_of, given_in, read, run, run_on_duckdb
from truc.domain.calendar import WorkingCalendar
from truc.reconcile import running
from truc.reconcile.engine.duck import open_duck
from truc.reconcile.engine.plan import plan
from truc.reconcile.spec import EPOCH
from truc.reconcile.specs.payments import SPEC

WED = date(2026, 3, 4)


def payment(ours, amount=100, **other):
    known = {"party": "momo", "our_reference": ours, "partner_reference": f"T-{ours}", "amount_vnd": amount}
    return {**known, "kind": "payment", "state": "paid", "business_on": WED, **other}


CORE = [payment("R1"), payment("R2", 70), payment("R3", 30, state="failed"), payment("R4", kind="fee")]
STATEMENT = [payment("R1"), payment("R2", 71), payment("R5", 9)]
DAY = {"core": CORE, "statement": STATEMENT, "receipts": [payment("R1")]}


@dataclass
class ByRows:
    """The engine, telling its rows so many at a time."""

    engine: Any
    size: int

    def __getattr__(self, name):
        return getattr(self.engine, name)

    def rows(self, sql):
        for batch in self.engine.rows(sql):
            yield from (batch.slice(at, self.size) for at in range(0, len(batch), self.size))


@pytest.mark.parametrize("size", [1, 2])
def test_batches_of_an_engine_do_not_tell_in_the_files(size, tmp_path):
    (tmp_path / "other").mkdir()
    run_on_duckdb(SPEC, DAY, tmp_path)
    engine = open_duck(tmp_path / "other", memory_mb=500, threads=1)
    run(ByRows(engine, size), "duckdb", SPEC, DAY, tmp_path / "other")
    engine.close()
    assert bytes_of(tmp_path / "other" / "out") == bytes_of(tmp_path / "out")


def test_a_run_of_nothing_writes_empty_files(tmp_path):
    result = run_on_duckdb(SPEC, {"core": [], "statement": [], "receipts": [], "remittance": []}, tmp_path)
    told = read(tmp_path / "out")
    assert (result.matches, result.breaks, told.matches, told.breaks, told.verdicts) == (0, 0, [], [], [])


def test_the_result_is_what_was_written(tmp_path):
    result = run_on_duckdb(SPEC, DAY, tmp_path)
    told, files = read(tmp_path / "out"), bytes_of(tmp_path / "out")
    assert (result.folder, result.matches, result.breaks) == (tmp_path / "out", len(told.matches), len(told.breaks))
    both = b"".join(hashlib.sha256(files[name]).digest() for name in ("matches.parquet", "breaks.parquet"))
    assert result.digest == hashlib.sha256(both).hexdigest()


def test_another_row_is_another_digest_and_leaves_the_ids_of_other_breaks(tmp_path):
    (tmp_path / "more").mkdir()
    first = run_on_duckdb(SPEC, DAY, tmp_path)
    more = run_on_duckdb(SPEC, {**DAY, "core": [*CORE, payment("R9")]}, tmp_path / "more")
    assert first.digest != more.digest
    was, now = read(tmp_path / "out").breaks, read(tmp_path / "more" / "out").breaks
    assert [one for one in now if one["our_reference"] != "R9"] == was
    assert {one["break_class"] for one in now if one["our_reference"] == "R9"} == {
        "missing_at_partner",
        "receipt_missing",
    }


def test_breaks_alike_are_numbered_and_the_id_is_what_the_contract_says(tmp_path):
    run_on_duckdb(SPEC, {"core": [payment("R4", kind="fee")] * 2, "statement": []}, tmp_path)
    names = [f"statement|fee_differs|momo|fee|R4|T-R4|100|0|2026-03-04|{number}" for number in (1, 2)]
    ids = [hashlib.sha256(name.replace("|", "\x1f").encode()).hexdigest()[:16] for name in names]
    assert [one["break_id"] for one in read(tmp_path / "out").breaks] == ids


def test_the_summary_says_what_came_in_and_where_it_is(tmp_path):
    run_on_duckdb(SPEC, DAY, tmp_path)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["spec"] == {"name": "payments", "version": SPEC.version, "digest": SPEC.digest}
    assert summary["inputs"] == dict.fromkeys(DAY, "0" * 64)
    given = {(one["leg"], one["side"], one["party"]): (one["rows"], one["vnd"]) for one in summary["given"]}
    assert given == {
        ("statement", "core", "momo"): (4, 270),
        ("statement", "partner", "momo"): (3, 180),
        ("receipts", "core", "momo"): (2, 170),
        ("receipts", "partner", "momo"): (1, 100),
    }
    ended = {(one["leg"], one["place"]): one for one in summary["ends"]}
    assert [one for one in ended if one[0] == "statement"] == sorted(one for one in ended if one[0] == "statement")
    placed = {
        place: (one["core_rows"], one["partner_rows"], one["core_money_vnd"], one["partner_money_vnd"])
        for (leg, place), one in ended.items()
        if leg == "statement"
    }
    assert placed == {
        "match": (1, 1, 100, 100),
        "amount_differs": (1, 1, 70, 71),
        "fee_differs": (1, 0, 100, 0),
        "missing_in_core": (0, 1, 0, 9),
        "no_money": (1, 0, 0, 0),
    }
    assert len(summary["ends"]) == len(ended), "one line for each leg, place and party"


def test_verdicts_of_an_earlier_run_do_not_stay(tmp_path):
    run_on_duckdb(SPEC, DAY, tmp_path)
    assert (tmp_path / "out" / "verdicts.parquet").exists()
    run_on_duckdb(SPEC, {side: DAY[side] for side in ("core", "statement")}, tmp_path)
    assert not (tmp_path / "out" / "verdicts.parquet").exists()


def test_a_file_is_whole_or_not_there(tmp_path):
    """What stops a write half-way leaves the file of the run before."""
    run_on_duckdb(SPEC, DAY, tmp_path)
    before = bytes_of(tmp_path / "out")
    engine = open_duck(tmp_path, memory_mb=500, threads=1)

    def failing(sql):
        yield from engine.rows(sql)
        if "statement_places" in sql:
            raise OSError("disk full")

    broken = ByRows(engine, 1)
    broken.rows = failing
    with pytest.raises(OSError, match="disk full"):
        run(broken, "duckdb", SPEC, {**DAY, "core": CORE[1:]}, tmp_path)
    engine.close()
    assert bytes_of(tmp_path / "out") == before


def test_what_cannot_be_told_by_its_digest_is_not_handed_out(tmp_path, monkeypatch):
    def failing(*paths):
        raise OSError("disk failed")

    monkeypatch.setattr(running, "_digest", failing)
    with pytest.raises(OSError, match="disk failed"):
        run_on_duckdb(SPEC, DAY, tmp_path)
    assert not list((tmp_path / "out").glob("*"))


def test_working_days_are_counted_up_to_and_including_each_day():
    table = running.working_days()
    worked = dict(zip(table["day"].to_pylist(), table["worked"].to_pylist(), strict=True))

    def up_to(day):
        return worked[(day - EPOCH).days]

    assert up_to(date(2026, 3, 9)) - up_to(date(2026, 3, 6)) == 1  # a Monday after its Friday
    assert up_to(date(2026, 3, 8)) == up_to(date(2026, 3, 6))
    assert up_to(date(2026, 2, 23)) - up_to(date(2026, 2, 13)) == 1  # Tết
    calendar = WorkingCalendar()
    assert all(
        up_to(date(2026, month, 15)) - up_to(date(2026, month, 14)) == calendar.is_working_day(date(2026, month, 15))
        for month in range(1, 13)
    )
    assert table["day"].to_pylist() == list(range(table["day"][0].as_py(), table["day"][-1].as_py() + 1))


def test_who_writes_reads_no_further_where_the_rest_is_not_to_come():
    others, read = Future(), []
    lists = running._in_turn((read.append(number) or number for number in range(5)), others)
    clean = next(lists)
    assert next(clean) == 0
    others.cancel()
    assert list(clean) == []
    assert read == [0, 1]
    with pytest.raises(CancelledError):
        next(lists)


@dataclass
class Failing:
    """The engine, whose clean pairs cannot be read; the steps after them wait for that."""

    engine: Any
    clean: str
    failed: Event = field(default_factory=Event)
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.engine, name)

    def run(self, part):
        if self.asked:
            assert self.failed.wait(60)
        self.engine.run(part)

    def rows(self, sql):
        self.asked.append(sql)
        return self._none() if sql == self.clean else self.engine.rows(sql)

    def _none(self):
        self.failed.set()
        raise OSError("no room on the disk")
        yield


def test_where_the_clean_pairs_cannot_be_written_nothing_more_is_asked(tmp_path):
    whole = plan(SPEC, "duckdb")
    engine = Failing(open_duck(tmp_path, memory_mb=500, threads=2), whole.told["clean"])
    given = given_in(tmp_path, {"core": CORE, "statement": STATEMENT})
    with pytest.raises(OSError, match="no room on the disk"):
        running.reconcile(engine, whole, SPEC, given, tmp_path / "out")
    engine.close()
    assert engine.asked == [whole.told["clean"]]
    assert not list(tmp_path.glob("out/*"))
