"""Reads MoMo's IPN, kept and verified by the gateway, as the state of one payment."""

from collections.abc import Iterable

from mappings.momo.states import json_object, result_of
from truc.errors import MalformedError
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; the core compares the amount with our order.

    One of the v1 gateway is recognised and never booked: MalformedError `old_version` (partners.md §1.2).
    """
    said = json_object(body)
    if "errorCode" in said and "resultCode" not in said:
        raise MalformedError("an IPN of MoMo's v1 gateway: have MoMo tell this merchant by v2", reason="old_version")
    yield result_of(body)
