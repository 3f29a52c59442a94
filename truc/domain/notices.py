"""Writes notices to citizens: as a short message with and without accents, as an e-mail, as Zalo template data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from truc.domain.notice_fields import FIELDS, Fact, FieldName
from truc.domain.notice_kinds import KINDS, NoticeName
from truc.domain.notice_words import WORDS
from truc.domain.vietqr import ascii_text
from truc.errors import MalformedError

_CLAUSE = re.compile(r"\[([^\[\]]*)\]")
_FIELD = re.compile(r"\{(\w+)\}")
# A Zalo template has no clause that falls away; «per the appointment slip» is true of the day and of the place.
_NOT_GIVEN = "theo giấy hẹn"
_NO_CODE_YET = "chưa có"
_LETTER = "Kính gửi Ông/Bà,\n\n{text}\n{more}\n\nThư này được gửi tự động, vui lòng không trả lời.\n"


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail: a subject of one line, and plain text whose lines end with LF."""

    subject: str
    text: str


def unicode_text(kind: NoticeName, facts: Mapping[FieldName, Fact]) -> str:
    """Return the short message with accents.

    Raise MalformedError that names the field: field_unknown, field_missing, field_bad, or the reason of its own type.
    """
    return _fill(WORDS[kind].text, _written(kind, facts))


def plain_text(kind: NoticeName, facts: Mapping[FieldName, Fact]) -> str:
    """Return the same words without accents, in ASCII that the GSM alphabet holds; raise as `unicode_text`."""
    return ascii_text(unicode_text(kind, facts))


def letter(kind: NoticeName, facts: Mapping[FieldName, Fact]) -> Letter:
    """Return the e-mail; raise as `unicode_text`."""
    words, written = WORDS[kind], _written(kind, facts)
    text, more = _fill(words.text, written), _fill(words.more, written)
    return Letter(_fill(words.subject, written), _LETTER.format(text=text, more=more))


def zalo_data(kind: NoticeName, facts: Mapping[FieldName, Fact]) -> dict[str, str]:
    """Return template_data with every field the kind knows, as text with accents; raise as `unicode_text`.

    Which template_id a kind has is a setting: templates are registered, and approved, per official account.
    """
    written = _written(kind, facts)
    absent = {name: _NO_CODE_YET if name == "tracking_code" else _NOT_GIVEN for name in KINDS[kind].optional}
    return {name: written.get(name) or absent[name] for name in KINDS[kind].known}


def check(kind: NoticeName, facts: Mapping[FieldName, Fact]) -> None:
    """Raise as `unicode_text` when the kind cannot be written from these facts."""
    _written(kind, facts)


def _written(kind: NoticeName, facts: Mapping[FieldName, Fact]) -> dict[str, str]:
    unknown, missing = facts.keys() - set(KINDS[kind].known), set(KINDS[kind].fields) - facts.keys()
    if unknown:
        raise MalformedError(f"{kind}: knows no {', '.join(sorted(unknown))}", reason="field_unknown")
    if missing:
        raise MalformedError(f"{kind}: needs {', '.join(sorted(missing))}", reason="field_missing")
    return {name: FIELDS[name].write(name, fact) for name, fact in facts.items()}


def _fill(words: str, written: Mapping[str, str]) -> str:
    """Fill the fields, once the clauses that lack one are gone: what is filled in is not looked at again."""
    kept = _CLAUSE.sub(lambda clause: clause[1] if written.keys() >= set(_FIELD.findall(clause[1])) else "", words)
    return _FIELD.sub(lambda field: written[field[1]], kept)
