"""How the portal writes text and time: UTF-8 JSON, NFC, `yyyyMMddHHmmss` in Asia/Ho_Chi_Minh (egov.md 1.3)."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

from truc.domain.text import storable
from truc.errors import MalformedError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
TIME_FORM = re.compile(r"(19|20)[0-9]{12}")
CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")  # no name or address has one


def nfc(text: str) -> str:
    """Return the text composed (NFC), without white space around it."""
    return normalize("NFC", text).strip()


def limited(text: str, most: int, field: str) -> str:
    """Return NFC text of at most `most` characters, or raise MalformedError: a name is never cut."""
    composed = nfc(text)
    if len(composed) > most:
        raise MalformedError(f"{field}: over {most} characters; shorten it", reason="too_long")
    return composed


def shortened(text: str, most: int) -> str:
    """Return NFC text, cut with an ellipsis to `most` characters: for a summary, never for a name."""
    composed = nfc(text)
    return composed if len(composed) <= most else composed[: most - 1] + "…"


def time_text(at: datetime | None) -> str:
    """Return the instant as the portal writes it, "" for none."""
    return "" if at is None else f"{at.astimezone(ZONE):%Y%m%d%H%M%S}"


def time_of(text: str, field: str) -> datetime:
    """Return the aware instant, or raise MalformedError naming the field and the form."""
    try:
        if TIME_FORM.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=ZONE)
    except ValueError:
        pass
    raise MalformedError(f"{field}: not a time; send yyyyMMddHHmmss", reason="malformed_date")


def text_of(item: Mapping[str, Any], field: str) -> str:
    """Return a field as NFC text; a number becomes text, a missing or null one ""."""
    value = item.get(field)
    if value is None:
        return ""
    if isinstance(value, str) and storable(value) and not CONTROL.search(value):
        return nfc(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise MalformedError(f"{field}: neither clean text nor a whole number", reason="malformed_field")


def required(item: Mapping[str, Any], field: str) -> str:
    """Return a field that must not be empty, or raise MalformedError."""
    text = text_of(item, field)
    if not text:
        raise MalformedError(f"{field}: missing; ask the portal to send it", reason="missing_field")
    return text


def filled(item: Mapping[str, object], *fields: str) -> Mapping[str, object]:
    """Return the item, or raise MalformedError naming a field that the portal does not take empty."""
    for field in fields:
        if not item[field]:
            raise MalformedError(f"{field}: missing; fill it in", reason="missing_field")
    return item


def json_bytes(item: Mapping[str, object]) -> bytes:
    """Return one JSON object in UTF-8, Vietnamese letters as themselves, fields in the order given."""
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()
