"""The two sheets that sum the lists up: the account of the day, and how old is what was carried forward."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from xlsxwriter.utility import xl_rowcol_to_cell

from truc.reconcile.report.book import EXACT_MAX, Book, Form
from truc.reconcile.report.contents import ACCOUNT_IN, ACCOUNT_OUT, SIDES
from truc.reconcile.report.headings import COLUMNS, PHRASES, days_said, instant_said, parties_said, say
from truc.reconcile.report.lists import FIRST, OF_WHAT, Listed, cells, write_top
from truc.reconcile.words import AGES, BREAK_CLASSES, LEGS, SIGNING, TOTALS, rule_said, said

_FIGURES = ("core_vnd", "partner_vnd", "difference_vnd")


class Figure(NamedTuple):
    """One cell of a table that a formula fills: the formula, its value, and what no partial sum of it exceeds."""

    formula: str
    value: int
    largest: int
    form: Form


def write_summary(book: Book, sheet: Any, matched: Listed, breaks: Listed) -> None:
    """Write the heading, the account of each leg, the matches by rule and the breaks by class."""
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, 6, 24)
    sheet.freeze_panes(2, 1)
    sheet.repeat_rows(0, OF_WHAT)
    write_top(book, sheet)
    row = _write_heading(book, sheet, OF_WHAT + 2)
    for leg in book.report.legs():
        row = _write_account(book, sheet, row + 1, leg)
    row = _write_rules(book, sheet, row + 1, matched)
    row = _write_classes(book, sheet, row + 1, breaks)
    if any(one.largest(name) > EXACT_MAX for one in (matched, breaks) for name in one.columns if name.endswith("_vnd")):
        book.put_text(sheet, row + 1, 0, say(PHRASES, "large", book.lang))


def write_ageing(book: Book, sheet: Any, carried: Listed) -> None:
    """Write how many breaks of each class are carried forward in each age group, and what they put at risk."""
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, 2 * len(AGES) + 2, 16)
    sheet.freeze_panes(FIRST, 1)
    sheet.repeat_rows(FIRST - 2, FIRST - 1)
    write_top(book, sheet)
    groups = [*(said(AGES, one, book.lang) for one in AGES), say(PHRASES, "total", book.lang)]
    for number, group in enumerate(groups):
        for column in (2 * number + 1, 2 * number + 2):
            book.put_text(sheet, FIRST - 2, column, group, "heading")
    _headings(book, sheet, FIRST - 1, ["break_class", *("breaks", "at_risk_vnd") * len(groups)])
    _write_ages(book, sheet, carried)


def _write_ages(book: Book, sheet: Any, carried: Listed) -> None:
    held = {(one.break_class, one.bucket): (one.breaks, one.at_risk_vnd) for one in book.report.ages()}
    lines = []
    for row, break_class in enumerate(dict.fromkeys(break_class for break_class, _ in held), start=FIRST):
        label, figures = {"break_class": f"$A{row + 1}"}, list[Figure]()
        for number, bucket in enumerate(AGES):
            group = {"bucket": xl_rowcol_to_cell(FIRST - 2, 2 * number + 1, row_abs=True)}
            figures += _aged(carried, label | group, held.get((break_class, bucket), (0, 0)))
        of_class = [one for key, one in held.items() if key[0] == break_class]
        figures += _aged(carried, label, (sum(one[0] for one in of_class), sum(one[1] for one in of_class)))
        lines.append((said(BREAK_CLASSES, break_class, book.lang), figures))
    _write_lines(book, sheet, FIRST, lines)


def _aged(carried: Listed, where: dict[str, str], held: tuple[int, int]) -> list[Figure]:
    breaks, at_risk_vnd = held
    return [
        Figure(carried.counted(**where), breaks, breaks, "count"),
        Figure(carried.summed("at_risk_vnd", **where), at_risk_vnd, carried.largest("at_risk_vnd"), "money"),
    ]


def _write_heading(book: Book, sheet: Any, row: int) -> int:
    report, lang = book.report, book.lang
    signing = report.signing
    lines = {
        "party": parties_said(report.parties, report.called, lang),
        "day": days_said(report.first_on, report.last_on),
        "version": str(report.version),
        "spec": report.spec,
        "made_at": instant_said(report.made_at),
        "signing": said(SIGNING, signing.state, lang),
        "preparer": " ".join(filter(None, [signing.prepared_by, instant_said(signing.prepared_at)])),
        "approver": " ".join(filter(None, [signing.approved_by, instant_said(signing.approved_at)])),
        "content_hash": signing.content_hash,
        "spec_digest": report.spec_digest,
        "input_digest": report.input_digest,
        "result_digest": report.result_digest,
    }
    for number, (name, value) in enumerate(lines.items(), start=row):
        book.put_text(sheet, number, 0, say(PHRASES, name, lang), "label")
        book.put_text(sheet, number, 1, value)
    return row + len(lines)


def _write_account(book: Book, sheet: Any, row: int, leg: str) -> int:
    """Write a leg's account: for both sides rows and đồng; what came in less what went out must be nothing."""
    lang, whats = book.lang, (*ACCOUNT_IN, *ACCOUNT_OUT)
    book.put_text(sheet, row, 0, f"{say(PHRASES, 'account', lang)}: {said(LEGS, leg, lang)}", "label")
    book.put_text(sheet, row + 1, 0, say(COLUMNS, "what", lang), "heading")
    for number, side in enumerate(SIDES):
        for column, of in ((1, "rows"), (2, "vnd")):
            text = f"{say(PHRASES, side, lang)}: {say(COLUMNS, of, lang).lower()}"
            book.put_text(sheet, row + 1, 2 * number + column, text, "heading")
    first = row + 2
    for line, what in enumerate(whats, start=first):
        book.put_text(sheet, line, 0, said(TOTALS, what, lang))
        for column, (number, form) in enumerate(_account_line(book, leg, what), start=1):
            book.put_number(sheet, line, column, number, form)
    _write_check(book, sheet, first, leg)
    return first + len(whats) + 1


def _account_line(book: Book, leg: str, what: str) -> list[tuple[int, Form]]:
    found: list[tuple[int, Form]] = []
    for side in SIDES:
        held, vnd = book.report.account_of(leg, side, what)
        found += [(held, "count"), (vnd, "money")]
    return found


def _write_check(book: Book, sheet: Any, first: int, leg: str) -> None:
    middle, last = first + len(ACCOUNT_IN), first + len(ACCOUNT_IN) + len(ACCOUNT_OUT) - 1
    book.put_text(sheet, last + 1, 0, say(PHRASES, "check", book.lang), "label")
    came = [_account_line(book, leg, what) for what in ACCOUNT_IN]
    went = [_account_line(book, leg, what) for what in ACCOUNT_OUT]
    for column in range(1, 2 * len(SIDES) + 1):
        into, out = (sum(line[column - 1][0] for line in lines) for lines in (came, went))
        formula = f"SUM({cells(first, middle - 1, column)})-SUM({cells(middle, last, column)})"
        form: Form = "total_count" if column % 2 else "total_money"
        book.put_formula(sheet, last + 1, column, formula, into - out, largest=max(into, out), form=form)


def _write_rules(book: Book, sheet: Any, row: int, matched: Listed) -> int:
    book.put_text(sheet, row, 0, say(PHRASES, "by_rule", book.lang), "label")
    _headings(book, sheet, row + 1, ["rule", "matches", *_FIGURES])
    lines = []
    for number, line in enumerate(book.report.rules(), start=row + 2):
        where = {"rule": f"$A{number + 1}"}
        figures = [Figure(matched.counted(**where), line.matches, line.matches, "count")]
        figures += [
            Figure(matched.summed(name, **where), getattr(line, name), matched.largest(name), "money")
            for name in _FIGURES
        ]
        lines.append((rule_said(line.rule, book.lang), figures))
    return _write_lines(book, sheet, row + 2, lines)


def _write_classes(book: Book, sheet: Any, row: int, breaks: Listed) -> int:
    names = (*_FIGURES, "at_risk_vnd")
    book.put_text(sheet, row, 0, say(PHRASES, "by_class", book.lang), "label")
    _headings(book, sheet, row + 1, ["break_class", "breaks", *names])
    lines = []
    for number, line in enumerate(book.report.classes(), start=row + 2):
        where = {"break_class": f"$A{number + 1}"}
        figures = [Figure(breaks.counted(**where), line.breaks, line.breaks, "count")]
        figures += [
            Figure(breaks.summed(name, **where), getattr(line, name), breaks.largest(name), "money") for name in names
        ]
        lines.append((said(BREAK_CLASSES, line.break_class, book.lang), figures))
    return _write_lines(book, sheet, row + 2, lines)


def _headings(book: Book, sheet: Any, row: int, names: Sequence[str]) -> None:
    for column, name in enumerate(names):
        book.put_text(sheet, row, column, say(COLUMNS, name, book.lang), "heading")


def _write_lines(book: Book, sheet: Any, first: int, lines: Sequence[tuple[str, list[Figure]]]) -> int:
    """Write lines of figures with their sum below; return the row after it."""
    for row, (label, figures) in enumerate(lines, start=first):
        book.put_text(sheet, row, 0, label)
        for column, one in enumerate(figures, start=1):
            book.put_formula(sheet, row, column, one.formula, one.value, largest=one.largest, form=one.form)
    last = first + len(lines)
    book.put_text(sheet, last, 0, say(PHRASES, "total", book.lang), "label")
    for column, of in enumerate(zip(*(figures for _, figures in lines), strict=True), start=1):
        value, largest = sum(one.value for one in of), max(one.largest for one in of)
        form: Form = "total_money" if of[0].form == "money" else "total_count"
        formula = f"SUM({cells(first, last - 1, column)})"
        book.put_formula(sheet, last, column, formula, value, largest=largest, form=form)
    return last + 1
