"""`truc reconcile files …`: the free-standing form, for anyone to try on their own data."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from truc.domain.money import format_vnd
from truc.errors import MalformedError
from truc.reconcile import specs
from truc.reconcile.running import Result
from truc.reconcile.spec import SIDES, CutOff, Spec

FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command("files", help="Reconcile files: a ledger with a statement, with receipts, with a remittance.")
@click.option("--spec", "name", default="payments", show_default=True, help="Which declared reconciliation.")
@click.option("--core", type=FILE, required=True, help="Our rows: Parquet, CSV or XLSX.")
@click.option("--statement", type=FILE, required=True, help="The partner's rows.")
@click.option("--receipts", type=FILE, help="Receipts issued.")
@click.option("--remittance", type=FILE, help="What was remitted to the treasury.")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the results.")
@click.option("--declared", type=FILE, help="JSON of what the statement declares; it is not matched unless it holds.")
@click.option("--cut-off", "cut_offs", multiple=True, metavar="PARTY=HH:MM", help="From when on it is the next day.")
@click.option("--report", "with_report", is_flag=True, help="Also write a workbook and minutes of it.")
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True, help="Of the report.")
@click.option("--memory-mb", default=1_600, show_default=True, type=click.IntRange(min=200), help="Then it spills.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(min=1))
@click.option("--spark", default="", help="Address of a Spark: local[2], spark://…, sc://…")
@click.option("--work", type=click.Path(file_okay=False, exists=True, path_type=Path), help="Where it may spill.")
def files(**given: Any) -> None:
    """Print what ended where; the rows are in matches.parquet and breaks.parquet of the folder."""
    from truc.reconcile.files import Means, reconcile_files

    spec = with_cut_offs(specs.named(given["name"]), given["cut_offs"])
    means = Means(**{name: given[name] for name in ("engine", "memory_mb", "threads", "spark", "work")})
    paths = {side: given[side] for side in SIDES if given[side] is not None}
    result = reconcile_files(spec, paths, given["out"], means, declared=_declared(given["declared"]))
    click.echo("\n".join(_told(result)))
    unreadable = given["out"] / "unreadable.csv"
    if unreadable.exists():
        click.echo(f"rows with a cell that could not be read, and how to mend them: {unreadable}")
    if given["with_report"]:
        from truc.reconcile.report.commands import write
        from truc.reconcile.report.folder import from_folder

        for path in write(from_folder(given["out"], given["lang"]), given["out"], ("xlsx", "pdf")):
            click.echo(str(path))


def with_cut_offs(spec: Spec, told: tuple[str, ...]) -> Spec:
    """Return the spec with cut-offs told as PARTY=HH:MM; raise MalformedError naming one that is not."""
    cut_offs: list[CutOff] = []
    for one in told:
        party, _, clock = one.partition("=")
        try:
            at = datetime.strptime(clock, "%H:%M").time()  # noqa: DTZ007  (a time of day, of no day)
        except ValueError:
            at = None
        if not party or at is None:
            raise MalformedError(f"--cut-off: {one!r} is not PARTY=HH:MM, such as momo=23:00", reason="bad_cut_off")
        if party in {cut.party for cut in cut_offs}:
            raise MalformedError(f"--cut-off: {party!r} is told twice; tell one", reason="bad_cut_off")
        cut_offs.append(CutOff(party=party, at=at))
    return replace(spec, cut_offs=tuple(cut_offs)) if cut_offs else spec


def _declared(path: Path | None) -> dict[str, object] | None:
    """Read {"statement": {…}} as a person writes it down from the partner's cover sheet."""
    if path is None:
        return None
    try:
        told = json.loads(path.read_bytes())
    except ValueError as error:
        raise MalformedError(f"--declared: {path.name} is no JSON ({error})", reason="declared_malformed") from error
    statement = told.get("statement") if isinstance(told, dict) else None
    if not isinstance(statement, dict):
        text = f'--declared: {path.name} must be {{"statement": {{"count": …, "amount_vnd": …}}}}'
        raise MalformedError(text, reason="declared_malformed")
    return statement


def _told(result: Result) -> list[str]:
    sums: dict[str, list[int]] = {}
    for one in result.ends:
        held = sums.setdefault(f"{one['leg']}: {one['place']}", [0, 0])
        held[0] += one["places"]
        held[1] += one["difference_vnd"]
    lines = [f"{name:<40} {count:>12,} {format_vnd(vnd):>24}" for name, (count, vnd) in sorted(sums.items())]
    return [f"{'':<40} {'places':>12} {'core − partner':>24}", *lines, f"conserves; written to {result.folder}"]
