"""The words of automatic messages to citizens: plain ASCII, so that one SMS segment holds them."""

from datetime import datetime
from typing import Literal

from truc.domain.calendar import BUSINESS_ZONE

NoticeKind = Literal["received", "supplement", "ready"]

_TEXTS: dict[NoticeKind, str] = {
    "received": "Ho so {code} da duoc tiep nhan.{due}",
    "supplement": "Ho so {code} can bo sung giay to. Vui long lien he Bo phan Mot cua.",
    "ready": "Ho so {code} da co ket qua. Vui long den Bo phan Mot cua de nhan.",
}


def notice_text(kind: NoticeKind, code: str, due_at: datetime | None) -> str:
    """Return the text of a notice; only a received one names the due date."""
    due = "" if due_at is None else f" Ngay hen tra: {due_at.astimezone(BUSINESS_ZONE):%d/%m/%Y}."
    return _TEXTS[kind].format(code=code, due=due)
