"""The question that proves credentials without a trace: about an order that cannot exist."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from truc.envelope import Order
from truc.errors import MalformedError, RejectedError


def is_not_found(party: str, get_payment: Callable[[Order], bytes]) -> None:
    """Return when the partner says `not_found`, which it says to callers it knows; else raise what the question does.

    MalformedError when it knows such an order: its name, 20 letters and digits, is made here and now.
    """
    name = f"PROBE{uuid4().hex[:15]}"
    order = Order(our_reference=name, partner_token=name, amount_vnd=0, requested_at=datetime.now(UTC))
    try:
        get_payment(order)
    except RejectedError as error:
        if error.reason != "not_found":
            raise
        return
    raise MalformedError(f"{party}: it knows an order that cannot exist", reason="answer_of_another")
