"""ViettelPay's fields one by one: whole đồng, short references, texts without diacritics (partners.md §4)."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from truc.errors import MalformedError

REFERENCE = re.compile(r"[0-9A-Za-z]{1,20}")  # billcode and order_id: at most 20 characters in a published client
NOT_PLAIN = re.compile(r"[^0-9A-Za-z ._:,/#-]")
TEXT_MAX = 255  # ours: no limit is in partners.md
AMOUNT_VND_MAX = 10**12


def plain_text(text: str, *, name: str = "purpose") -> str:
    """Return the text in plain letters; MalformedError when it is empty or too long."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(one for one in bare if not unicodedata.combining(one))
    plain = " ".join(NOT_PLAIN.sub(" ", letters).split())
    if not 1 <= len(plain) <= TEXT_MAX:
        raise MalformedError(f"{name} must be 1 to {TEXT_MAX} plain characters", reason="text_too_long")
    return plain


def reference(value: str, name: str) -> str:
    """Return a reference of ours, or raise MalformedError when ViettelPay would not take it."""
    if not REFERENCE.fullmatch(value):
        raise MalformedError(f"{name} must be 1 to 20 letters and digits", reason="reference_malformed")
    return value


def bill_code(amount_vnd: int) -> str:
    """Return billcode, which says the amount: the call before the payment names it, and no amount beside it."""
    if not 1 <= amount_vnd <= AMOUNT_VND_MAX:
        raise MalformedError(f"amount_vnd must be 1 to {AMOUNT_VND_MAX:,} đồng", reason="amount_out_of_range")
    return f"{amount_vnd}VND"


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


def amount_vnd(said: Mapping[str, Any], name: str = "trans_amount") -> int:
    """Return whole đồng."""
    value = said.get(name)
    if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 15):
        raise MalformedError(f"{name} must be whole đồng", reason="field_malformed")
    return int(value)
