"""ViettelPay's answer codes as far as they are published (partners.md §4): of its own list (V0x) nothing is.

Any other code is unknown: after a question unreadable, after a refund of unknown outcome. `OUR_CODES` are those that we
answer its calls with; `PAID` is the only payment_status that is published.
"""

from truc.result_codes import Doing, ResultCodes

CODES = ResultCodes(
    party="viettelpay",
    meaning={"00": "done"},
    on={"get_payment": {"00": Doing.ACCEPTED}, "send_refund": {"00": Doing.ACCEPTED}},
)

OUR_CODES = {"00": "accepted", "01": "wrong bill or merchant", "02": "wrong checksum", "03": "other"}
PAID = "1"
