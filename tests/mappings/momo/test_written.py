"""What is written to MoMo fits its schema whatever the message, or is refused."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.momo import payment
from truc.errors import MalformedError
from truc.messages import PaymentRequested

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[3] / "schemas" / "momo" / "create.json").read_text(encoding="utf-8"))
)
SOUND = PaymentRequested(
    our_reference="TT-1",
    dossier_code="H32.1-250603-0001",
    amount_vnd=200_000,
    purpose="Lệ phí hồ sơ",
    requested_at=datetime(2025, 6, 3, tzinfo=UTC),
)
ADDED = {  # by the client
    "partnerCode": "MOMO",
    "redirectUrl": "https://hub.invalid/back",
    "ipnUrl": "https://hub.invalid/ipn",
    "signature": "0" * 64,
}
CHANGED = st.fixed_dictionaries(
    {},
    optional={
        "our_reference": st.from_regex(r"[-_. 0-9A-Za-z]{0,5}", fullmatch=True) | st.integers(40, 60).map("a".__mul__),
        "amount_vnd": st.integers(0, 10**15) | st.integers(990, 1_010) | st.integers(19_999_990, 20_000_010),
        "purpose": st.text(max_size=250) | st.integers(190, 210).map("x".__mul__),
    },
)


def test_a_sound_request_fits() -> None:
    assert SCHEMA.is_valid(json.loads(payment.write(SOUND)) | ADDED)


@given(CHANGED)
def test_what_is_written_fits_the_schema_or_is_refused(changed: dict[str, object]) -> None:
    with contextlib.suppress(MalformedError):
        assert SCHEMA.is_valid(json.loads(payment.write(SOUND.model_copy(update=changed))) | ADDED)
