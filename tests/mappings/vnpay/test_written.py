"""What is written to VNPAY fits its schemas whatever the message, or is refused."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.vnpay import payment, refund
from truc.errors import MalformedError
from truc.messages import PaymentRequested, RefundRequested

SCHEMAS = Path(__file__).parents[3] / "schemas" / "vnpay"
PAY, REFUND = (
    Draft202012Validator(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))
    for name in ("pay.json", "refund.json")
)
AT = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
PAYMENT = PaymentRequested(
    our_reference="P25060300000001",
    dossier_code="H32.1-250603-0001",
    amount_vnd=200_000,
    purpose="Lệ phí hồ sơ",
    requested_at=AT,
)
BACK = RefundRequested(
    refund_reference="R1",
    our_reference="P25060300000001",
    dossier_code="H32.1-250603-0001",
    partner_reference="14422574",
    paid_vnd=200_000,
    amount_vnd=200_000,
    paid_at=AT,
    payment_requested_at=AT,
    purpose="Trả lại lệ phí",
    requested_at=AT,
    requested_by="Kế toán",
)
OURS = {"vnp_Version": "2.1.0", "vnp_TmnCode": "M" * 8, "vnp_IpAddr": "192.0.2.1", "vnp_SecureHash": "0" * 128}
ADDED_TO_REFUND = OURS | {"vnp_Command": "refund"}  # by the client
ADDED_TO_PAY = OURS | {
    "vnp_Command": "pay",
    "vnp_ExpireDate": "20250603091500",
    "vnp_Locale": "vn",
    "vnp_OrderType": "other",
    "vnp_ReturnUrl": "https://hub.invalid/back",
}
REFERENCE = st.from_regex(r"[-0-9A-Za-z]{0,5}", fullmatch=True) | st.integers(90, 110).map("a".__mul__)
WORDS = st.text(max_size=300) | st.integers(240, 270).map("ợ".__mul__)
DAYS = st.integers(0, 5 * 10**9).map(lambda later_s: AT + timedelta(seconds=later_s))
AMOUNT = st.integers(0, 2 * 10**12) | st.sampled_from([10**12, 10**12 + 1, 10**15])
ASKED = st.fixed_dictionaries(
    {}, optional={"our_reference": REFERENCE, "amount_vnd": AMOUNT, "purpose": WORDS, "requested_at": DAYS}
)
PAID = st.builds(dict.fromkeys, st.just(("paid_vnd", "amount_vnd")), AMOUNT)
WANTED_BACK = st.fixed_dictionaries(
    {},
    optional={
        "refund_reference": REFERENCE,
        "our_reference": REFERENCE,
        "partner_reference": st.from_regex("[0-9a]{0,5}", fullmatch=True),
        "purpose": WORDS,
        "requested_by": WORDS,
        "requested_at": DAYS,
    },
)


def test_sound_messages_fit() -> None:
    assert PAY.is_valid(json.loads(payment.write(PAYMENT)) | ADDED_TO_PAY)
    assert REFUND.is_valid(json.loads(refund.write(BACK)) | ADDED_TO_REFUND)


@given(ASKED, WANTED_BACK, PAID | AMOUNT.map(lambda paid: {"paid_vnd": paid}))
def test_what_is_written_fits_the_schema_or_is_refused(
    asked: dict[str, object], back: dict[str, object], paid: dict[str, int]
) -> None:
    with contextlib.suppress(MalformedError):
        assert PAY.is_valid(json.loads(payment.write(PAYMENT.model_copy(update=asked))) | ADDED_TO_PAY)
    with contextlib.suppress(MalformedError):
        assert REFUND.is_valid(json.loads(refund.write(BACK.model_copy(update=back | paid))) | ADDED_TO_REFUND)
