"""The platform's fields one by one: whole đồng, times of Vietnam, texts without bars (partners.md §9.1)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from truc.domain import members
from truc.errors import MalformedError

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
TIME_FORMAT = "%Y%m%d%H%M%S"
TIME = re.compile(r"[0-9]{14}")
REFERENCE = re.compile(r"[0-9A-Za-z]{1,20}")  # MaThamChieu: 20 characters, letters and digits only
PURPOSE_MAX = 100  # ours: no limit is published


def clock(at: datetime) -> str:
    """Return yyyyMMddHHmmss on Vietnam's clock of 24 hours."""
    return f"{at.astimezone(VIETNAM):{TIME_FORMAT}}"


def reference(value: str) -> str:
    """Return our reference as MaThamChieu, or raise MalformedError."""
    if not REFERENCE.fullmatch(value):
        raise MalformedError("our_reference must be 1 to 20 letters and digits", reason="reference_malformed")
    return value


def purpose(text: str) -> str:
    """Return ThongTinGiaoDich in one line: a bar would change what the hash covers."""
    plain = " ".join(text.replace("|", " ").split())
    if not 1 <= len(plain) <= PURPOSE_MAX:
        raise MalformedError(f"purpose must be 1 to {PURPOSE_MAX} characters", reason="text_too_long")
    return plain


def amount_vnd(said: Mapping[str, Any]) -> int:
    """Return SoTien in whole đồng; MalformedError for another currency than VND."""
    if members.text(said, "MaTienTe") != "VND":
        raise MalformedError("MaTienTe must be VND", reason="currency_unknown")
    value = said.get("SoTien")
    if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 15):
        raise MalformedError("SoTien must be whole đồng", reason="field_malformed")
    return int(value)


def moment(said: Mapping[str, Any]) -> datetime:
    """Return the instant of ThoiGianGD, yyyyMMddHHmmss on Vietnam's clock."""
    value = said.get("ThoiGianGD")
    try:
        if isinstance(value, str) and TIME.fullmatch(value):
            return datetime.strptime(value, TIME_FORMAT).replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise MalformedError("ThoiGianGD is no time of the calendar", reason="field_malformed") from error
    raise MalformedError("ThoiGianGD must be yyyyMMddHHmmss", reason="field_malformed")
