"""The columns of a neutral row: their names, types, which a side must have, and how a file's own header names them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import pyarrow as pa

from truc.errors import MalformedError

Side = Literal["core", "statement", "receipts", "remittance"]


class Type(Enum):
    """What stands in a column; the value is the engine's type."""

    TEXT = pa.string()
    AMOUNT = pa.int64()
    DAY = pa.date32()
    INSTANT = pa.timestamp("us", "UTC")


COLUMNS: Mapping[str, Type] = {
    "party": Type.TEXT,
    "business_on": Type.DAY,
    "our_reference": Type.TEXT,
    "partner_reference": Type.TEXT,
    "kind": Type.TEXT,
    "amount_vnd": Type.AMOUNT,
    "fee_vnd": Type.AMOUNT,
    "state": Type.TEXT,
    "occurred_at": Type.INSTANT,
    "payer": Type.TEXT,
    "agency": Type.TEXT,
    "receipt_number": Type.TEXT,
    # Not of the row itself: why it cannot be read. A file that was read before says so itself, and is believed.
    "unreadable": Type.TEXT,
}
SOURCE_ROW = "source_row"  # what we count; one that a file brings along is not read

REQUIRED: Mapping[Side, tuple[str, ...]] = {
    "core": ("party", "kind", "amount_vnd", "state"),
    "statement": ("party", "kind", "amount_vnd", "state"),
    "receipts": ("party", "amount_vnd"),
    "remittance": ("party", "amount_vnd"),
}
DEFAULTS: Mapping[Side, Mapping[str, str]] = {
    "core": {},
    "statement": {},
    "receipts": {"kind": "payment", "state": "paid"},
    "remittance": {"kind": "settlement", "state": "paid"},
}
_NAMES = {name.replace("_", ""): name for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns of a file stand: place from 0 by our name, in our order, and the names nobody reads."""

    places: Mapping[str, int]
    unread: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Say which columns are not read."""
        return (f"not read: {', '.join(map(repr, self.unread))}",) if self.unread else ()


def our_name(written: str) -> str | None:
    """Return our name of a column, however its letters are cased and its words are parted; None if it is not ours."""
    return _NAMES.get(_plain(written))


def header(written: Sequence[str], *, side: Side, file: str) -> Header:
    """Find our columns in a file's own header.

    MalformedError `double_column` when two columns have one name, `missing_column` when a column that the side needs
    is not there. A column without any name is not read.
    """
    plain = [_plain(name) for name in written]
    for place, name in enumerate(plain):
        if name and name in plain[:place]:
            shown = our_name(name) or written[place]
            text = f"{file}: column {shown!r} stands there twice; keep one of the two"
            raise MalformedError(text, reason="double_column")
    found = {_NAMES[name]: place for place, name in enumerate(plain) if name in _NAMES}
    if missing := [name for name in REQUIRED[side] if name not in found]:
        raise _missing(missing, side=side, file=file)
    unread = (name.strip() for name in written if our_name(name) is None)
    return Header(
        {name: found[name] for name in COLUMNS if name in found},
        tuple(name for name in unread if name and name != SOURCE_ROW),
    )


def _missing(names: Sequence[str], *, side: Side, file: str) -> MalformedError:
    needed = ", ".join(REQUIRED[side])
    text = f"{file}: no column {', '.join(map(repr, names))}; name the columns in the first row, at least {needed}"
    return MalformedError(text, reason="missing_column")


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]", "", unicodedata.normalize("NFC", name).casefold())
