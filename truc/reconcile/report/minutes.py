"""The minutes of a day for signature: a PDF on A4 with its font inside, the same bytes for the same report."""

from dataclasses import replace
from datetime import UTC
from hashlib import sha256
from itertools import islice
from pathlib import Path

from truc.domain.amount_words import amount_in_words
from truc.reconcile.report.contents import ACCOUNT_IN, ACCOUNT_OUT, SIDES, DayReport, as_prepared, rows, total
from truc.reconcile.report.fonts import embedded
from truc.reconcile.report.headings import (
    COLUMNS,
    PHRASES,
    SHEETS,
    day_said,
    days_said,
    grouped,
    instant_said,
    money,
    parties_said,
    say,
)
from truc.reconcile.report.names import file_name
from truc.reconcile.report.paper import SMALL_PT, Paper, Side
from truc.reconcile.words import BREAK_CLASSES, LEGS, TOTALS, said

LISTED_MAX = 100  # breaks on the minutes themselves; the workbook holds them all
LIST_COLUMNS = (
    *("our_reference", "partner_reference", "break_class", "business_on"),
    *("core_vnd", "partner_vnd", "difference_vnd"),
)
CLASS_FIGURES = ("core_vnd", "partner_vnd", "difference_vnd", "at_risk_vnd")
LINE_MM = 5  # of a small line below the seal
SIGNATURE_MM = 62  # what the two blocks, the hash and the seal need; they stand on one page


def write_pdf(report: DayReport, folder: Path) -> list[Path]:
    """Write `….pdf` and return where it lies."""
    path = folder / file_name(report, ".pdf")
    path.write_bytes(minutes(report))
    return [path]


def sealed_digest(report: DayReport) -> str:
    """Return the SHA-256 of the minutes as the approver saw them, in hex: the report digest that the seal is over.

    It is of the Vietnamese minutes without the issuer's name, whatever the report at hand is written in.
    """
    seen = replace(as_prepared(report), lang="vi", organisation="")
    return sha256(minutes(seen)).hexdigest()


def minutes(report: DayReport) -> bytes:
    """Return the minutes as a PDF."""
    lang = report.lang
    paper = Paper(
        foot=f"{say(PHRASES, 'result_digest', lang)}: {report.result_digest}",
        page_word=say(PHRASES, "page", lang),
        made_at=report.made_at.astimezone(UTC),
    )
    paper.set_title(file_name(report, ""))
    paper.set_lang(lang)
    with embedded(paper):
        paper.add_page()
        _write_heading(paper, report)
        _write_account(paper, report)
        _write_words(paper, report)
        _write_classes(paper, report)
        _write_list(paper, report)
        _write_signatures(paper, report)
        return bytes(paper.output())


def _write_heading(paper: Paper, report: DayReport) -> None:
    lang = report.lang
    paper.halves(report.organisation, say(PHRASES, "country", lang), style="B", size_pt=9)
    paper.halves("", say(PHRASES, "motto", lang), style="B", size_pt=9)
    paper.ln(6)
    paper.paragraph(say(PHRASES, "title", lang), size_pt=15, style="B", side="C")
    paper.ln(3)
    facts = {
        "party": parties_said(report.parties, report.called, lang),
        "day": days_said(report.first_on, report.last_on),
        "version": str(report.version),
        "spec": report.spec,
        "made_at": instant_said(report.made_at),
    }
    for name, value in facts.items():
        paper.paragraph(f"{say(PHRASES, name, lang)}: {value}")
    paper.paragraph(f"{say(PHRASES, 'input_digest', lang)}: {report.input_digest}", size_pt=SMALL_PT)


def _write_account(paper: Paper, report: DayReport) -> None:
    lang = report.lang
    headings = [say(COLUMNS, "what", lang)]
    for side in SIDES:
        headings += [f"{say(PHRASES, side, lang)}: {say(COLUMNS, of, lang).lower()}" for of in ("rows", "vnd")]
    for leg in report.legs():
        paper.ln(2)
        paper.paragraph(
            f"{say(PHRASES, 'account', lang)}: {said(LEGS, leg, lang)} ({say(PHRASES, 'unit', lang)})", style="B"
        )
        lines = []
        for what in (*ACCOUNT_IN, *ACCOUNT_OUT):
            figures = [number for side in SIDES for number in report.account_of(leg, side, what)]
            lines.append([said(TOTALS, what, lang), *(grouped(number, lang) for number in figures)])
        paper.grid(headings, lines, widths=(30, 14, 21, 14, 21), sides=("L", "R", "R", "R", "R"))


def _write_words(paper: Paper, report: DayReport) -> None:
    """Write what matched and what is at risk, in figures and in words."""
    lang = report.lang
    figures = {
        "matched_words": report.matched_vnd(),
        "risk_words": total(report.breaks, "at_risk_vnd"),
    }
    for name, amount in figures.items():
        paper.paragraph(f"{say(PHRASES, name, lang)}: {money(amount, lang)}", style="B")
        paper.paragraph(f"{say(PHRASES, 'in_words', lang)}: {amount_in_words(amount, lang)}.")


def _write_classes(paper: Paper, report: DayReport) -> None:
    lang, lines = report.lang, report.classes()
    paper.ln(2)
    paper.paragraph(f"{say(PHRASES, 'by_class', lang)} ({say(PHRASES, 'unit', lang)})", style="B")
    if not lines:
        paper.paragraph(say(PHRASES, "no_breaks", lang))
        return
    told = [
        [
            said(BREAK_CLASSES, line.break_class, lang),
            *(grouped(getattr(line, name), lang) for name in ("breaks", *CLASS_FIGURES)),
        ]
        for line in lines
    ]
    sums = (sum(getattr(line, name) for line in lines) for name in ("breaks", *CLASS_FIGURES))
    told.append([say(PHRASES, "total", lang), *(grouped(one, lang) for one in sums)])
    headings = [say(COLUMNS, name, lang) for name in ("break_class", "breaks", *CLASS_FIGURES)]
    paper.grid(headings, told, widths=(28, 10, 16, 16, 15, 15), sides=("L", "R", "R", "R", "R", "R"))


def _write_list(paper: Paper, report: DayReport) -> None:
    lang, found = report.lang, report.breaks.num_rows
    if not found:
        return
    paper.paragraph(f"{say(PHRASES, 'list', lang)} ({say(PHRASES, 'unit', lang)})", style="B")
    lines = [
        [
            str(number),
            ours,
            theirs,
            said(BREAK_CLASSES, break_class, lang),
            day_said(day),
            *(grouped(vnd, lang) for vnd in amounts),
        ]
        for number, (ours, theirs, break_class, day, *amounts) in enumerate(
            islice(rows(report.breaks, LIST_COLUMNS), LISTED_MAX), start=1
        )
    ]
    headings = [say(COLUMNS, name, lang) for name in ("number", *LIST_COLUMNS)]
    widths = (6, 21, 17, 15, 11, 12, 12, 12)
    sides: tuple[Side, ...] = ("C", "L", "L", "L", "L", "R", "R", "R")
    paper.grid(headings, lines, widths=widths, sides=sides, size_pt=7)
    if found > LISTED_MAX:
        more = {"more": grouped(found - LISTED_MAX, lang), "sheet": say(SHEETS, "breaks", lang)}
        paper.paragraph(say(PHRASES, "more", lang).format(**more, file=file_name(report, ".xlsx")))


def _write_signatures(paper: Paper, report: DayReport) -> None:
    lang, signing = report.lang, report.signing
    limits = _limits_said(report)
    if paper.will_page_break(SIGNATURE_MM + (LINE_MM if limits else 0)):
        paper.add_page()
    paper.ln(4)
    paper.halves(say(PHRASES, "preparer", lang), say(PHRASES, "approver", lang), style="B")
    paper.halves(*[say(PHRASES, "sign_here", lang)] * 2, size_pt=SMALL_PT)
    paper.ln(20)
    paper.halves(signing.prepared_by, signing.approved_by, style="B")
    paper.halves(instant_said(signing.prepared_at), instant_said(signing.approved_at), size_pt=SMALL_PT)
    paper.ln(3)
    paper.paragraph(f"{say(PHRASES, 'content_hash', lang)}: {signing.content_hash or '—'}", size_pt=SMALL_PT)
    sealed = say(PHRASES, "unsealed", lang)
    if signing.state == "signed":
        told = {"at": instant_said(signing.approved_at), "digest": signing.report_digest or "—"}
        sealed = say(PHRASES, "sealed", lang).format(**told)
    paper.paragraph(f"{say(PHRASES, 'seal', lang)}: {sealed}", size_pt=SMALL_PT)
    if limits:
        paper.paragraph(limits, size_pt=SMALL_PT)


def _limits_said(report: DayReport) -> str:
    """Return what may stay open in the day as it is read; "" where nothing may."""
    signing, lang = report.signing, report.lang
    if not signing.open_limit_vnd and not signing.open_limit_count:
        return ""
    told = {"count": grouped(signing.open_limit_count, lang), "vnd": money(signing.open_limit_vnd, lang)}
    return say(PHRASES, "limits", lang).format(**told)
