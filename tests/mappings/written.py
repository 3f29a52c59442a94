"""Payments and refunds as they come to the mapping of a party that takes both, sound and at every edge."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from truc.messages import PaymentRequested, RefundRequested

AT = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
PAYMENT = PaymentRequested(
    our_reference="P25060300000001",
    dossier_code="H32.1-250603-0001",
    amount_vnd=200_000,
    purpose="Lệ phí hồ sơ",
    requested_at=AT,
)
REFUND = RefundRequested(
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
LENGTHS = st.integers(10, 30) | st.integers(90, 110)  # around what one party or the other takes
REFERENCE = st.from_regex(r"[-0-9A-Za-z]{0,5}", fullmatch=True) | LENGTHS.map("a".__mul__)
WORDS = st.text(max_size=300) | st.integers(240, 270).map("ợ".__mul__)
TIMES = st.integers(0, 5 * 10**9).map(lambda later_s: AT + timedelta(seconds=later_s))
AMOUNT = st.integers(0, 2 * 10**12) | st.sampled_from([10**12, 10**12 + 1, 10**15])
_WHOLE = st.builds(dict.fromkeys, st.just(("paid_vnd", "amount_vnd")), AMOUNT)
_PART = AMOUNT.map(lambda paid: {"paid_vnd": paid})
_BACK = st.fixed_dictionaries(
    {},
    optional={
        "refund_reference": REFERENCE,
        "our_reference": REFERENCE,
        "partner_reference": st.from_regex("[0-9a]{0,5}", fullmatch=True),
        "purpose": WORDS,
        "requested_by": WORDS,
        "requested_at": TIMES,
    },
)
payments = st.fixed_dictionaries(
    {}, optional={"our_reference": REFERENCE, "amount_vnd": AMOUNT, "purpose": WORDS, "requested_at": TIMES}
).map(lambda changes: PAYMENT.model_copy(update=changes))
refunds = st.builds(lambda changes, paid: REFUND.model_copy(update=changes | paid), _BACK, _WHOLE | _PART)


def schema(party: str, name: str) -> Draft202012Validator:
    """Return the party's schema."""
    path = Path(__file__).parents[2] / "schemas" / party / f"{name}.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
