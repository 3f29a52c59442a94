"""What VNPAY's codes mean for a payment and for a refund (partners.md §2): nothing is guessed about money.

A payment is paid when vnp_ResponseCode and vnp_TransactionStatus both say 00, and only then. Where money may have left
the citizen without being paid to us (reversed, suspected), or where the two contradict each other, it stays pending:
it is asked about until VNPAY says more, and then a person decides.
"""

from typing import Literal

from truc.errors import MalformedError

State = Literal["pending", "paid", "failed", "expired"]
RefundState = Literal["pending", "refunded", "refused"]

PAID = "00"
# vnp_ResponseCode of an IPN.
RESPONSES: dict[str, State] = {
    "00": "paid",
    "07": "pending",
    "09": "failed",
    "10": "failed",
    "11": "expired",
    "12": "failed",
    "13": "failed",
    "24": "failed",
    "51": "failed",
    "65": "failed",
    "75": "failed",
    "79": "failed",
    "99": "failed",
}
# vnp_TransactionStatus, said of a payment.
STATUSES: dict[str, State] = {
    "00": "paid",
    "01": "pending",
    "02": "failed",
    "04": "pending",
    "07": "pending",
}
# vnp_TransactionStatus, said of a refund.
REFUND_STATUSES: dict[str, RefundState] = {
    "00": "refunded",
    "01": "pending",
    "05": "pending",
    "06": "pending",
    "09": "refused",
}
# Published statuses that say nothing of the one or of the other.
SAY_NOTHING_OF_PAYMENT = frozenset(("05", "06", "09"))
SAY_NOTHING_OF_REFUND = frozenset(("02", "04", "07"))


def payment_state(response: str, status: str) -> State:
    """Return the state of a payment from both codes; MalformedError for one that is unknown or about a refund."""
    if response not in RESPONSES:
        raise MalformedError(f"vnp_ResponseCode {response[:20]} is not published", reason="unknown_result_code")
    of_status = status_of_payment(status)
    said = RESPONSES[response]
    if (said == "paid") != (of_status == "paid"):
        return "pending"
    return "pending" if "pending" in (said, of_status) else said


def status_of_payment(status: str) -> State:
    """Return the state of a payment from vnp_TransactionStatus alone."""
    if status in SAY_NOTHING_OF_PAYMENT:
        raise MalformedError(f"vnp_TransactionStatus {status} is about a refund", reason="not_a_payment")
    if status not in STATUSES:
        raise MalformedError(f"vnp_TransactionStatus {status[:20]} is not published", reason="unknown_result_code")
    return STATUSES[status]


def status_of_refund(status: str) -> RefundState:
    """Return the state of a refund from vnp_TransactionStatus."""
    if status in SAY_NOTHING_OF_REFUND:
        raise MalformedError(f"vnp_TransactionStatus {status} says nothing of a refund", reason="not_a_refund")
    if status not in REFUND_STATUSES:
        raise MalformedError(f"vnp_TransactionStatus {status[:20]} is not published", reason="unknown_result_code")
    return REFUND_STATUSES[status]
