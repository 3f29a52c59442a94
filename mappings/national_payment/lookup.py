"""Writes what the portal hears of a payment that it looks up: the bill's fields under a MaTraCuuTT (partners.md §9.2).

The portal asks for a dossier's payment by its MaTraCuuTT: the dossier's number and, as we make it, the second at which
the payment was requested. The connector adds what only the connection knows, as it does for INIT.
"""

import json
from datetime import datetime

from mappings.national_payment.fields import clock
from mappings.national_payment.receipt import details, kind, receipt
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentRequested, PaymentResult


def lookup_code(dossier_code: str, at: datetime) -> str:
    """Return MaTraCuuTT: the dossier's number and yyyyMMddHHmmss."""
    return f"{dossier_code}{clock(at)}"


def write(message: PaymentRequested) -> bytes:
    """Return MaTraCuuTT, kind, details and ThongTinBienLai; MalformedError for a payment of no dossier."""
    if not message.dossier_code:
        raise MalformedError("dossier_code: only a dossier's payment is looked up", reason="no_dossier")
    bill = {
        "MaTraCuuTT": lookup_code(message.dossier_code, message.requested_at),
        "kind": kind(message.details),
        "details": details(message),
        "ThongTinBienLai": receipt(message),
    }
    return json.dumps(bill, ensure_ascii=False).encode()


def read(body: bytes) -> tuple[PaymentResult, ...]:
    """Return nothing: a question says nothing of a payment. MalformedError for bytes that are none."""
    members.text(members.json_object(body), "MaTraCuuTT")
    return ()
