"""The files of a day: a workbook, minutes for signature, and data. Made when asked, of the day as it stands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse
from starlette.background import BackgroundTask

from truc.console.breaks import saved_as
from truc.console.desk import Reader
from truc.console.rendering import page
from truc.reconcile.reading import days as reading
from truc.reconcile.report import data_files, minutes, workbook
from truc.reconcile.report.contents import DayReport
from truc.reconcile.report.stored import from_store

ROUTES = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One file that is offered. `write` makes files, of which the one whose name ends with `ending` is it."""

    name: str
    media_type: str
    write: Callable[[DayReport, Path], list[Path]]
    ending: str
    vi: str
    en: str


def _for_excel(report: DayReport, folder: Path) -> list[Path]:
    return data_files.write_csv(report, folder, reader="excel")


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARQUET = "application/vnd.apache.parquet"
CSV = "text/csv; charset=utf-8"
OFFERED = {
    one.name: one
    for one in (
        Form(
            name="report.xlsx", media_type=XLSX, write=workbook.write_xlsx, ending=".xlsx",
            vi="Báo cáo đầy đủ: tổng hợp, đã khớp, chênh lệch, tuổi, chuyển tiếp",
            en="The whole report: summary, matched, breaks, ageing, carried forward",
        ),
        Form(
            name="minutes.pdf", media_type="application/pdf", write=minutes.write_pdf, ending=".pdf",
            vi="Biên bản đối soát để ký, số tiền bằng chữ", en="Minutes for signature, amounts in words",
        ),
        Form(
            name="breaks.csv", media_type=CSV, write=_for_excel, ending="_breaks_excel.csv",
            vi="Chênh lệch, mở được bằng Excel", en="Breaks, as Excel opens them",
        ),
        Form(
            name="matches.csv", media_type=CSV, write=_for_excel, ending="_matches_excel.csv",
            vi="Các cặp đã khớp, mở được bằng Excel", en="Matches, as Excel opens them",
        ),
        Form(
            name="breaks.parquet", media_type=PARQUET, write=data_files.write_parquet, ending="_breaks.parquet",
            vi="Chênh lệch, cho nhóm dữ liệu", en="Breaks, for data teams",
        ),
        Form(
            name="matches.parquet", media_type=PARQUET, write=data_files.write_parquet, ending="_matches.parquet",
            vi="Các cặp đã khớp, cho nhóm dữ liệu", en="Matches, for data teams",
        ),
    )
}  # fmt: skip


@ROUTES.get("/days/{party}/{business_on}/files")
def offered(visit: Reader, party: str, business_on: date) -> HTMLResponse:
    """What may be fetched of the day."""
    with visit.desk.store.begin() as transaction:
        seen = reading.day(transaction, party, business_on)
    if seen is None:
        raise HTTPException(404, "no_such_day")
    return page(visit, "files.html.j2", one=seen.summary, offered=list(OFFERED.values()))


@ROUTES.get("/days/{party}/{business_on}/files/{name}")
def download(visit: Reader, party: str, business_on: date, name: str) -> FileResponse:
    """One file, in the visitor's language."""
    form = OFFERED.get(name)
    if form is None:
        raise HTTPException(404, "not_found")
    with visit.desk.store.begin() as transaction:
        report = from_store(transaction, party, business_on, lang=visit.language.value)
    folder = TemporaryDirectory(prefix="truc-report-")
    try:
        [path] = [one for one in form.write(report, Path(folder.name)) if one.name.endswith(form.ending)]
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        path,
        media_type=form.media_type,
        headers={"Content-Disposition": saved_as(path.name)},
        background=BackgroundTask(folder.cleanup),
    )
