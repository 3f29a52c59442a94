"""MoMo's result codes, complete as published (partners.md §1.1), and what we do on each.

What a code tells depends on what was asked. After a create or a refund it is about that being made; after a question
it is about the fate of what was asked about, unless it is about the question itself.
"""

from truc.result_codes import Doing, ResultCodes

MEANING = {
    "0": "done",
    "10": "under maintenance",
    "11": "access denied",
    "12": "API version not supported",
    "13": "merchant authentication failed",
    "20": "bad format",
    "21": "bad amount",
    "22": "amount out of range",
    "40": "duplicate requestId",
    "41": "duplicate orderId",
    "42": "orderId invalid or not found",
    "43": "a similar transaction is running",
    "45": "duplicate item",
    "47": "not applicable to this transaction",
    "98": "QR code not made",
    "99": "unknown error",
    "1000": "waiting for the user",
    "1001": "insufficient funds",
    "1002": "refused by the issuer",
    "1003": "cancelled after authorisation",
    "1004": "over the user's limit",
    "1005": "expired",
    "1006": "refused by the user",
    "1007": "account inactive",
    "1017": "cancelled by the merchant",
    "1026": "restricted by promotion rules",
    "1080": "refund failed, retry in about an hour",
    "1081": "refund refused, already refunded",
    "1088": "not refundable",
    "2019": "bad orderGroupId",
    "4001": "account restricted",
    "4002": "account restricted",
    "7000": "processing",
    "7002": "processing at the payment provider",
    "8000": "to be confirmed again by the user",
    "9000": "authorised",
}
PENDING = ("1000", "7000", "7002", "8000", "9000")
OURS_TO_MEND = ("11", "12", "13")

# On 40, 41 and 43 something of that name may be our own earlier one; 98 and 99 do not say whether it was made.
_ON_WRITE = {
    **dict.fromkeys(MEANING, Doing.REJECTED),
    "0": Doing.ACCEPTED,
    **dict.fromkeys(PENDING, Doing.PENDING),
    "10": Doing.TRANSIENT,
    **dict.fromkeys(("40", "41", "43", "98", "99"), Doing.ASK),
    **dict.fromkeys(OURS_TO_MEND, Doing.SETUP),
}
# A code that tells a fate says that the thing is there (ACCEPTED); the mapping reads which fate.
_ON_QUESTION = {
    **dict.fromkeys(MEANING, Doing.ACCEPTED),
    **dict.fromkeys(PENDING, Doing.PENDING),
    **dict.fromkeys(("10", "40", "41", "43", "98", "99"), Doing.TRANSIENT),
    **dict.fromkeys(("20", "21", "22", "45", "47", "2019"), Doing.REJECTED),
    **dict.fromkeys(OURS_TO_MEND, Doing.SETUP),
    "42": Doing.ABSENT,
}

CODES = ResultCodes(
    party="momo",
    meaning=MEANING,
    on={
        "send_payment": _ON_WRITE,
        "ask_payment": _ON_QUESTION,
        "get_payment": _ON_QUESTION,
        # 1080: MoMo says itself to try the refund again later, so nothing happened.
        "send_refund": {**_ON_WRITE, "1080": Doing.TRANSIENT},
        "ask_refund": _ON_QUESTION,
        "get_refund": _ON_QUESTION,
    },
)
