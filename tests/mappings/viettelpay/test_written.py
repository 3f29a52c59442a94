"""What is written to ViettelPay fits its schemas whatever the message, or is refused."""

import contextlib
import json

from hypothesis import given

from mappings.viettelpay import payment, refund
from tests.mappings import written
from truc.errors import MalformedError
from truc.messages import PaymentRequested, RefundRequested

PAY, REFUND = (written.schema("viettelpay", name) for name in ("pay", "refund"))
ADDED_TO_PAY = {  # by the client
    "version": "2.0",
    "command": "PAYMENT",
    "merchant_code": "M",
    "locale": "Vi",
    "return_url": "https://hub.invalid/back",
    "cancel_url": "https://hub.invalid/back",
    "check_sum": "0" * 28,
}
ADDED_TO_REFUND = {"cmd": "REFUND_PAYMENT", "merchant_code": "M", "version": "2.0", "check_sum": "0" * 28}


def test_sound_messages_fit() -> None:
    assert PAY.is_valid(json.loads(payment.write(written.PAYMENT)) | ADDED_TO_PAY)
    assert REFUND.is_valid(json.loads(refund.write(written.REFUND)) | ADDED_TO_REFUND)


@given(written.payments, written.refunds)
def test_what_is_written_fits_the_schema_or_is_refused(asked: PaymentRequested, back: RefundRequested) -> None:
    with contextlib.suppress(MalformedError):
        assert PAY.is_valid(json.loads(payment.write(asked)) | ADDED_TO_PAY)
    with contextlib.suppress(MalformedError):
        assert REFUND.is_valid(json.loads(refund.write(back)) | ADDED_TO_REFUND)
