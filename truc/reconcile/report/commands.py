"""`truc reconcile report …`: writes the report of a reconciled day."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

import click

from truc.reconcile.report.contents import DayReport
from truc.reconcile.words import Lang

Writer = Callable[[DayReport, Path], list[Path]]
FORMS = ("xlsx", "pdf", "csv", "csv-excel", "parquet")


@click.command(help="Write the report of a reconciled day: a workbook, minutes to sign, or its rows for data teams.")
@click.option("--party", required=True, help="Whose day.")
@click.option("--day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The business day, e.g. 2026-11-20.")
@click.option("--version", type=click.IntRange(1), help="Which version of the day; default: the newest.")
@click.option(
    "--form",
    "forms",
    multiple=True,
    type=click.Choice(FORMS),
    default=("xlsx",),
    show_default=True,
    help="May be given several times; csv-excel says it is UTF-8 and keeps references from becoming formulas.",
)
@click.option("--lang", default="vi", show_default=True, type=click.Choice(["vi", "en"]))
@click.option("--organisation", default="", help="Who issues it; printed on the minutes.")
@click.option("--out", default=".", show_default=True, type=click.Path(file_okay=False, path_type=Path), help="Where.")
def report(
    *, party: str, day: datetime, version: int | None, forms: tuple[str, ...], lang: str, organisation: str, out: Path
) -> None:
    """Print the path of every file that was written."""
    from sqlalchemy.exc import OperationalError

    from truc.exchange.journal.rows import picture
    from truc.reconcile.report.stored import from_store
    from truc.settings import load
    from truc.store.opened import open_hub_store

    store = open_hub_store(load())
    try:
        with picture(store) as transaction:
            found = from_store(
                transaction,
                party,
                day.date(),
                lang=cast(Lang, lang),
                version=version,
                organisation=organisation,
            )
    except OperationalError as error:
        raise click.ClickException("the database does not answer: is the hub running?") from error
    finally:
        store.close()
    for path in write(found, out, forms):
        click.echo(str(path))


def write(found: DayReport, folder: Path, forms: tuple[str, ...]) -> list[Path]:
    """Write a report in these forms into the folder, which is made where it is not there; return what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    writers = _writers()
    return [path for form in dict.fromkeys(forms) for path in writers[form](found, folder)]


def _writers() -> Mapping[str, Writer]:
    from functools import partial

    from truc.reconcile.report.data_files import write_csv, write_parquet
    from truc.reconcile.report.minutes import write_pdf
    from truc.reconcile.report.workbook import write_xlsx

    return {
        "xlsx": write_xlsx,
        "pdf": write_pdf,
        "csv": write_csv,
        "csv-excel": partial(write_csv, reader="excel"),
        "parquet": write_parquet,
    }
