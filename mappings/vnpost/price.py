"""The question for a postal fee, and its answer (domain/partners.md 10.2: mainSrv "HCC", content.price)."""

import json
from typing import Any

from truc.errors import MalformedError
from truc.messages import PostageAsked


def write(message: PostageAsked) -> bytes:
    """Return the question as JSON; the client adds the district codes. MalformedError for what is no province."""
    question = {
        "weight": message.weight_g,
        "mainSrv": "HCC",
        "isreturn": 1,
        "sender": {"provCode": _province("sender_province", message.sender_province)},
        "receiver": {"provCode": _province("receiver_province", message.receiver_province)},
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


def _province(name: str, code: str) -> int:
    if not (code.isascii() and code.isdecimal() and len(code) == 2):
        raise MalformedError(f"{name}: two digits of Decision 19/2025/QĐ-TTg are needed", reason="field_malformed")
    return int(code)


def _price(body: bytes) -> Any:
    try:
        return json.loads(body)["content"]["price"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedError("content.price: missing", reason="field_missing") from error
