"""PostalCancelled to the cancel of domain/partners.md 10.2; the customer code is the client's."""

import json

from truc.errors import MalformedError
from truc.messages import PostalCancelled


def write(message: PostalCancelled) -> bytes:
    """Return the cancel as JSON; raise MalformedError when there is no order number."""
    if not message.order_number.strip():
        raise MalformedError("order_number: empty; nothing can be cancelled by it", reason="field_missing")
    return json.dumps({"orderNumber": message.order_number.strip()}, ensure_ascii=False).encode()
