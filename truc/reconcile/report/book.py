"""A workbook being written: its sheets, their print setup, and cells whose content a spreadsheet cannot change."""

from typing import Any, Literal

import xlsxwriter

from truc.reconcile.report.contents import DayReport
from truc.reconcile.report.headings import PHRASES, SHEETS, days_said, parties_said, say

Form = Literal["text", "money", "count", "day", "title", "heading", "label", "total_money", "total_count"]
# A spreadsheet holds numbers as doubles and shows 15 digits; what is longer is written as text.
EXACT_MAX = 10**15 - 1
TEXT_MAX = 32_767  # characters a cell holds
A4 = 9
_MONEY = {"num_format": r"#,##0\ [$đ-42A]"}  # 42A: Vietnamese
_COUNT = {"num_format": "#,##0"}
_STRONG = {"bold": True, "bg_color": "#E8EEF4", "border": 1}
_FORMATS: dict[Form, dict[str, Any]] = {
    "text": {"num_format": "@"},
    "money": _MONEY,
    "count": _COUNT,
    "day": {"num_format": "dd/mm/yyyy", "align": "left"},
    "title": {"bold": True, "font_size": 14},
    "heading": {**_STRONG, "text_wrap": True, "valign": "vcenter", "align": "center"},
    "label": {"bold": True},
    "total_money": {"bold": True, **_MONEY},
    "total_count": {"bold": True, **_COUNT},
}


class Book:
    """A workbook with the report it is written from."""

    def __init__(self, workbook: xlsxwriter.Workbook, report: DayReport) -> None:
        self.report = report
        self.lang = report.lang
        self._workbook = workbook
        self._formats = {form: workbook.add_format(looks) for form, looks in _FORMATS.items()}

    def format(self, form: Form) -> Any:
        """Return how cells of a form look."""
        return self._formats[form]

    def add_sheet(self, name: str, part: int = 1) -> Any:
        """Add a sheet that prints on A4 across, as wide as the page; `part` counts sheets of one long list."""
        title = say(SHEETS, name, self.lang) + (f" {part}" if part > 1 else "")
        sheet = self._workbook.add_worksheet(title)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.set_footer(f"&L{_printed(self.of_what())}&R{say(PHRASES, 'page', self.lang)} &P/&N")
        return sheet

    def of_what(self) -> str:
        """Return which party, day and version the report is of."""
        report = self.report
        said = (parties_said(report.parties, report.called, self.lang), days_said(report.first_on, report.last_on))
        return " · ".join([*said, f"{say(PHRASES, 'version', self.lang)} {report.version}"])

    def put_text(self, sheet: Any, row: int, column: int, text: str, form: Form = "text") -> None:
        """Write text as text, whatever it begins with: no reference becomes a formula."""
        cut = text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1]}…"
        sheet.write_string(row, column, cut, self.format(form))

    def put_number(self, sheet: Any, row: int, column: int, number: int, form: Form) -> None:
        """Write a whole number; one that a spreadsheet would round is written as text."""
        if abs(number) > EXACT_MAX:
            sheet.write_string(row, column, str(number), self.format(form))
        else:
            sheet.write_number(row, column, number, self.format(form))

    def put_formula(
        self, sheet: Any, row: int, column: int, formula: str, value: int, *, largest: int, form: Form
    ) -> None:
        """Write a formula with its value, for readers that do not compute.

        `largest` is what no partial sum of it exceeds: above EXACT_MAX the value is written alone, as text.
        """
        if largest > EXACT_MAX:
            self.put_text(sheet, row, column, str(value), form)
        else:
            sheet.write_formula(row, column, f"={formula}", self.format(form), value)


def _printed(text: str) -> str:
    """Return a text as a footer prints it: & begins a code there, and 255 characters is all it holds."""
    return text[:100].replace("&", "&&")
