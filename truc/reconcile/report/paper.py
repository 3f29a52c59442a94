"""A4 paper for minutes: lines, tables whose headings come again on each page, and a foot that numbers the pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, cast

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos
from fpdf.fonts import FontFace, TTFFont

from truc.reconcile.report.fonts import FAMILY

Side = Literal["L", "C", "R"]
MARGIN_MM, FOOT_MM = 15, 15
TEXT_PT, SMALL_PT, LINE_MM = 10, 8, 5.5
CELL_MAX = 120  # characters of a text in a table; references are shorter
_UNSHOWN = "\N{REPLACEMENT CHARACTER}"
_PAGES = "\ue0ff"  # stands for the number of pages until it is known; no text holds it, see `shown`
_SHADE = 235


class Paper(FPDF):
    """A document in Noto Sans (see fonts.embedded) whose every page ends with `foot` and its number."""

    def __init__(self, *, foot: str, page_word: str, made_at: datetime) -> None:
        super().__init__(orientation="P", unit="mm", format="A4")
        self._foot, self._page_word = foot, page_word
        self.set_creation_date(made_at)
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(True, margin=MARGIN_MM + 5)
        self.alias_nb_pages(_PAGES)

    def footer(self) -> None:
        """Write the foot of a page; fpdf2 calls it."""
        self.set_y(-FOOT_MM)
        self.set_font(FAMILY, "", 7)
        self.cell(w=self.epw - 25, text=self.shown(self._foot), align=Align.L)
        self.cell(w=25, text=f"{self._page_word} {self.page_no()}/{_PAGES}", align=Align.R)

    def shown(self, text: str) -> str:
        """Return a text with what the font has no picture of, or no printer prints, visibly replaced."""
        known = cast(TTFFont, self.fonts[FAMILY.lower()]).cmap
        return "".join(one if one.isprintable() and ord(one) in known else _UNSHOWN for one in text)

    def paragraph(self, text: str, *, size_pt: float = TEXT_PT, style: Literal["", "B"] = "", side: Side = "L") -> None:
        """Write a paragraph over the width of the page."""
        self.set_font(FAMILY, style, size_pt)
        height = LINE_MM * size_pt / TEXT_PT
        self.multi_cell(w=self.epw, h=height, text=self.shown(text), align=side, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def halves(self, left: str, right: str, *, size_pt: float = TEXT_PT, style: Literal["", "B"] = "") -> None:
        """Write two texts side by side, each in the middle of its half."""
        self.set_font(FAMILY, style, size_pt)
        for text, new_x, new_y in ((left, XPos.RIGHT, YPos.TOP), (right, XPos.LMARGIN, YPos.NEXT)):
            self.cell(w=self.epw / 2, h=LINE_MM, text=self.shown(text), align=Align.C, new_x=new_x, new_y=new_y)

    def grid(
        self,
        headings: Sequence[str],
        lines: Sequence[Sequence[str]],
        *,
        widths: Sequence[int],
        sides: Sequence[Side],
        size_pt: float = SMALL_PT,
    ) -> None:
        """Draw a table. `widths` are shares of the page's width, `sides` where each column's text stands."""
        self.set_font(FAMILY, "", size_pt)
        with self.table(
            col_widths=tuple(widths),
            text_align=tuple(sides),
            line_height=LINE_MM * size_pt / TEXT_PT,
            headings_style=FontFace(emphasis="BOLD", fill_color=_SHADE),
            padding=(0.4, 0.8, 0.4, 0.8),
        ) as table:
            for line in (headings, *lines):
                row = table.row()
                for text in line:
                    row.cell(self._cut(self.shown(text)))
        self.ln(2)

    @staticmethod
    def _cut(text: str) -> str:
        return text if len(text) <= CELL_MAX else f"{text[: CELL_MAX - 1]}…"
