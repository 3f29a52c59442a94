"""What ViettelPay's payment_status means for a payment (partners.md §4): 1 is paid, and no other value is published.

So whatever is not paid stays pending: it is asked about until its time is over, and then a person decides. Nothing is
guessed about money, neither that it came nor that it will not come.
"""

from collections.abc import Mapping
from typing import Any, Literal

from truc.domain import members

State = Literal["pending", "paid"]

DONE, PAID = "00", "1"


def payment_state(said: Mapping[str, Any]) -> State:
    """Return paid where error_code and payment_status both say so; MalformedError where one is missing."""
    both = (members.text(said, "error_code"), members.text(said, "payment_status"))
    return "paid" if both == (DONE, PAID) else "pending"
