"""`truc reconcile pairs …`: two lists that are no money, from files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from truc.reconcile import specs

FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command("pairs", help="Reconcile two lists: dossier statuses, shipments, procedures; coverage and gaps.")
@click.option("--spec", "name", required=True, help="dossier_statuses, shipments or procedures.")
@click.option("--core", type=FILE, required=True, help="Our list: Parquet.")
@click.option("--partner", type=FILE, required=True, help="The partner's list: Parquet.")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the results.")
@click.option("--matches/--no-matches", "with_matches", default=True, show_default=True, help="Write what agrees too.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]), help="When the lists were written; UTC.")
@click.option("--memory-mb", default=1_600, show_default=True, type=click.IntRange(min=200), help="Then it spills.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(min=1))
@click.option("--spark", default="", help="Address of a Spark: local[2], spark://…, sc://…")
@click.option("--work", type=click.Path(file_okay=False, exists=True, path_type=Path), help="Where it may spill.")
def pairs(**given: Any) -> None:
    """Print what ended where; the rows are in breaks.parquet, the coverage in coverage.parquet of the folder."""
    from truc.reconcile.files import Means
    from truc.reconcile.pairs.files import LISTS, pair_files

    as_of: datetime | None = given["as_of"]
    result = pair_files(
        specs.named_pair(given["name"]),
        given["core"],
        given["partner"],
        given["out"],
        Means(**{name: given[name] for name in ("engine", "memory_mb", "threads", "spark", "work")}),
        lists=LISTS if given["with_matches"] else ("breaks",),
        as_of=None if as_of is None else as_of.replace(tzinfo=UTC),
    )
    for end in sorted(result.ends, key=lambda one: str(one["place"])):
        click.echo(f"{end['place']:<24} {end['places']:>14,}")
    click.echo(f"{result.agreed:,} of {result.owed:,} that the partner should have agree; written to {given['out']}")
