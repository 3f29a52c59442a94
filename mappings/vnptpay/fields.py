"""The fields of VNPT's gateway one by one: whole đồng, references, times in milliseconds, texts without diacritics."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from truc.domain import members
from truc.errors import MalformedError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_STAMP = re.compile(r"[0-9]{13}")
NOT_PLAIN = re.compile(r"[^0-9A-Za-z ._:,/-]")
REFERENCE_MAX = 40  # invoiceNo; merTrxId may have 50
TEXT_MAX = 100  # goodsNm


def plain_text(text: str, *, name: str = "purpose") -> str:
    """Return the text in plain letters; MalformedError when it is empty or too long."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(one for one in bare if not unicodedata.combining(one))
    plain = " ".join(NOT_PLAIN.sub(" ", letters).split())
    if not 1 <= len(plain) <= TEXT_MAX:
        raise MalformedError(f"{name} must be 1 to {TEXT_MAX} plain characters", reason="text_too_long")
    return plain


def reference(value: str, name: str) -> str:
    """Return a reference of ours, or raise MalformedError when it would not be taken."""
    if len(value) > REFERENCE_MAX or not re.fullmatch(r"[0-9A-Za-z]+", value):
        raise MalformedError(f"{name} must be 1 to {REFERENCE_MAX} letters and digits", reason="reference_malformed")
    return value


def milliseconds(at: datetime) -> str:
    """Return timeStamp: whole milliseconds of the epoch."""
    return str((at - EPOCH) // timedelta(milliseconds=1))


def notified(body: bytes) -> dict[str, Any]:
    """Return the fields of a notification, which comes as JSON or as a form; numbers as the text they came with."""
    return members.json_object(body) if body.lstrip().startswith(b"{") else pairs(body)


def pairs(form: bytes | str) -> dict[str, str]:
    """Return the decoded fields of a form."""
    try:
        text = form.decode("ascii") if isinstance(form, bytes) else form
        found = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise MalformedError("not a form", reason="not_a_form") from error
    if len(dict(found)) != len(found):
        raise MalformedError("a name appears twice", reason="not_a_form")
    return dict(found)


def amount_vnd(said: Mapping[str, Any]) -> int:
    """Return whole đồng."""
    value = said.get("amount")
    if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 15):
        raise MalformedError("amount must be whole đồng", reason="field_malformed")
    return int(value)


def moment(said: Mapping[str, Any]) -> datetime:
    """Return the instant of timeStamp."""
    value = said.get("timeStamp")
    if not (isinstance(value, str) and TIME_STAMP.fullmatch(value)):
        raise MalformedError("timeStamp must be 13 digits", reason="field_malformed")
    return EPOCH + timedelta(milliseconds=int(value))
