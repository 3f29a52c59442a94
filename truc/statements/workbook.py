"""XLSX sheets, read without their formulas: the values that stand in the cells."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from truc.errors import MalformedError
from truc.statements.cells import VIETNAM, Cell, CellError
from truc.statements.lines import Found, Record
from truc.statements.profiles import Workbook
from truc.statements.reading import LINES_MAX, Unread
from truc.statements.records import Said, declared

UNPACKED_BYTES_MAX = 512 * 1024 * 1024
HEAD_BYTES = 64 * 1024  # a DTD stands before the first element
ROWS_BEFORE_TITLES_MAX = 50
# What openpyxl meets in a file that is cut, or is another kind of ZIP.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, KeyError, ValueError, TypeError, IndexError,
    AttributeError, EOFError, NotImplementedError, OverflowError, RuntimeError, OSError,
)  # fmt: skip

Row = tuple[int, Sequence[object]]


def found(body: bytes, profile: Workbook) -> Found:
    """Return the records of the sheet.

    MalformedError `not_a_workbook`, `too_large` when it unpacks to more than 512 MiB, `titles_differ` when a column
    of the profile is not among the titles, `truncated` without the trailer, `too_many_lines`.
    """
    _refuse_bombs(body)
    rows = _rows(body, profile)
    titled, places = _places(rows, profile)
    said, records, unread = Said(), list[Record](), list[Unread]()
    ended = False
    for row, values in rows[titled:]:
        if _ends(values, profile):
            ended, said = True, _trailer(row, values, places, profile)
            break
        one = _record(row, len(records) + len(unread) + 1, values, places, profile)
        (records if isinstance(one, Record) else unread).append(one)  # type: ignore[arg-type]  # each to its own list
    if profile.trailer_mark and not ended:
        text = f"the sheet ends without its trailer {profile.trailer_mark!r}: ask for the file again"
        raise MalformedError(text, reason="truncated")
    totals, wrong = declared(said, profile.means, end_marked=ended)
    return Found(totals, records, (*unread, *wrong))


def _refuse_bombs(body: bytes) -> None:
    """Refuse what unpacks to too much, and XML with a DTD: no program writes one, and entities could hide anything."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            size = sum(part.file_size for part in packed.infolist())
            if size > UNPACKED_BYTES_MAX:
                raise MalformedError(f"the workbook unpacks to {size:,} bytes", reason="too_large")
            # Without its NULs, UTF-16 is seen through too.
            dtd = any(b"<!DOCTYPE" in packed.read(part)[:HEAD_BYTES].replace(b"\0", b"") for part in packed.infolist())
    except UNREADABLE as error:
        raise _no_workbook() from error
    if dtd:
        raise _no_workbook()


def _rows(body: bytes, profile: Workbook) -> list[Row]:
    """Return every row that is not empty, with its number."""
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        sheet = book[profile.sheet] if profile.sheet else book.worksheets[0]
        sheet.reset_dimensions()  # what a program wrote as the size of the sheet may be wrong
        rows = enumerate(sheet.iter_rows(values_only=True), start=1)
        found: list[Row] = [(row, values) for row, values in rows if any(value not in (None, "") for value in values)]
    except UNREADABLE as error:
        raise _no_workbook() from error
    if len(found) > LINES_MAX:
        raise MalformedError(f"more than {LINES_MAX:,} lines", reason="too_many_lines")
    return found


def _no_workbook() -> MalformedError:
    return MalformedError("no XLSX workbook with the agreed sheet: ask for the file again", reason="not_a_workbook")


def _places(rows: list[Row], profile: Workbook) -> tuple[int, dict[str, int]]:
    """Return where the lines begin, and the place of each title: the first row that holds all titles of the profile."""
    for number, (_, values) in enumerate(rows[:ROWS_BEFORE_TITLES_MAX], start=1):
        titles = {str(value).strip(): place for place, value in enumerate(values) if value is not None}
        if profile.columns.keys() <= titles.keys():
            return number, titles
    raise MalformedError("no row holds the agreed titles of the columns", reason="titles_differ")


def _ends(values: Sequence[object], profile: Workbook) -> bool:
    return bool(profile.trailer_mark) and str(values[0] or "").strip() == profile.trailer_mark


def _record(
    row: int, place: int, values: Sequence[object], places: dict[str, int], profile: Workbook
) -> Record | Unread:
    try:
        cells = {
            name: _cell(name, _at(values, places[title]), profile)
            for title, name in profile.columns.items()
            if not name.startswith("-")
        }
    except CellError as error:
        return Unread(row, error.reason, str(error), error.field)
    return Record(row, place, cells)


def _trailer(row: int, values: Sequence[object], places: dict[str, int], profile: Workbook) -> Said:
    if missing := sorted(profile.trailer.keys() - places.keys()):
        raise MalformedError(f"line {row}: no column {missing[0]!r} for the trailer", reason="titles_differ")
    try:
        return {
            name: (row, _cell(name, _at(values, places[title]), profile)) for title, name in profile.trailer.items()
        }
    except CellError as error:
        raise MalformedError(f"line {row}: {error}", reason=error.reason) from error


def _at(values: Sequence[object], place: int) -> object:
    return values[place] if place < len(values) else None


def _cell(name: str, value: object, profile: Workbook) -> Cell:
    """Return the cell as text, a whole number or an instant. A sheet keeps every number as a float of 53 bits."""
    match value:
        case None:
            return ""
        case datetime():
            return value if value.tzinfo else value.replace(tzinfo=VIETNAM)
        case bool():
            raise CellError(name, "wrong_type", "must not be true or false")
        case int() | float():
            return _whole(name, value, profile)
        case _:
            return str(value).strip()


def _whole(name: str, value: int | float, profile: Workbook) -> Cell:
    if value != value // 1 or abs(value) >= 2**53:
        raise CellError(name, "amount_not_integer", "must be a whole number of at most 15 digits, or text")
    whole = int(value)
    # A minus counts only where the profile knows one.
    return str(whole) if whole < 0 and profile.means.amounts.sign == "none" else whole
