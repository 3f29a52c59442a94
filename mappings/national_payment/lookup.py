"""Writes what the portal hears when it looks a payment up: the bill's fields under a MaTraCuuTT (partners.md §9.2).

error_code is 0, 1 or -1, of which only 0 is explained: it comes with the bill. Which of the other two says what is for
the caller to choose.
"""

import json
from datetime import datetime
from typing import Literal

from mappings.national_payment.fields import clock
from mappings.national_payment.receipt import receipt
from truc.errors import MalformedError
from truc.messages import PaymentRequested

FOUND = "0"


def lookup_code(dossier_code: str, at: datetime) -> str:
    """Return MaTraCuuTT: the dossier's number and yyyyMMddHHmmss."""
    return f"{dossier_code}{clock(at)}"


def found(message: PaymentRequested, at: datetime) -> bytes:
    """Return the bill of a dossier's payment; MalformedError for a payment of no dossier, which has no such code."""
    if not message.dossier_code:
        raise MalformedError("dossier_code: only a dossier's payment is looked up", reason="no_dossier")
    bill = {"MaTraCuuTT": lookup_code(message.dossier_code, at), **receipt(message)}
    return json.dumps({"error_code": FOUND, "message": bill}, ensure_ascii=False).encode()


def not_given(code: Literal["1", "-1"], words: str) -> bytes:
    """Return an answer without a bill."""
    return json.dumps({"error_code": code, "message": words}, ensure_ascii=False).encode()
