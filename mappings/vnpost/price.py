"""The question for a postal fee, and its answer (domain/partners.md 10.2: mainSrv "HCC", content.price)."""

import json
from typing import Any

from truc.errors import MalformedError


def write(*, weight_g: int, sender_province: str, receiver_province: str) -> bytes:
    """Return the question as JSON; the client adds the district codes. Provinces are two digits."""
    if weight_g <= 0:
        raise MalformedError("weight_g: must be above 0", reason="field_malformed")
    question = {
        "weight": weight_g,
        "mainSrv": "HCC",
        "isreturn": 1,
        "sender": {"provCode": int(sender_province)},
        "receiver": {"provCode": int(receiver_province)},
    }
    return json.dumps(question).encode()


def read(body: bytes) -> int:
    """Return the fee in whole đồng, or raise MalformedError. The price is seen as text and as number."""
    price = _price(body)
    if isinstance(price, str) and price.isascii() and price.isdecimal() and len(price) <= 15:
        return int(price)
    if isinstance(price, int) and not isinstance(price, bool) and 0 <= price < 10**15:
        return price
    raise MalformedError("content.price: not whole đồng", reason="field_malformed")


def _price(body: bytes) -> Any:
    try:
        return json.loads(body)["content"]["price"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedError("content.price: missing", reason="field_missing") from error
