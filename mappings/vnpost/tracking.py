"""A page of tracking to shipment events (domain/partners.md 10.2).

Seen: items {_id.$oid, orderNumber, statusCode, statusMessage}, held either in a bare list or in
RESTHeart's `_embedded."rh:doc"`. No time of the event is among them, so `occurred_at` is the time in
the first four bytes of the ObjectId: when VNPost's store wrote the item.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mappings.vnpost.status import STATES
from truc.domain.text import storable
from truc.errors import MalformedError
from truc.messages import ShipmentEvent, Unreadable

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
OBJECT_ID = re.compile(r"[0-9a-f]{24}")


def read(body: bytes) -> Iterator[ShipmentEvent | Unreadable]:
    """Yield one event per item, or Unreadable for a single bad one; raise MalformedError when it is no page."""
    for number, item in enumerate(_items(body), start=1):
        try:
            yield _event(item)
        except _ItemError as error:
            yield Unreadable(item=_name(item, number), reason=error.reason, text=str(error))


def _event(item: Any) -> ShipmentEvent:
    if not isinstance(item, dict):
        raise _ItemError("the item is no object", reason="not_an_object")
    event_id, order_number = _event_id(item), item.get("orderNumber")
    if not isinstance(order_number, str) or not order_number:
        raise _ItemError("orderNumber: missing", reason="field_missing")
    if not storable(order_number):
        raise _ItemError("orderNumber: holds NUL or half a character", reason="text_not_storable")
    raw = _raw_status(item)
    if raw not in STATES:
        text = f"statusCode {raw!r}: unknown; confirm it with VNPost and add it to mappings/vnpost/status.py"
        raise _ItemError(text, reason="unknown_status")
    return ShipmentEvent(
        event_id=event_id,
        order_number=order_number,
        tracking_code="",  # this service names a parcel by our order number only
        state=STATES[raw],
        raw_status=raw,
        occurred_at=datetime.fromtimestamp(int(event_id[:8], 16), UTC).astimezone(VIETNAM),
    )


def _event_id(item: dict[str, Any]) -> str:
    holder = item.get("_id")
    event_id = holder.get("$oid") if isinstance(holder, dict) else None
    if not isinstance(event_id, str) or not OBJECT_ID.fullmatch(event_id):
        raise _ItemError("_id.$oid: not 24 hex digits", reason="field_malformed")
    return event_id


def _raw_status(item: dict[str, Any]) -> str:
    """Return the code as text; the seen clients do not agree on number or text."""
    code = item.get("statusCode")
    if isinstance(code, bool) or not isinstance(code, int | str):
        raise _ItemError("statusCode: missing or neither number nor text", reason="field_malformed")
    return str(code)[:40]


def _items(body: bytes) -> list[Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("vnpost tracking: not JSON", reason="not_json") from error
    if isinstance(value, dict):
        embedded = value.get("_embedded")
        value = embedded.get("rh:doc") if isinstance(embedded, dict) else None
    if not isinstance(value, list):
        raise MalformedError('vnpost tracking: neither a list nor _embedded."rh:doc"', reason="not_a_page")
    return value


def _name(item: Any, number: int) -> str:
    """Name the item by its order number where that is plain, else by its place on the page."""
    order_number = item.get("orderNumber") if isinstance(item, dict) else None
    plain = isinstance(order_number, str) and re.fullmatch(r"[\w.\-/]{1,64}", order_number, re.ASCII)
    return str(order_number) if plain else f"item {number}"


class _ItemError(MalformedError):
    """One item that cannot be read."""
