"""The two languages of the pages, and how they write money, days and instants."""

from datetime import date, datetime
from enum import StrEnum

from fastapi import Request

from truc.domain.calendar import BUSINESS_ZONE

COOKIE = "truc_lang"


class Language(StrEnum):
    """Vietnamese is first; what is unknown is Vietnamese."""

    VI = "vi"
    EN = "en"


def chosen(request: Request) -> Language:
    """Return what the address asks for, else what was asked before."""
    asked = request.query_params.get("lang") or request.cookies.get(COOKIE)
    return Language.EN if asked == Language.EN else Language.VI


def whole(number: int, lang: str) -> str:
    """Write 144886308 as 144.886.308, in English as 144,886,308; a minus is the real sign."""
    text = f"{abs(number):,}" if lang == Language.EN else f"{abs(number):,}".replace(",", ".")
    return f"−{text}" if number < 0 else text


def money(amount_vnd: int, lang: str) -> str:
    """Write an amount in đồng."""
    return f"{whole(amount_vnd, lang)} đ"


def signed(amount_vnd: int, lang: str) -> str:
    """Write a difference: its sign always, so that colour is never the only one."""
    return f"+{money(amount_vnd, lang)}" if amount_vnd > 0 else money(amount_vnd, lang)


def day(value: date | None) -> str:
    """Write a day as dd/mm/yyyy."""
    return "" if value is None else f"{value:%d/%m/%Y}"


def instant(value: datetime | None) -> str:
    """Write an instant as people in Vietnam read it."""
    return "" if value is None else f"{value.astimezone(BUSINESS_ZONE):%d/%m/%Y %H:%M}"
