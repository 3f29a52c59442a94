"""MoMo's result codes, complete as published (partners.md §1.1), and what we do on each.

What a code tells depends on what was asked. After a create it is about our order being made; after
a query it is about the order's fate, unless it is about the query itself.
"""

from enum import StrEnum


class Doing(StrEnum):
    """What the client does on a code."""

    ACCEPTED = "accepted"  # done
    PENDING = "pending"  # the order stands, the citizen or MoMo has still to act
    TRANSIENT = "transient"  # nothing happened; later
    ASK = "ask"  # something of that name may stand there: ask by orderId
    REJECTED = "rejected"  # refused; a person decides
    SETUP = "setup"  # our contract or keys


MEANING: dict[int, str] = {
    0: "done",
    10: "under maintenance",
    11: "access denied",
    12: "API version not supported",
    13: "merchant authentication failed",
    20: "bad format",
    21: "bad amount",
    22: "amount out of range",
    40: "duplicate requestId",
    41: "duplicate orderId",
    42: "orderId invalid or not found",
    43: "a similar transaction is running",
    45: "duplicate item",
    47: "not applicable to this transaction",
    98: "QR code not made",
    99: "unknown error",
    1000: "waiting for the user",
    1001: "insufficient funds",
    1002: "refused by the issuer",
    1003: "cancelled after authorisation",
    1004: "over the user's limit",
    1005: "expired",
    1006: "refused by the user",
    1007: "account inactive",
    1017: "cancelled by the merchant",
    1026: "restricted by promotion rules",
    1080: "refund failed, retry in about an hour",
    1081: "refund refused, already refunded",
    1088: "not refundable",
    2019: "bad orderGroupId",
    4001: "account restricted",
    4002: "account restricted",
    7000: "processing",
    7002: "processing at the payment provider",
    8000: "to be confirmed again by the user",
    9000: "authorised",
}

# After a create. On 40, 41 and 43 an order of that name may be our own earlier one; 98 and 99 do
# not say whether the order was made.
ON_CREATE: dict[int, Doing] = {
    **dict.fromkeys(MEANING, Doing.REJECTED),
    0: Doing.ACCEPTED,
    **dict.fromkeys((1000, 7000, 7002, 8000, 9000), Doing.PENDING),
    10: Doing.TRANSIENT,
    **dict.fromkeys((40, 41, 43, 98, 99), Doing.ASK),
    **dict.fromkeys((11, 12, 13), Doing.SETUP),
}

# Codes after a query that are about the query itself, not about the order; every other known code
# except 42 tells the order's fate, so the order is there.
ON_QUERY: dict[int, Doing] = {
    **dict.fromkeys((10, 40, 41, 43, 98, 99), Doing.TRANSIENT),
    **dict.fromkeys((11, 12, 13), Doing.SETUP),
    **dict.fromkeys((20, 21, 22, 45, 47, 2019), Doing.REJECTED),
}
NOT_FOUND = 42
