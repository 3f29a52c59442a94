"""The workbook of a day: five sheets for the office, totals as formulas with their values beside them.

Rows are written as they come (`constant_memory`), so a day of any size needs little memory. What a spreadsheet would
change is kept from it: text is written as text whatever it begins with, and numbers of more than 15 digits too.
"""

from datetime import UTC
from pathlib import Path

import xlsxwriter

from truc.reconcile.report.book import Book
from truc.reconcile.report.contents import DayReport
from truc.reconcile.report.lists import write_list
from truc.reconcile.report.names import file_name
from truc.reconcile.report.overview import write_ageing, write_summary

# What each list shows, in this order.
MATCHED_COLUMNS = (
    *("business_on", "leg", "rule", "kind", "party", "our_reference", "partner_reference", "agency"),
    *("core_rows", "partner_rows", "core_vnd", "partner_vnd", "difference_vnd"),
    *("core_money_vnd", "partner_money_vnd"),
)
BREAK_COLUMNS = (
    *("business_on", "break_class", "leg", "rule", "kind", "party", "our_reference", "partner_reference", "agency"),
    *("core_rows", "partner_rows", "core_vnd", "partner_vnd", "difference_vnd"),
    *("core_money_vnd", "partner_money_vnd", "at_risk_vnd", "age_days", "state", "assignee", "reason_code"),
    *("resolution", "break_id"),
)
CARRIED_COLUMNS = (
    *("business_on", "break_class", "leg", "kind", "party", "our_reference", "partner_reference"),
    *("core_vnd", "partner_vnd", "difference_vnd", "at_risk_vnd", "age_days", "bucket", "state", "assignee"),
    *("reason_code", "break_id"),
)


def write_xlsx(report: DayReport, folder: Path) -> list[Path]:
    """Write `….xlsx` and return where it lies. The same report gives the same bytes."""
    path = folder / file_name(report, ".xlsx")
    with xlsxwriter.Workbook(path, {"constant_memory": True, "use_zip64": True}) as workbook:
        workbook.set_properties(_properties(report))
        _fill(Book(workbook, report))
    return [path]


def _fill(book: Book) -> None:
    report = book.report
    # Sheets stand in the order in which they are added; the first is filled last, when the others' places are known.
    summary = book.add_sheet("summary")
    matched = write_list(book, "matched", report.matches, MATCHED_COLUMNS)
    breaks = write_list(book, "breaks", report.breaks, BREAK_COLUMNS)
    ageing = book.add_sheet("ageing")
    carried = write_list(book, "carried", report.carried, CARRIED_COLUMNS)
    write_ageing(book, ageing, carried)
    write_summary(book, summary, matched, breaks)


def _properties(report: DayReport) -> dict[str, object]:
    return {
        "title": file_name(report, ""),
        "author": report.organisation,
        "created": report.made_at.astimezone(UTC).replace(tzinfo=None),  # xlsxwriter takes it for UTC as it is
    }
