"""Writes MoMo's daily statement in the stand-in's own neutral form (MoMo's is not published).

HEADER,partner code,YYYY-MM-DD
LINE,line,order id,transaction id,PAYMENT or REFUND,amount,fee,SUCCESS or FAILED,YYYY-MM-DD HH:MM:SS
TOTAL,count,sum of the amounts of all lines
"""

import csv
import io
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def day_of(at: str) -> str:
    """Return the ISO day in Vietnam of an ISO instant."""
    return datetime.fromisoformat(at).astimezone(VIETNAM).date().isoformat()


def statement_bytes(
    partner_code: str, day: str, paid: list[dict[str, Any]], breaks: dict[str, Any], *, too_much_vnd: int = 0
) -> bytes:
    """Return the statement of a day: the paid orders of that day, with the planted breaks."""
    dropped, amounts = set(breaks.get("drop", ())), breaks.get("amount", {})
    lines = [one for one in paid if day_of(one["at"]) == day and one["orderId"] not in dropped]
    lines = [one | {"amount": amounts.get(one["orderId"], one["amount"])} for one in lines]
    lines += [one for one in breaks.get("add", ()) if day_of(one["at"]) == day]
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(("HEADER", partner_code, day))
    rows.writerows(_line(number, one) for number, one in enumerate(lines, start=1))
    rows.writerow(("TOTAL", len(lines), sum(int(one["amount"]) for one in lines) + too_much_vnd))
    return text.getvalue().encode()


def _line(number: int, one: dict[str, Any]) -> tuple[object, ...]:
    at = datetime.fromisoformat(one["at"]).astimezone(VIETNAM)
    kind, state = one.get("kind", "PAYMENT"), one.get("state", "SUCCESS")
    amount, fee = int(one["amount"]), int(one.get("fee", 0))
    return ("LINE", number, one["orderId"], one["transId"], kind, amount, fee, state, f"{at:%Y-%m-%d %H:%M:%S}")
