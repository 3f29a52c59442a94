"""What the platform's codes mean for a payment: nothing is guessed about money.

TrangThaiGD is from a comment in one province's client (schemas/national_payment/SOURCE.md): 1 paid, 3 the platform does
not know the end yet, 4 failed. Of MaLoi only 00 and 99 are published; 99 says «other error» and no more, so such a
payment stays pending and is asked about.
"""

from typing import Literal

from truc.errors import MalformedError

State = Literal["pending", "paid", "failed"]

DONE = "00"
RESULTS: dict[str, State] = {"00": "paid", "99": "pending"}
TRANSACTIONS: dict[str, State] = {"1": "paid", "3": "pending", "4": "failed"}


def of_result(code: str) -> State:
    """Return the state that MaLoi of a result call says."""
    return _known(RESULTS, "MaLoi", code)


def of_transaction(code: str) -> State:
    """Return the state that TrangThaiGD of an answer to QUERY says."""
    return _known(TRANSACTIONS, "TrangThaiGD", code)


def _known(states: dict[str, State], name: str, code: str) -> State:
    if code not in states:
        raise MalformedError(f"{name} {code[:20]} is not published: QUERY it", reason="unknown_result_code")
    return states[code]
