"""What a notice may be filled with: each field has one type, one way to be written, and a longest form."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

from truc.domain.calendar import BUSINESS_ZONE
from truc.domain.identifiers import dossier_code
from truc.domain.money import MAX_VND, format_vnd
from truc.domain.notice_lengths import GSM_BASIC
from truc.domain.vietqr import ascii_text
from truc.errors import MalformedError

FieldName = Literal[
    "dossier_code",
    "happened_at",
    "happened_on",
    "due_on",
    "last_on",
    "amount_vnd",
    "place",
    "tracking_code",
    "receipt_number",
]
Fact = str | int | date | datetime

PLACE_MAX = 60  # ours: with it, no text without accents is over two short messages
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z./-]{0,39}")
# Nine digits and more, however grouped, are the number of a person or of a phone, not a part of an office's name.
_NUMBER = re.compile(r"(?:[0-9][ .-]?){9}")


@dataclass(frozen=True, slots=True)
class Field:
    """`write(name, value)` returns the text with accents; it raises MalformedError naming the field, not the value."""

    meaning: str
    write: Callable[[FieldName, Fact], str]


def _dossier_code(field: FieldName, value: Fact) -> str:
    return str(dossier_code(_text(field, value)))


def _instant(field: FieldName, value: Fact) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _refused(field, "must be an instant with its zone")
    return f"{value.astimezone(BUSINESS_ZONE):%H:%M %d/%m}"


def _day(field: FieldName, value: Fact) -> str:
    # A datetime is a date to isinstance, but its day depends on a zone.
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _refused(field, "must be a calendar day, not an instant or a text")
    return f"{value.day:02d}/{value.month:02d}/{value.year:04d}"


def _amount(field: FieldName, value: Fact) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_VND:
        raise _refused(field, "must be whole đồng above zero")
    return format_vnd(value).removesuffix("₫") + "đồng"


def _place(field: FieldName, value: Fact) -> str:
    text = unicodedata.normalize("NFC", _text(field, value))
    if not 1 <= len(text) <= PLACE_MAX or text != text.strip() or not text.isprintable():
        raise _refused(field, f"must be 1 to {PLACE_MAX} printable characters")
    if _NUMBER.search(text):
        raise _refused(field, "holds a number of nine digits or more, which may be a person's")
    if not GSM_BASIC.issuperset(ascii_text(text)):
        raise _refused(field, "holds a sign that costs two or does not fit a plain short message")
    return text


def _code(field: FieldName, value: Fact) -> str:
    text = _text(field, value)
    if not _CODE.fullmatch(text):
        raise _refused(field, "must be 1 to 40 letters, digits and . / -")
    return text


def _text(field: FieldName, value: Fact) -> str:
    if not isinstance(value, str):
        raise _refused(field, "must be text")
    return value


def _refused(field: FieldName, why: str) -> MalformedError:
    return MalformedError(f"{field}: {why}", reason="field_bad")


FIELDS: Mapping[FieldName, Field] = MappingProxyType(
    {
        "dossier_code": Field("dossier code, agency-yyMMdd-serial", _dossier_code),
        "happened_at": Field("instant of the event, written 09:30 04/03", _instant),
        "happened_on": Field("day of the event, written 04/03/2026", _day),
        "due_on": Field("day the result is promised for", _day),
        "last_on": Field("last day the citizen may do what is asked", _day),
        "amount_vnd": Field("whole đồng, written 1.500.000 đồng", _amount),
        "place": Field(f"name of the office after «Bộ phận Một cửa», at most {PLACE_MAX} characters", _place),
        "tracking_code": Field("the post's code of the parcel; never in a short message", _code),
        "receipt_number": Field("number of the electronic receipt; never in a short message", _code),
    }
)


def can_be_written(name: FieldName, value: Fact) -> bool:
    """Tell whether a notice can carry the value: for what others name as they like."""
    try:
        FIELDS[name].write(name, value)
    except MalformedError:
        return False
    return True


# What a short message may name: it is read on a locked screen, and travels unsealed.
SHORT_MESSAGE_FIELDS: frozenset[FieldName] = frozenset(FIELDS) - {"tracking_code", "receipt_number"}
