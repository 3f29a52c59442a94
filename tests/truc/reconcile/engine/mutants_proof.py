"""The quick proof of the engine, in a process whose engine may be a mutant; a script, one forked child for each.

`python mutants_proof.py N…` prints a line of JSON for each number: an index into MUTANTS, or -1 for the engine itself.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis
import ibis.expr.types as ir

if TYPE_CHECKING:
    from tests.truc.reconcile.engine.mutants import Mutant

ROOT = Path(__file__).parents[4]
SEEDS = range(300_000, 300_320)
HOLDS, NOTICED, BROKEN = 0, 1, 2


def main(numbers: list[int]) -> None:
    """Run the proof on each mutant in turn."""
    sys.path.insert(0, str(ROOT))
    _compile_once()
    from tests.truc.reconcile.engine.mutants import MUTANTS

    for number in numbers:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            _copied(Path(folder))
            try:
                if number >= 0:
                    _changed(Path(folder), MUTANTS[number])
                ended, said = _in_a_child(Path(folder))
            except AssertionError as stale:
                ended, said = BROKEN, str(stale)
        told = {"number": number, "ended": ended, "said": said, "seconds": round(time.monotonic() - started, 1)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _compile_once() -> None:
    """Compile the rules as they are: a child, being a fork, compiles only what its mutant makes different."""
    compiled: dict[tuple[object, str], object] = {}
    compile_ = ibis.to_sql

    def to_sql(table: ir.Table, *, dialect: str, pretty: bool) -> object:
        key = (table.op(), dialect)  # equal only where every part is; one with a function of our own is never
        if key not in compiled:
            compiled[key] = compile_(table, dialect=dialect, pretty=pretty)
        return compiled[key]

    ibis.to_sql = to_sql
    tell = import_module("truc.reconcile.engine.telling").tell
    for spec in import_module("tests.truc.reconcile.engine.random_days").varied_specs()[:2]:
        tell(spec, "duckdb", ("receipts", "remittance"))
    for name in [name for name in sys.modules if name.split(".")[0] in ("truc", "tests")]:
        del sys.modules[name]  # a child reads its own copy


def _changed(folder: Path, mutant: "Mutant") -> None:
    place = folder / "truc" / "reconcile" / mutant.file
    place.write_text(replaced(place.read_text(encoding="utf-8"), mutant.text, mutant.becomes), encoding="utf-8")


def replaced(text: str, old: str, new: str) -> str:
    """Replace what must stand there once."""
    if text.count(old) != 1:
        raise AssertionError(f"stands there {text.count(old)} times: {old!r}")
    return text.replace(old, new)


def _copied(folder: Path) -> None:
    """Make a package truc that is ours, but for its own copy of reconcile."""
    (folder / "truc").mkdir()
    for one in (ROOT / "truc").iterdir():
        if one.name != "reconcile":
            (folder / "truc" / one.name).symlink_to(one)
    shutil.copytree(ROOT / "truc" / "reconcile", folder / "truc" / "reconcile", ignore=shutil.ignore_patterns("*.pyc"))


def _in_a_child(folder: Path) -> tuple[int, str]:
    said = folder / "said"
    child = os.fork()
    if child == 0:
        sys.path.insert(0, str(folder))
        ended, why = BROKEN, ""
        try:
            ended, why = _proof(folder)
        except (AssertionError, duckdb.ConversionException) as error:  # the latter: sums that are refused
            ended, why = NOTICED, str(error)
        except BaseException as error:  # noqa: BLE001 - told to the parent; a mutant that crashes is none
            why = f"{type(error).__name__}: {error}"
        finally:
            said.write_text(why[:300], encoding="utf-8")
            os._exit(ended)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.read_text(encoding="utf-8")


def _proof(folder: Path) -> tuple[int, str]:
    """Return whether all holds: random days first, which notice most; then hand-written ones; then another spec."""
    random_days = import_module("tests.truc.reconcile.engine.random_days")
    examples = import_module("tests.truc.reconcile.engine.engine_examples")
    specs = random_days.varied_specs()
    for spec in (specs[0], None, specs[1]):
        wrong = _examples(examples) if spec is None else _random(spec, folder)
        if wrong:
            return NOTICED, wrong
    return HOLDS, ""


def _random(spec: object, folder: Path) -> str:
    runs = import_module("tests.truc.reconcile.engine.engine_runs")
    assert Path(sys.modules["truc.reconcile"].__file__).is_relative_to(folder), "not the copy"
    days = import_module("tests.truc.reconcile.engine.random_days").random_days(SEEDS)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        told = runs.told_by_duckdb(spec, runs.together(days), Path(work))
    return next(iter(runs.disagreements(spec, days, told)), "")


def _examples(examples: object) -> str:
    """Return the first hand-written day that does not end as written."""
    for name, day in examples.APART.items():
        told = examples.told_together(*examples.run_of(day))
        parties = {row["party"] for row in examples.rows_of(day)}
        for what, found, right in (("matches", told.matches, day.matches), ("breaks", told.breaks, day.breaks)):
            mine = sorted(_cells(line) for line in found if line["party"] in parties)
            if mine != sorted(map(_cells, right)):
                return f"{name}: {what}"
    return ""


def _cells(line: dict[str, object]) -> str:
    """The cells of a line but its id, which hand-written ones have none of."""
    return str(sorted((name, str(value)) for name, value in line.items() if name != "break_id"))


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]])
