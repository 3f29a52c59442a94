"""Reads Ngân Lượng's answer to GetTransactionDetail as the state of one payment (partners.md §6)."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from mappings.nganluong import answers
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentResult

State = Literal["pending", "paid", "failed"]

# error_code that is itself a word on the payment: not paid, still running, cancelled.
SAID_BY_CODE: dict[str, State] = {"81": "pending", "114": "pending", "115": "failed"}
# transaction_status. 01 is held by Ngân Lượng, or on its way: not ours yet.
STATUSES: dict[str, State] = {"00": "paid", "01": "pending", "02": "failed"}
FAILED_OR_UNPAID = "02"


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; MalformedError for an answer that says nothing of a payment.

    Ngân Lượng's name for the payment is the token. The answer names no time.
    """
    found = answers.kept(body)
    said = answers.answer(found)
    yield PaymentResult(
        our_reference=members.text(said, "order_code"),
        partner_reference=members.text(found, "token"),
        amount_vnd=answers.amount_vnd(said, "total_amount"),
        state=_state(found, said),
    )


def _state(found: Mapping[str, Any], said: Mapping[str, str]) -> State:
    code = members.text(said, "error_code")
    if code in SAID_BY_CODE:
        return SAID_BY_CODE[code]
    if code != "00":
        raise MalformedError(f"error_code {code[:20]} says nothing of a payment", reason="not_a_payment")
    status = members.text(said, "transaction_status")
    if status not in STATUSES:
        raise MalformedError(f"transaction_status {status[:20]} is not published", reason="unknown_result_code")
    if status == FAILED_OR_UNPAID and answers.moment(found, "asked_at") < answers.moment(found, "ends_at"):
        # Its source calls 02 «did not pay, or an error»: while the citizen may still pay, that is no end.
        return "pending"
    return STATUSES[status]
