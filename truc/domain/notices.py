"""The words of automatic messages to citizens: plain ASCII, so that one SMS segment holds them."""

from datetime import datetime
from typing import Literal

from truc.domain.calendar import BUSINESS_ZONE

NoticeKind = Literal["received", "supplement", "ready"]

_TEXTS: dict[NoticeKind, str] = {
    "received": "Ho so {code} da duoc tiep nhan.{due}",
    # With its instant: a second request must not look like the first one sent again.
    "supplement": "Ho so {code} can bo sung giay to ({at}). Vui long lien he Bo phan Mot cua.",
    "ready": "Ho so {code} da co ket qua. Vui long den Bo phan Mot cua de nhan.",
}


def notice_text(kind: NoticeKind, code: str, *, at: datetime, due_at: datetime | None) -> str:
    """Return the text of a notice of an event of `at`; only a received one names the due date."""
    due = "" if due_at is None else f" Ngay hen tra: {due_at.astimezone(BUSINESS_ZONE):%d/%m/%Y}."
    return _TEXTS[kind].format(code=code, due=due, at=f"{at.astimezone(BUSINESS_ZONE):%H:%M %d/%m}")
