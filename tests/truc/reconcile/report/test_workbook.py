"""The workbook: sheets as the office knows them, totals a spreadsheet computes to the same, and nothing that runs."""

from datetime import date
from pathlib import Path

import pytest
from openpyxl.workbook import Workbook

from tests.truc.reconcile.report import spreadsheet
from tests.truc.reconcile.report.days import MISCHIEF, RUN_AT, a_break, a_day, a_full_day, a_match, day_report
from truc.reconcile.report import lists
from truc.reconcile.report.book import EXACT_MAX
from truc.reconcile.report.workbook import write_xlsx

VIETNAMESE = ["Tổng hợp", "Đã khớp", "Chênh lệch", "Tuổi chênh lệch", "Chuyển sang ngày sau"]
ENGLISH = ["Summary", "Matched", "Breaks", "Ageing", "Carried forward"]
HEADINGS = 4  # the row of a list's headings, counted from 1


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workbook, Workbook]:
    return spreadsheet.opened(write_xlsx(a_day(), tmp_path_factory.mktemp("book"))[0])


def test_it_is_vietnamese_first_and_english_when_asked(books: tuple[Workbook, Workbook], tmp_path: Path) -> None:
    assert books[0].sheetnames == VIETNAMESE
    english = day_report([a_match(1, 5_000)], [], lang="en")
    assert spreadsheet.opened(write_xlsx(english, tmp_path)[0])[0].sheetnames == ENGLISH


def test_every_formula_computes_to_the_value_beside_it(books: tuple[Workbook, Workbook]) -> None:
    written, valued = books
    found = list(spreadsheet.formulas(written))
    assert {sheet for sheet, _, _ in found} == set(VIETNAMESE)
    for sheet, cell, formula in found:
        assert spreadsheet.computed(written, sheet, formula) == valued[sheet][cell].value, (sheet, cell, formula)


def test_totals_and_sums_by_rule_class_and_age_are_formulas(books: tuple[Workbook, Workbook]) -> None:
    counted = dict.fromkeys(VIETNAMESE, 0)
    for sheet, _, _ in spreadsheet.formulas(books[0]):
        counted[sheet] += 1
    # The account has 4 checks; then 3 rules and 6 classes with their totals, and 5 classes with a total by age.
    assert counted["Tổng hợp"] == 4 + (3 + 1) * 4 + (6 + 1) * 5
    assert counted["Tuổi chênh lệch"] == (5 + 1) * 12
    assert counted["Đã khớp"] == 7  # two counts, five amounts
    assert counted["Chênh lệch"] == 8
    assert counted["Chuyển sang ngày sau"] == 4


def test_what_came_in_less_what_went_out_is_nothing(books: tuple[Workbook, Workbook]) -> None:
    checks = [row for row in books[1]["Tổng hợp"].iter_rows(values_only=True) if str(row[0]).startswith("Kiểm tra")]
    assert [row[1:5] for row in checks] == [(0, 0, 0, 0)]


def test_no_reference_becomes_a_formula(books: tuple[Workbook, Workbook]) -> None:
    sheet = books[0]["Chênh lệch"]
    heads = [cell.value for cell in sheet[HEADINGS]]
    column = heads.index("Mã của ta") + 1
    cells = [sheet.cell(HEADINGS + 1 + number, column) for number in range(len(MISCHIEF))]
    assert tuple(str(cell.value or "") for cell in cells) == MISCHIEF
    assert {cell.data_type for cell in cells if cell.value} == {"s"}  # text, "f" would be a formula, "n" a number


def test_lists_are_frozen_filtered_and_print_across_a4_with_their_headings(books: tuple[Workbook, Workbook]) -> None:
    for name in ("Đã khớp", "Chênh lệch", "Chuyển sang ngày sau"):
        sheet = books[0][name]
        assert sheet.freeze_panes == f"B{HEADINGS + 1}"
        assert sheet.auto_filter.ref.startswith(f"A{HEADINGS}:")
        assert sheet.auto_filter.ref.endswith(str(sheet.max_row))
        assert sheet.print_title_rows == f"${HEADINGS}:${HEADINGS}"
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.column_dimensions["B"].width > 9


def test_amounts_are_numbers_in_dong_and_days_are_days(books: tuple[Workbook, Workbook]) -> None:
    sheet = books[0]["Đã khớp"]
    row = {head.value: cell for head, cell in zip(sheet[HEADINGS], sheet[HEADINGS + 41], strict=True)}
    assert (row["Sổ của ta"].value, row["Sổ của ta"].number_format) == (144_886_308, r"#,##0\ [$đ-42A]")
    assert (row["Ngày giao dịch"].is_date, row["Ngày giao dịch"].number_format) == (True, "dd/mm/yyyy")
    assert row["Quy tắc"].value == "Đúng mã của ta (nhiều dòng của đối tác)"


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (write_xlsx(a_day(), tmp_path / name)[0].read_bytes() for name in ("a", "b"))
    assert first == second


def test_it_was_made_when_the_run_was(books: tuple[Workbook, Workbook]) -> None:
    held = books[0].properties
    assert held.created == held.modified == RUN_AT.replace(tzinfo=None)


def test_an_amount_a_spreadsheet_would_round_is_text_and_its_total_too(tmp_path: Path) -> None:
    huge = 2**53 + 1
    day = day_report([a_match(1, huge), a_match(2, EXACT_MAX)], [])
    written, valued = spreadsheet.opened(write_xlsx(day, tmp_path)[0])
    sheet = valued["Đã khớp"]
    column = [cell.value for cell in sheet[HEADINGS]].index("Sổ của ta") + 1
    assert [sheet.cell(row, column).value for row in (3, 5, 6)] == [str(huge + EXACT_MAX), str(huge), EXACT_MAX]
    assert all(
        spreadsheet.computed(written, *found[::2]) == valued[found[0]][found[1]].value
        for found in spreadsheet.formulas(written)
    )
    assert any("15 chữ số" in str(row[0]) for row in valued["Tổng hợp"].iter_rows(values_only=True))


def test_a_list_longer_than_a_sheet_goes_on_on_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lists, "ROWS_MAX", 700)
    written, valued = spreadsheet.opened(write_xlsx(a_full_day(2_000), tmp_path)[0])
    assert written.sheetnames[1:4] == ["Đã khớp", "Đã khớp 2", "Đã khớp 3"]
    assert sum(valued[name].max_row - HEADINGS for name in written.sheetnames[1:4]) == 1_960
    for sheet, cell, formula in spreadsheet.formulas(written):
        assert spreadsheet.computed(written, sheet, formula) == valued[sheet][cell].value, (sheet, cell, formula)


def test_a_day_of_nothing_has_all_its_sheets(tmp_path: Path) -> None:
    written, _ = spreadsheet.opened(write_xlsx(day_report([], []), tmp_path)[0])
    assert written.sheetnames == VIETNAMESE


def test_a_text_longer_than_a_cell_is_cut_and_an_ancient_day_is_text(tmp_path: Path) -> None:
    ancient = a_break(1, "unreadable", 0, 0, our_reference="x" * 40_000, business_on=date(1899, 12, 30))
    _, valued = spreadsheet.opened(write_xlsx(day_report([a_match(1, 5)], [ancient]), tmp_path)[0])
    sheet = valued["Chênh lệch"]
    column = [cell.value for cell in sheet[HEADINGS]].index("Mã của ta") + 1
    text = str(sheet.cell(HEADINGS + 1, column).value)
    assert (len(text), text[-1]) == (32_767, "…")
    assert sheet.cell(HEADINGS + 1, 1).value == "30/12/1899"
