"""Text of fixed-width records: each cell cut out at its place."""

from collections.abc import Mapping
from functools import partial

from truc.statements.cells import Cell, CellError
from truc.statements.encodings import composed, raw_text
from truc.statements.lines import Found, Record
from truc.statements.profiles import FixedWidth, Span
from truc.statements.reading import Unread
from truc.statements.records import Edge, Numbered, declared, framed, numbered


def found(body: bytes, profile: FixedWidth) -> Found:
    """Return the records of a file; MalformedError `not_text`, `empty` or `too_many_lines` for one that is none."""
    header = Edge(profile.header_mark, partial(_edge, profile.header, profile.header_mark, profile))
    trailer = Edge(profile.trailer_mark, partial(_edge, profile.trailer, profile.trailer_mark, profile))
    frame = framed(
        numbered(raw_text(body, profile.encoding)),
        header=header if profile.header else None,
        titles="",
        trailer=trailer if profile.trailer else None,
    )
    said, wrong = declared(frame.said, profile.means, end_marked=bool(profile.trailer))
    cut = [_record(place, one, profile) for place, one in enumerate(frame.middle, start=1)]
    good = [one for one in cut if isinstance(one, Record)]
    bad = [one for one in cut if isinstance(one, Unread)]
    return Found(said, good, (*frame.unread, *wrong, *bad))


def _record(place: int, numbered_line: Numbered, profile: FixedWidth) -> Record | Unread:
    row, text = numbered_line
    if len(text) != profile.width:
        return Unread(row, "wrong_columns", f"line has {len(text)} places, {profile.width} expected", "line")
    if not text.startswith(profile.line_mark):
        problem = f"a record between header and trailer must begin with {profile.line_mark!r}"
        return Unread(row, "unknown_record", problem, "mark")
    return Record(row, place, _cells(text, profile.line, profile))


def _edge(spans: tuple[Span, ...], mark: str, profile: FixedWidth, text: str) -> Mapping[str, Cell] | None:
    if not text.startswith(mark):
        return None
    width = max(span.first + span.length - 1 for span in spans)
    if len(text) < width:
        raise CellError("line", "truncated", f"has {len(text)} places, {width} expected: ask for the file again")
    return _cells(text, spans, profile)


def _cells(text: str, spans: tuple[Span, ...], profile: FixedWidth) -> Mapping[str, Cell]:
    return {
        span.name: composed(text[span.first - 1 : span.first - 1 + span.length], profile.encoding).strip(" ")
        for span in spans
    }
