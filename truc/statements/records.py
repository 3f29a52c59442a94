"""Header, titles, lines and trailer of a text file: which line of the file is what, and what the file declares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from truc.errors import MalformedError
from truc.statements import cells as cell
from truc.statements.cells import Cell, CellError
from truc.statements.profiles import Meaning
from truc.statements.reading import LINES_MAX, Declared, Unread

Numbered = tuple[int, str]  # line of the file from 1, its text without the end of line
Said = dict[str, tuple[int, Cell]]  # what header and trailer say: by our name, with the line it stands on

SUMS = ("amount_vnd", "credit_vnd", "debit_vnd", "opening_vnd", "closing_vnd")


@dataclass(frozen=True, slots=True)
class Edge:
    """The header or the trailer: `cut` gives its cells, None for a line that is none, or raises CellError."""

    mark: str
    cut: Callable[[str], Mapping[str, Cell] | None]


@dataclass(frozen=True, slots=True)
class Framed:
    """A file without its frame: `middle` is what should be lines."""

    said: Said
    unread: tuple[Unread, ...]
    middle: tuple[Numbered, ...] = field(repr=False)


def numbered(text: str) -> list[Numbered]:
    """Return every line that is not empty; MalformedError `empty` or `too_many_lines`."""
    if text.count("\n") > LINES_MAX:
        raise MalformedError(f"more than {LINES_MAX:,} lines", reason="too_many_lines")
    lines = ((row, line.removesuffix("\r")) for row, line in enumerate(text.split("\n"), start=1))
    found = [(row, line) for row, line in lines if line]
    if not found:
        raise MalformedError("the statement file is empty: ask for it again", reason="empty")
    return found


def framed(lines: list[Numbered], *, header: Edge | None, titles: str, trailer: Edge | None) -> Framed:
    """Take header, titles and trailer off, each where it is expected.

    A missing one is an Unread at the line that stands in its place; that line is then taken for one of the lines.
    """
    rest, said = list(lines), Said()
    unread: list[Unread] = []
    if header is not None:
        text = f"the first record must be the header {header.mark!r}"
        unread += _take(rest, 0, header, said, Unread(rest[0][0], "header_missing", text))
    if titles:
        unread += _take_titles(rest, titles, row=lines[-1][0])
    if trailer is not None:
        text = f"the file ends without its trailer {trailer.mark!r}: ask for it again"
        missing = Unread(lines[-1][0], "truncated", text)
        unread += _take(rest, -1, trailer, said, missing) if rest else [missing]
    return Framed(said, tuple(unread), tuple(rest))


def declared(said: Said, means: Meaning, *, end_marked: bool) -> tuple[Declared, tuple[Unread, ...]]:
    """Read what a header and a trailer say; a cell that cannot be read is an Unread."""
    values: dict[str, int] = {}
    unread: list[Unread] = []
    business_on = None
    for name, (row, text) in said.items():
        try:
            if name == "business_on":
                business_on = cell.day(name, text, means.date_format)
            elif name == "count":
                values[name] = cell.number(name, text)
            elif name == "sequence":
                values["sequence_first"] = values["sequence_last"] = cell.number(name, text, least=1)
            elif name in SUMS:
                values[name] = cell.amount(name, text, means.amounts)
        except CellError as error:
            unread.append(Unread(row, error.reason, str(error), error.field))
    return Declared(business_on=business_on, end_marked=end_marked, **values), tuple(unread)


def _take(rest: list[Numbered], place: int, edge: Edge, said: Said, missing: Unread) -> list[Unread]:
    row, line = rest[place]
    try:
        cells = edge.cut(line)
    except CellError as error:
        del rest[place]
        return [Unread(row, error.reason, str(error), error.field)]
    if cells is None:
        return [missing]
    del rest[place]
    said.update({name: (row, text) for name, text in cells.items()})
    return []


def _take_titles(rest: list[Numbered], titles: str, *, row: int) -> list[Unread]:
    if rest and rest[0][1] == titles:
        del rest[0]
        return []
    where = rest[0][0] if rest else row
    return [Unread(where, "titles_differ", "the titles of the columns are not those agreed")]
