"""What is written to Ngân Lượng fits its schema whatever the message, or is refused."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.nganluong import payment
from truc.errors import MalformedError
from truc.messages import PaymentRequested

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[3] / "schemas" / "nganluong" / "create.json").read_text(encoding="utf-8"))
)
SOUND = PaymentRequested(
    our_reference="P25060300000001",
    dossier_code="H32.1-250603-0001",
    amount_vnd=200_000,
    purpose="Lệ phí hồ sơ",
    requested_at=datetime(2025, 6, 3, tzinfo=UTC),
)
ADDED = {  # by the client
    "function": "SetExpressCheckout",
    "merchant_id": "1",
    "merchant_password": "0" * 32,
    "version": "3.1",
    "receiver_email": "thu@hub.invalid",
    "payment_method": "NL",
    "return_url": "https://hub.invalid/back",
    "cancel_url": "https://hub.invalid/back",
    "buyer_fullname": "Một cửa",
    "buyer_email": "motcua@hub.invalid",
    "buyer_mobile": "0258000000",
}
CHANGED = st.fixed_dictionaries(
    {},
    optional={
        "our_reference": st.from_regex(r"[-_. 0-9A-Za-z]{0,5}", fullmatch=True) | st.integers(40, 60).map("a".__mul__),
        "amount_vnd": st.integers(0, 10**15)
        | st.integers(1_990, 2_010)
        | st.sampled_from([10**12 - 1, 10**12, 10**12 + 1]),
        "purpose": st.text(max_size=300),
    },
)


def whole(message: PaymentRequested) -> dict[str, str]:
    return dict(parse_qsl(payment.write(message).decode("ascii"), strict_parsing=True)) | ADDED


def test_a_sound_request_fits() -> None:
    assert SCHEMA.is_valid(whole(SOUND))


@given(CHANGED)
def test_what_is_written_fits_the_schema_or_is_refused(changed: dict[str, object]) -> None:
    with contextlib.suppress(MalformedError):
        assert SCHEMA.is_valid(whole(SOUND.model_copy(update=changed)))
