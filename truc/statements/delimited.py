"""Delimited text, one record a line: cut into cells as its profile says."""

import csv
from collections.abc import Iterator, Mapping
from functools import partial

from truc.statements.cells import Cell, CellError
from truc.statements.encodings import decoded
from truc.statements.lines import Found, Record
from truc.statements.profiles import Delimited
from truc.statements.reading import Unread
from truc.statements.records import Edge, Framed, Numbered, declared, framed, numbered


def found(body: bytes, profile: Delimited) -> Found:
    """Return the records of a file; MalformedError `not_text`, `empty` or `too_many_lines` for one that is none."""
    frame = unframed(numbered(decoded(body, profile.encoding)), profile)
    said, wrong = declared(frame.said, profile.means, end_marked=bool(profile.trailer))
    cut = list(records(enumerate(frame.middle, start=1), profile))
    good = [one for one in cut if isinstance(one, Record)]
    bad = [one for one in cut if isinstance(one, Unread)]
    return Found(said, good, (*frame.unread, *wrong, *bad))


def unframed(lines: list[Numbered], profile: Delimited) -> Framed:
    """Return the file without its header, titles and trailer."""
    header = Edge(profile.header_mark, partial(_header, profile=profile)) if profile.header else None
    trailer = Edge(profile.trailer_mark, partial(_trailer, profile=profile)) if profile.trailer else None
    return framed(lines, header=header, titles=profile.delimiter.join(profile.titles), trailer=trailer)


def records(placed: Iterator[tuple[int, Numbered]], profile: Delimited) -> Iterator[Record | Unread]:
    """Cut lines, each with its place among the lines of the statement."""
    for place, (row, text) in placed:
        try:
            yield Record(row, place, _line(text, profile))
        except CellError as error:
            yield Unread(row, error.reason, str(error), error.field)


def _header(text: str, profile: Delimited) -> Mapping[str, Cell] | None:
    cells = _cells(text, profile)
    if profile.header_mark and cells[0] != profile.header_mark:
        return None
    return _named(cells, profile.header)


def _trailer(text: str, profile: Delimited) -> Mapping[str, Cell] | None:
    cells = _cells(text, profile)
    if cells[0] != profile.trailer_mark or len(cells) < len(profile.trailer):
        return None
    return _named(cells, profile.trailer)


def _line(text: str, profile: Delimited) -> Mapping[str, Cell]:
    cells = _cells(text, profile)
    if profile.line_mark and cells[0] != profile.line_mark:
        raise CellError("mark", "unknown_record", f"of a record between header and trailer must be {profile.line_mark}")
    if not profile.line_mark and profile.trailer_mark and cells[0] == profile.trailer_mark:
        raise CellError("mark", "unknown_record", "of the trailer stands before the end")
    return _named(cells, profile.line)


def _cells(text: str, profile: Delimited) -> list[str]:
    if profile.quoted == "never":
        return text.split(profile.delimiter)
    try:
        [cells] = csv.reader([text], delimiter=profile.delimiter, strict=True)
    except csv.Error as error:
        # Its text may repeat a sign of the line; all it can be is a quote left open or closed in mid-cell.
        raise CellError("line", "truncated", "has a quote that is not closed, or text behind one") from error
    return cells or [text]  # csv takes a lone carriage return for the end of an empty line


def _named(cells: list[str], names: tuple[str, ...]) -> Mapping[str, Cell]:
    if len(cells) != len(names):
        raise CellError("line", "wrong_columns", f"has {len(cells)} cells, {len(names)} expected")
    return dict(zip(names, cells, strict=True))
