"""ViettelPay's answer codes as far as they are published (partners.md §4): of its own list (V0x) nothing is.

Any other code is unknown: after a question unreadable, after a refund of unknown outcome. `PAID`
is the only payment_status that is published.
"""

from truc.result_codes import Doing, ResultCodes

CODES = ResultCodes(
    party="viettelpay",
    meaning={"00": "done"},
    on={"get_payment": {"00": Doing.ACCEPTED}, "send_refund": {"00": Doing.ACCEPTED}},
)

PAID = "1"
