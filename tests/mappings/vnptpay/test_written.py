"""What is written to VNPT's gateway fits the schema of either interface whatever the message, or is refused."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.vnptpay import payment
from truc.errors import MalformedError
from truc.messages import PaymentRequested

SCHEMAS = Path(__file__).parents[3] / "schemas" / "vnptpay"
FORM, INIT = (
    Draft202012Validator(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))
    for name in ("form.json", "init.json")
)
SOUND = PaymentRequested(
    our_reference="P25060300000001",
    dossier_code="H32.1-250603-0001",
    amount_vnd=200_000,
    purpose="Lệ phí hồ sơ",
    requested_at=datetime(2025, 6, 3, tzinfo=UTC),
)
ADDED_TO_FORM = {  # by the client
    "merId": "M",
    "currency": "VND",
    "payType": "NO",
    "callBackUrl": "https://hub.invalid/back",
    "notiUrl": "https://hub.invalid/ipn",
    "reqDomain": "https://hub.invalid",
    "merchantToken": "0" * 64,
    "userLanguage": "VN",
}
ADDED_TO_INIT = {"ACTION": "INIT", "MERCHANT_SERVICE_ID": "1", "SECURE_CODE": "0" * 64}
CHANGED = st.fixed_dictionaries(
    {},
    optional={
        "our_reference": st.from_regex(r"[-0-9A-Za-z]{0,5}", fullmatch=True) | st.integers(30, 60).map("a".__mul__),
        "amount_vnd": st.integers(0, 10**15) | st.sampled_from([10**12, 10**12 + 1]),
        "purpose": st.text(max_size=120) | st.integers(90, 110).map("ợ".__mul__),
        "requested_at": st.integers(0, 5 * 10**9).map(lambda later_s: SOUND.requested_at + timedelta(seconds=later_s)),
    },
)


def fits(message: PaymentRequested) -> bool:
    written = json.loads(payment.write(message))
    return FORM.is_valid(written["megapay"] | ADDED_TO_FORM) and INIT.is_valid(written["init"] | ADDED_TO_INIT)


def test_a_sound_request_fits() -> None:
    assert fits(SOUND)


@given(CHANGED)
def test_what_is_written_fits_the_schema_or_is_refused(changed: dict[str, object]) -> None:
    with contextlib.suppress(MalformedError):
        assert fits(SOUND.model_copy(update=changed))
