"""What is written to VNPAY fits its schemas whatever the message, or is refused."""

import contextlib
import json

from hypothesis import given

from mappings.vnpay import payment, refund
from tests.mappings import written
from truc.errors import MalformedError
from truc.messages import PaymentRequested, RefundRequested

PAY, REFUND = (written.schema("vnpay", name) for name in ("pay", "refund"))
OURS = {"vnp_Version": "2.1.0", "vnp_TmnCode": "M" * 8, "vnp_IpAddr": "192.0.2.1", "vnp_SecureHash": "0" * 128}
ADDED_TO_REFUND = OURS | {"vnp_Command": "refund"}  # by the client
ADDED_TO_PAY = OURS | {
    "vnp_Command": "pay",
    "vnp_ExpireDate": "20250603091500",
    "vnp_Locale": "vn",
    "vnp_OrderType": "other",
    "vnp_ReturnUrl": "https://hub.invalid/back",
}


def test_sound_messages_fit() -> None:
    assert PAY.is_valid(json.loads(payment.write(written.PAYMENT)) | ADDED_TO_PAY)
    assert REFUND.is_valid(json.loads(refund.write(written.REFUND)) | ADDED_TO_REFUND)


@given(written.payments, written.refunds)
def test_what_is_written_fits_the_schema_or_is_refused(asked: PaymentRequested, back: RefundRequested) -> None:
    with contextlib.suppress(MalformedError):
        assert PAY.is_valid(json.loads(payment.write(asked)) | ADDED_TO_PAY)
    with contextlib.suppress(MalformedError):
        assert REFUND.is_valid(json.loads(refund.write(back)) | ADDED_TO_REFUND)
