"""Planted days through `truc reconcile files`, as a user's own files would go."""

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.planted import files
from bench.planted.planting import Day
from bench.planted.score import Score, score
from truc.reconcile.files import EngineName, Means, reconcile_files
from truc.reconcile.spec import CutOff, Spec
from truc.reconcile.specs import named


def run(day: Day, folder: Path, *, engine: EngineName = "duckdb", form: files.Form = "parquet") -> Score:
    """Write the day's files into `folder`, reconcile them there, and score what comes out."""
    given = files.write(day, folder / "given", form)
    out = folder / "out"
    reconcile_files(spec_of(day), given, out, Means(engine=engine, work=folder))
    return score(day, _read(out / "breaks.parquet"), _read(out / "matches.parquet"))


def spec_of(day: Day) -> Spec:
    """The declared reconciliation of payments, with the settings of the day."""
    cut_offs = tuple(CutOff(party=party, at=at) for party, at in day.settings.cut_offs.items())
    return dataclasses.replace(
        named("payments"),
        cut_offs=cut_offs,
        tolerance_vnd=day.settings.tolerance_vnd,
        tolerated_vnd_max=day.settings.tolerated_vnd_max,
    )


def _read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows
