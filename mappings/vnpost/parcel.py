"""MyVNPost's answer about one order to a shipment event (domain/partners.md 10.1, getOrder).

Kept is {order_number, sender_code, answer}: a code may be another sender's too, so whose order was asked about stands
beside the answer. Seen of that: an object, or a list of one, with `results[]`: itemCode, originalItemCode,
saleOrderCode, senderCode, status, statusName, totalFee, updatedDate (`dd/MM/yyyy HH:mm:ss`, ISO, or `-`; local time).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mappings.vnpost.status import MY_VNPOST, MY_VNPOST_OLDER
from truc.domain.shipment_states import Word
from truc.domain.text import storable
from truc.errors import MalformedError
from truc.messages import ShipmentEvent, Unreadable

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
SCALE: Mapping[str, Word | None] = MY_VNPOST_OLDER | MY_VNPOST
CODES = ("saleOrderCode", "itemCode", "originalItemCode")
NO_TIME = "-"


def read(body: bytes) -> Iterator[ShipmentEvent | Unreadable]:
    """Yield where our order stands, or Unreadable for a status or time that is none.

    Nothing for an order that is only placed and has no time: no step was taken yet. MalformedError when the answer is
    none, or does not hold exactly one order of that code and sender.
    """
    order_number, sender_code, answer = _kept(body)
    ours = [one for one in _results(answer) if _is_ours(one, order_number, sender_code)]
    if len(ours) != 1:
        text = f"vnpost parcel: {len(ours)} orders of this code and sender; one is expected"
        raise MalformedError(text, reason="not_one_order")
    try:
        if (event := _event(ours[0], order_number)) is not None:
            yield event
    except _OrderError as error:
        yield Unreadable(item=order_number, reason=error.reason, text=str(error))


def _event(result: dict[str, Any], order_number: str) -> ShipmentEvent | None:
    raw = _raw_status(result)
    state = _state(raw)
    if state == "ordered" and result.get("updatedDate") == NO_TIME:
        return None
    updated_at = _updated_at(result.get("updatedDate"))
    return ShipmentEvent(
        event_id=f"{order_number}/{raw}/{updated_at.isoformat()}",  # the answer has no name of its own
        order_number=order_number,
        tracking_code=_text(result, "itemCode"),
        state=state,
        raw_status=raw,
        occurred_at=updated_at,
    )


def _state(raw: str) -> Word:
    if raw not in SCALE:
        text = f"status {raw!r}: unknown; confirm it with VNPost and add it to mappings/vnpost/status.py"
        raise _OrderError(text, reason="unknown_status")
    state = SCALE[raw]
    if state is None:
        raise _OrderError(f"status {raw}: no step of a whole parcel; look it up", reason="status_is_no_step")
    return state


def _kept(body: bytes) -> tuple[str, str, str]:
    """Return our order's number, our account, and the answer."""
    try:
        kept = json.loads(body)
        found = kept["order_number"], kept["sender_code"], kept["answer"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedError("vnpost parcel: not what the client keeps", reason="not_json") from error
    if not all(isinstance(one, str) for one in found):
        raise MalformedError("vnpost parcel: not what the client keeps", reason="not_an_answer")
    return found


def _is_ours(result: Any, order_number: str, sender_code: str) -> bool:
    if not isinstance(result, dict) or str(result.get("senderCode")) != sender_code:
        return False
    return order_number in [result.get(name) for name in CODES]


def _raw_status(result: dict[str, Any]) -> str:
    code = result.get("status")
    if isinstance(code, bool) or not isinstance(code, int | str) or not storable(str(code)):
        raise _OrderError("status: missing or neither number nor text", reason="field_malformed")
    return str(code)[:40]


def _updated_at(value: Any) -> datetime:
    """Return the instant; a text without a zone is local time."""
    for parse in (lambda text: datetime.strptime(text, "%d/%m/%Y %H:%M:%S"), datetime.fromisoformat):  # noqa: DTZ007  (its zone is set below)
        try:
            read_at = parse(value)
            return (read_at if read_at.tzinfo else read_at.replace(tzinfo=VIETNAM)).astimezone(VIETNAM)
        except (ValueError, TypeError, OverflowError):  # the last: a zone before the first or after the last year
            continue
    raise _OrderError("updatedDate: neither dd/MM/yyyy HH:mm:ss nor ISO", reason="field_malformed")


def _text(result: dict[str, Any], name: str) -> str:
    value = result.get(name)
    return value if isinstance(value, str) and storable(value) else ""


def _results(answer: str) -> list[Any]:
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise MalformedError("vnpost parcel: not JSON", reason="not_json") from error
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list):
        raise MalformedError("vnpost parcel: no results", reason="not_an_answer")
    return results


class _OrderError(MalformedError):
    """Our order is there and cannot be read."""
