"""`truc reconcile files` and `truc reconcile pairs` as they are typed: all sides, the gate, cut-offs, the files."""

import csv
import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from tests.truc.reconcile.engine.engine_runs import WRITTEN, read
from tests.truc.reconcile.neutral.neutral_files import write_csv, write_xlsx
from tests.truc.reconcile.pairs import pair_runs
from truc.cli import main
from truc.errors import SetupError
from truc.reconcile.engine import spark
from truc.reconcile.specs import named_pair

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
COLUMNS = ("party", "business_on", "our_reference", "partner_reference", "kind", "amount_vnd", "state")
REMITTED = ("party", "business_on", "our_reference", "amount_vnd")


def typed(*words):
    """Type `truc reconcile …`; return its exit code and what it said."""
    done = CliRunner().invoke(main, ["reconcile", *map(str, words)])
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """A workbook, a text as a program writes it, one as a desk writes it, and a typed Parquet: a side each."""
    folder = tmp_path_factory.mktemp("given")
    core = [
        ("momo", DAY, "P1", "T1", "payment", 50_000, "paid"),
        ("momo", DAY, "P2", "T2", "payment", 2**53 - 1, "paid"),
        ("momo", DAY, "P3", "T3", "payment", "12đ", "paid"),
    ]
    statement = [
        ("momo", "2026-11-20", "P1", "T1", "payment", "50000", "paid"),
        ("momo", "2026-11-20", "P2", "T2", "payment", "9007199254740990", "paid"),
        ("momo", "20-11-2026", "P4", "T4", "payment", "7", "paid"),
    ]
    receipts = [("momo", "20/11/2026", "P1", "50.000", "BL1"), ("momo", "20/11/2026", "P9", "9.000", "BL9")]
    remittance = [("momo", DAY, "P1", 50_000), ("momo", DAY, "P2", 60_000)]
    return {
        "core": write_xlsx(folder / "core.xlsx", COLUMNS, core),
        "statement": write_csv(folder / "statement.csv", COLUMNS, statement),
        "receipts": write_csv(
            folder / "receipts.txt", (*REMITTED, "receipt_number"), receipts, delimiter=";", before="\ufeff"
        ),
        "remittance": write_xlsx(folder / "remittance.xlsx", REMITTED, remittance),
    }


def options(sides):
    return [word for side, path in sides.items() for word in (f"--{side}", path)]


def short(lines, *columns):
    return [tuple(line[name] for name in columns) for line in lines]


DECLARED = {"count": 3, "amount_vnd": 9_007_199_254_790_997, "opening_vnd": 1, "closing_vnd": 9_007_199_254_790_998}


@pytest.fixture(scope="module")
def whole(sides, tmp_path_factory):
    """What was said and written of all four sides, the statement being what was declared."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "declared.json").write_text(json.dumps({"statement": DECLARED}), encoding="utf-8")
    code, said = typed("files", *options(sides), "--declared", folder / "declared.json", "--out", folder / "out")
    assert code == 0, said
    return said, folder / "out"


def test_what_is_said_and_written_of_four_sides(whole):
    said, out = whole
    assert said.splitlines()[-2:] == [
        f"conserves; written to {out}",
        f"rows with a cell that could not be read, and how to mend them: {out / 'unreadable.csv'}",
    ]
    assert {path.name for path in out.iterdir()} == {*WRITTEN, "run.json", "unreadable.csv"}
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert {one["check"] for one in run["gate"] if one["state"] == "holds"} == {"count", "amount_vnd", "balance"}
    assert {one["check"] for one in run["gate"] if one["state"] == "fails"} == set()


def test_four_sides_from_workbooks_and_texts_end_by_the_rules(whole):
    told = read(whole[1])
    assert short(told.matches, "leg", "rule", "our_reference", "core_vnd", "partner_vnd") == [
        ("statement", "exact_reference", "P1", 50_000, 50_000),
        ("receipts", "exact_reference", "P1", 50_000, 50_000),
        ("remittance", "exact_reference", "P1", 50_000, 50_000),
    ]
    most = 2**53 - 1
    assert short(told.breaks, "leg", "break_class", "our_reference", "core_vnd", "partner_vnd", "difference_vnd") == [
        ("receipts", "receipt_missing", "P2", most, 0, most),
        ("receipts", "receipt_without_payment", "P9", 0, 9_000, -9_000),
        ("remittance", "remittance_short", "P2", most, 60_000, most - 60_000),
        ("statement", "amount_differs", "P2", most, most - 1, 1),
        ("statement", "unreadable", "P3", 0, 0, 0),
        ("statement", "unreadable", "P4", 0, 7, -7),
    ]
    assert short(told.verdicts, "our_reference", "partner", "treasury", "receipt", "first_failing") == [
        ("P1", "holds", "holds", "holds", ""),
        ("P2", "fails", "fails", "fails", "partner"),
    ]


LOADED = """
import sys
from truc.cli import main
main(["reconcile", "files", *sys.argv[1:]], standalone_mode=False)
print(sorted({"pandas", "ibis", "pyspark", "airflow"} & set(sys.modules)))
"""


def test_a_small_day_waits_for_nothing_it_does_not_use(sides, tmp_path):
    """Of libraries that take long to load: PyArrow, for one, loads all of pandas where it is asked the wrong way."""
    words = [sys.executable, "-c", LOADED, *map(str, options(sides)), "--out", str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("side", ["receipts", "remittance"])
def test_one_further_side_asks_one_further_leg(side, sides, tmp_path):
    given = {name: path for name, path in sides.items() if name in ("core", "statement", side)}
    assert typed("files", *options(given), "--out", tmp_path / "out")[0] == 0
    told = read(tmp_path / "out")
    assert {one["leg"] for one in told.breaks} == {"statement", side}
    leg, other = ("receipt", "treasury") if side == "receipts" else ("treasury", "receipt")
    assert short(told.verdicts, leg, other) == [("holds", "not_asked"), ("fails", "not_asked")]


def test_rows_that_cannot_be_read_are_listed_with_what_to_mend(whole):
    with (whole[1] / "unreadable.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["side", "row", "reason"],
            ["core", "4", "amount_vnd: '12đ' is no whole number of đồng; write digits only"],
            ["statement", "4", "business_on: '20-11-2026' is no day; write it as 2026-11-20 or 20/11/2026"],
        ]


def test_once_they_are_mended_no_list_stays(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "unreadable.csv").write_text("side,row,reason", encoding="utf-8")
    mended = {name: write_csv(tmp_path / f"{name}.csv", COLUMNS, []) for name in ("core", "statement")}
    code, said = typed("files", *options(mended), "--out", tmp_path / "out")
    assert (code, "could not be read" in said) == (0, False)
    assert not (tmp_path / "out" / "unreadable.csv").exists()


# The gate.


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ({"statement": DECLARED | {"count": 4}}, "the file says 4, its lines make 3"),
        ({"statement": DECLARED | {"amount_vnd": 5}}, "the file says 5, its lines make 9007199254790997"),
        (
            {"statement": {"opening_vnd": 1, "closing_vnd": 1}},
            "balance: the file says 1, its lines make 9007199254790998",
        ),
        ({"statement": {"sequence": 12, "sequence_before": 10}}, "number 11 has not come"),
        ({"statement": {"end_mark": False}}, "without its end mark"),
        ({"statement": {"rows": 3}}, "must be one of"),
        ({"count": 3}, "--declared: declared.json must be"),
        ("{", "--declared: declared.json is no JSON"),
    ],
)
def test_a_statement_that_is_not_what_was_declared_is_not_matched(declared, why, sides, tmp_path):
    path = tmp_path / "declared.json"
    path.write_text(declared if isinstance(declared, str) else json.dumps(declared), encoding="utf-8")
    code, said = typed("files", *options(sides), "--declared", path, "--out", tmp_path / "out")
    assert (code, said.startswith("Error: ")) == (1, True)
    assert why in said
    assert not list(tmp_path.glob("out/*.parquet")) + list(tmp_path.glob("out/*.json"))


# Cut-offs.

AROUND = {  # UTC; 23:00 in Vietnam is 16:00
    "P1": datetime(2026, 11, 20, 15, 59, 59, 999_000, UTC),
    "P2": datetime(2026, 11, 20, 16, 0, tzinfo=UTC),
    "P3": datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC),
    "P4": datetime(2026, 11, 20, 17, 0, tzinfo=UTC),
}


def test_a_cut_off_moves_what_happened_from_then_on_to_the_next_day(tmp_path):
    columns = ("party", "our_reference", "kind", "amount_vnd", "state", "occurred_at")
    rows = [(party, name, "payment", 9, "paid", at) for party in ("momo", "vnpay") for name, at in AROUND.items()]
    lines = [(party, NEXT, name, "", "payment", 9, "paid") for party in ("momo", "vnpay") for name in AROUND]
    given = {
        "core": write_csv(tmp_path / "core.csv", columns, [(*row[:-1], row[-1].isoformat()) for row in rows]),
        "statement": write_csv(tmp_path / "statement.csv", COLUMNS, lines),
    }
    for name, cut_offs in {"none": (), "momo": ("--cut-off", "momo=23:00", "--cut-off", "zalopay=12:00")}.items():
        assert typed("files", *options(given), *cut_offs, "--out", tmp_path / name)[0] == 0
    plain, moved = read(tmp_path / "none"), read(tmp_path / "momo")
    assert {one["break_class"] for one in plain.breaks + moved.breaks} == {"timing"}
    of_momo, of_vnpay = [("momo", name) for name in AROUND], [("vnpay", name) for name in AROUND]
    assert sorted(short(plain.matches, "party", "our_reference")) == [of_momo[3], of_vnpay[3]]
    assert sorted(short(moved.matches, "party", "our_reference")) == [*of_momo[1:], of_vnpay[3]]
    assert {one["business_on"] for one in moved.matches} == {NEXT}


@pytest.mark.parametrize("told", ["momo", "=23:00", "momo=25:00", "momo=11pm", "momo="])
def test_a_cut_off_that_is_none_is_refused(told, sides, tmp_path):
    code, said = typed("files", *options(sides), "--cut-off", told, "--out", tmp_path / "out")
    assert code == 1
    assert f"--cut-off: {told!r} is not PARTY=HH:MM, such as momo=23:00" in said
    assert not (tmp_path / "out").exists()


def test_a_cut_off_told_twice_is_refused(sides, tmp_path):
    twice = ("--cut-off", "momo=23:00", "--cut-off", "momo=22:00")
    code, said = typed("files", *options(sides), *twice, "--out", tmp_path / "out")
    assert (code, "'momo' is told twice" in said) == (1, True)
    assert not (tmp_path / "out").exists()


def test_a_spec_nobody_declared_is_refused_by_name(sides, tmp_path):
    code, said = typed("files", "--spec", "nothing", *options(sides), "--out", tmp_path / "out")
    assert (code, "payments" in said) == (1, True)


def test_a_side_that_is_no_file_is_refused(sides, tmp_path):
    assert typed("files", *options(sides | {"receipts": tmp_path / "absent.csv"}), "--out", tmp_path / "out")[0] == 2


@pytest.mark.parametrize(
    ("words", "means"),
    [
        ((), {"address": "local[2]", "memory_mb": 1_600}),
        (("--threads", 3, "--memory-mb", 700), {"address": "local[3]", "memory_mb": 700}),
        (("--spark", "sc://host:15002"), {"address": "sc://host:15002", "memory_mb": 1_600}),
    ],
)
def test_spark_is_asked_for_where_it_was_told_to_be(words, means, sides, monkeypatch, tmp_path):
    """What it writes there is held against DuckDB in engine/test_engine_spark and test_engine_connect."""
    asked = []

    def open_spark(_folder, **given):
        asked.append(given)
        raise SetupError("no Spark there", reason="no_spark")

    monkeypatch.setattr(spark, "open_spark", open_spark)
    code, said = typed("files", *options(sides), "--engine", "spark", *words, "--out", tmp_path / "out")
    assert (code, said, asked) == (1, "Error: no Spark there\n", [means])


# Two lists that are no money.

STATUSES = named_pair("dossier_statuses")
MORNING = pair_runs.MORNING


@pytest.fixture
def lists(tmp_path):
    ours = [
        {"dossier_code": "A", "status": "4"},
        {"dossier_code": "B", "status": "5", "changed_at": MORNING},
        {"dossier_code": "C", "status": "10", "changed_at": MORNING},
    ]
    theirs = [ours[0], {"dossier_code": "B", "status": "2", "changed_at": MORNING.replace(hour=1)}]
    return [
        word
        for side, rows in (("core", ours), ("partner", theirs))
        for word in (f"--{side}", pair_runs.written(STATUSES, rows, tmp_path / f"{side}.parquet"))
    ]


@pytest.mark.parametrize(
    ("as_of", "gaps"),
    [
        ("2026-03-04T23:00:00Z", {"B": "timing", "C": "timing"}),
        ("2026-03-06T02:00:00Z", {"B": "stale", "C": "missing_at_partner"}),
    ],
)
def test_two_lists_are_held_against_each_other(as_of, gaps, lists, tmp_path):
    code, said = typed("pairs", "--spec", "dossier_statuses", *lists, "--as-of", as_of, "--out", tmp_path / "out")
    *told, whole = said.splitlines()
    places = {line.split()[0]: int(line.split()[1]) for line in told}
    assert (code, places) == (0, {"match": 1, **Counter(gaps.values())})
    assert whole == f"1 of 3 that the partner should have agree; written to {tmp_path / 'out'}"
    found = pair_runs.read(tmp_path / "out")
    assert short(found.matches, "dossier_code") == [("A",)]
    assert dict(short(found.breaks, "dossier_code", "break_class")) == gaps


def test_what_agrees_need_not_be_written(lists, tmp_path):
    assert typed("pairs", "--spec", "dossier_statuses", *lists, "--no-matches", "--out", tmp_path / "out")[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "breaks.parquet",
        "coverage.parquet",
        "run.json",
        "summary.json",
    }


def test_a_list_that_cannot_be_read_is_refused_by_name(lists, tmp_path):
    broken = write_csv(tmp_path / "list.csv", ("dossier_code", "status"), [("A", "4")])
    code, said = typed("pairs", "--spec", "dossier_statuses", *lists[:3], broken, "--out", tmp_path / "out")
    assert (code, "list.csv" in said) == (1, True)
    code, said = typed("pairs", "--spec", "payments", *lists, "--out", tmp_path / "out")
    assert (code, "dossier_statuses, procedures, shipments" in said) == (1, True)
    assert not list(tmp_path.glob("out/*"))
