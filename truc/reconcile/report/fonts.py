"""Noto Sans, from the wheel that carries it as bytes: no font of the machine is looked for."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pymupdf_fonts
from fpdf import FPDF

FAMILY = "NotoSans"
_FACES = {"": "notos", "B": "notosbo"}  # style in fpdf2 → name in pymupdf-fonts
# fontTools tells for every font that it drops the table of the hinting program; nothing is lost by it.
_SUBSETTING = "fontTools.subset"


@contextmanager
def embedded(pdf: FPDF) -> Iterator[None]:
    """Give the document the regular and the bold face; it must be written out before this ends.

    fpdf2 takes fonts from files alone, and reads them once more when it writes the letters that were used.
    """
    with TemporaryDirectory(prefix="truc-fonts-") as folder:
        for style, name in _FACES.items():
            path = Path(folder) / f"{name}.ttf"
            path.write_bytes(pymupdf_fonts.myfont(name))
            pdf.add_font(FAMILY, style, path)
        logging.getLogger(_SUBSETTING).setLevel(logging.ERROR)
        yield
