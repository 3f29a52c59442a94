"""The neutral row, on every side: its columns, its words, and what they mean to the rules (docs/reconcile.md)."""

FAMILIES = {"payment": "payment", "refund": "return", "reversal": "return", "fee": "fee", "settlement": "settlement"}
GROUPS = {"paid": "settled", "refunded": "settled", "failed": "failed", "pending": "pending"}
# What a receipt or a remittance is goes without saying: their kind and state may be left out.
DEFAULTS = {
    "receipts": {"kind": "payment", "state": "paid"},
    "remittance": {"kind": "settlement", "state": "paid"},
}
# The columns as an engine is given them: days since 1970-01-01, microseconds since 1970-01-01T00:00:00Z, so that no
# engine's time zone has a say. `unreadable` says why a row could not be read, where it could not. A row that is
# `carried` is of an earlier day, and was asked for its receipt and its remittance then; one whose `receipt_due` is
# false needs no receipt. Only runs from the stores say so: a file has no such columns, nothing is carried, all are due.
NEUTRAL = {
    "party": "string",
    "business_day": "int64",
    "our_reference": "string",
    "partner_reference": "string",
    "kind": "string",
    "amount_vnd": "int64",
    "fee_vnd": "int64",
    "state": "string",
    "occurred_us": "int64",
    "payer": "string",
    "agency": "string",
    "receipt_number": "string",
    "unreadable": "string",
    "carried": "boolean",
    "receipt_due": "boolean",
}

# Nearly all matches are EXACT pairs that agree in everything: an engine tells only what is each one's own, and its kind
# by the place it has in KINDS.
EXACT = "exact_reference"
KINDS = tuple(FAMILIES)
