"""The payment platform's result codes as far as they are published (partners.md §9.1), and what we do on each.

The whole list of MaLoi is missing: only 00 and 99 are known. A connection may name further codes of failure; nothing
adds a code of success.
"""

from truc.result_codes import Doing, ResultCodes

# MaLoi of an answer to QUERY.
CODES = ResultCodes(
    party="national_payment",
    meaning={"00": "done", "99": "other error"},
    on={"get_payment": {"00": Doing.ACCEPTED, "99": Doing.TRANSIENT}},
)

# error_code of the answer to INIT. A code that is not known here may stand for an order that was taken.
INIT = ResultCodes(
    party="national_payment",
    meaning={"0": "taken"},
    on={"send_payment": {"0": Doing.ACCEPTED}},
)
