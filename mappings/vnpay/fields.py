"""VNPAY's fields one by one: amounts in hundredths, times of Vietnam, texts without diacritics (partners.md §2)."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from truc.domain import members
from truc.errors import MalformedError

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
TIME_FORMAT = "%Y%m%d%H%M%S"
TIME = re.compile(r"[0-9]{14}")
REFERENCE = re.compile(r"[0-9A-Za-z]+")
# What every form encoder writes alike. On ! ' ( ) * ~ they differ, and the hash is over the encoded text.
NOT_PLAIN = re.compile(r"[^0-9A-Za-z ._:,/#-]")
ORDER_INFO_MAX = 255  # ours: no limit is in partners.md


def hundredths(amount_vnd: int) -> str:
    """Return vnp_Amount: đồng times 100."""
    return str(amount_vnd * 100)


def clock(at: datetime) -> str:
    """Return yyyyMMddHHmmss on Vietnam's clock."""
    return f"{at.astimezone(VIETNAM):{TIME_FORMAT}}"


def order_info(text: str, *, name: str = "purpose") -> str:
    """Return the text in plain letters, as the pay page shows it; MalformedError when it is empty or too long."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(one for one in bare if not unicodedata.combining(one))
    plain = " ".join(NOT_PLAIN.sub(" ", letters).split())
    if not 1 <= len(plain) <= ORDER_INFO_MAX:
        raise MalformedError(f"{name} must be 1 to {ORDER_INFO_MAX} plain characters", reason="text_too_long")
    return plain


def named(value: str, name: str, length_max: int) -> str:
    """Return a reference of ours, or raise MalformedError when VNPAY would not take it."""
    if len(value) > length_max or not REFERENCE.fullmatch(value):
        raise MalformedError(f"{name} must be 1 to {length_max} letters and digits", reason="reference_malformed")
    return value


def pairs(query: str) -> dict[str, str]:
    """Return the decoded fields of a query string."""
    try:
        found = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise MalformedError("not a query string", reason="not_a_query") from error
    if len(dict(found)) != len(found):
        raise MalformedError("a name appears twice", reason="not_a_query")
    return dict(found)


def ascii_text(body: bytes) -> str:
    """Return the body as the ASCII text that a query string is."""
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedError("not a query string", reason="not_a_query") from error


def answer(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return VNPAY's own answer out of what the client kept of a call."""
    found = kept.get("answer")
    if not isinstance(found, str):
        raise MalformedError("answer must be VNPAY's answer as text", reason="field_malformed")
    return members.json_object(found)


def amount_vnd(said: Mapping[str, Any], name: str = "vnp_Amount") -> int:
    """Return whole đồng; a rest of hundredths is refused."""
    value = said.get(name)
    if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 17):
        raise MalformedError(f"{name} must be a whole number of hundredths", reason="field_malformed")
    whole, rest = divmod(int(value), 100)
    if rest:
        raise MalformedError(f"{name} is not whole đồng", reason="amount_not_integer")
    return whole


def moment(said: Mapping[str, Any], name: str) -> datetime:
    """Return the instant of yyyyMMddHHmmss on Vietnam's clock."""
    value = said.get(name)
    try:
        if isinstance(value, str) and TIME.fullmatch(value):
            return datetime.strptime(value, TIME_FORMAT).replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise MalformedError(f"{name} is no time of the calendar", reason="field_malformed") from error
    raise MalformedError(f"{name} must be yyyyMMddHHmmss", reason="field_malformed")
