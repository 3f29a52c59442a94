"""VNPAY's three tables of codes, complete as published (partners.md §2), and what we do on each.

The same two digits mean different things in each table: `CODES` is vnp_ResponseCode in an answer to querydr or refund,
`PAYMENT` is vnp_ResponseCode in an IPN or a browser's return, `STATUSES` is vnp_TransactionStatus everywhere.
"""

from truc.result_codes import Doing, ResultCodes

# A repeated RequestId (94) may be our own refund that was carried out; 99 does not say whether it was.
CODES = ResultCodes(
    party="vnpay",
    meaning={
        "00": "done",
        "02": "unknown terminal code",
        "03": "bad format",
        "91": "no such transaction",
        "94": "duplicate request",
        "95": "the payment did not succeed, so it cannot be refunded",
        "97": "wrong checksum",
        "99": "other error",
    },
    on={
        "get_payment": {
            "00": Doing.ACCEPTED,
            "02": Doing.SETUP,
            "03": Doing.REJECTED,
            "91": Doing.ABSENT,
            "94": Doing.TRANSIENT,
            "95": Doing.REJECTED,
            "97": Doing.SETUP,
            "99": Doing.TRANSIENT,
        },
        "send_refund": {
            "00": Doing.ACCEPTED,
            "02": Doing.SETUP,
            "03": Doing.REJECTED,
            "91": Doing.REJECTED,
            "94": Doing.ASK,
            "95": Doing.REJECTED,
            "97": Doing.SETUP,
            "99": Doing.ASK,
        },
    },
)

PAYMENT = ResultCodes(
    party="vnpay",
    meaning={
        "00": "paid",
        "07": "debited, but suspected of fraud",
        "09": "card or account without internet banking",
        "10": "authentication failed over three times",
        "11": "expired",
        "12": "card or account locked",
        "13": "wrong one-time password",
        "24": "cancelled by the payer",
        "51": "insufficient funds",
        "65": "over the day's limit",
        "75": "the bank is under maintenance",
        "79": "wrong payment password too often",
        "99": "other error",
    },
    # What the citizen who comes back is told; nothing is booked on it.
    on={
        "browser_return": {
            "00": Doing.ACCEPTED,
            "07": Doing.PENDING,
            **dict.fromkeys(("09", "10", "11", "12", "13", "24", "51", "65", "75", "79", "99"), Doing.REJECTED),
        }
    },
)

# mappings/vnpay/states.py says what each means for a payment or a refund.
STATUSES = ResultCodes(
    party="vnpay",
    meaning={
        "00": "paid",
        "01": "pending",
        "02": "error",
        "04": "reversed",
        "05": "refund in process",
        "06": "refund sent to the bank",
        "07": "suspected of fraud",
        "09": "refund refused",
    },
    on={},
)
