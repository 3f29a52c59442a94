"""The signer against published vectors: a wrong order, separator or encoding fails here."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.errors import MalformedError
from truc.trust.signing import Profile, sign, verify

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "domain" / "vectors.json"
IPN_NAMES = (
    "accessKey",
    "amount",
    "extraData",
    "message",
    "orderId",
    "orderInfo",
    "orderType",
    "partnerCode",
    "payType",
    "requestId",
    "responseTime",
    "resultCode",
    "transId",
)
IPN = Profile(names=IPN_NAMES)
# RFC 4231, test case 2
RFC_4231_KEY, RFC_4231_DATA = "Jefe", "what do ya want for nothing?"
RFC_4231_SHA256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
RFC_4231_SHA512 = (
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
)


def momo_rows(version):
    if not VECTORS.exists():
        pytest.skip("published vectors are absent: ../shared/domain/vectors.json")
    rows = json.loads(VECTORS.read_text(encoding="utf-8"))
    return [row for row in rows if row["partner"] == "MoMo" and row["operation"].startswith(version)]


def fields_of(raw):
    return dict(pair.split("=", 1) for pair in raw.split("&"))


def test_every_published_momo_v2_vector_is_reproduced_from_its_inputs():
    rows = momo_rows("v2")
    assert len(rows) >= 4
    for row in rows:
        assert sign(IPN, row["inputs"], row["key"]) == row["expected"], row["source"]
        assert verify(IPN, row["inputs"], row["key"], row["expected"]), row["source"]


def test_every_published_momo_v1_vector_is_reproduced_in_its_own_fixed_order():
    rows = momo_rows("v1")
    assert len(rows) >= 3
    for row in rows:
        fields = fields_of(row["raw"])
        assert sign(Profile(names=tuple(fields)), fields, row["key"]) == row["expected"], row["operation"]


def test_no_published_vector_verifies_after_one_field_changed():
    rows = momo_rows("v2")
    assert rows
    for row in rows:
        changed = row["inputs"] | {"amount": row["inputs"]["amount"] + "0"}
        assert not verify(IPN, changed, row["key"], row["expected"])


@pytest.mark.parametrize(
    ("algorithm", "expected"), [("HMAC-SHA256", RFC_4231_SHA256), ("HMAC-SHA512", RFC_4231_SHA512)]
)
def test_rfc_4231_case_2_holds_in_hex_and_base64(algorithm, expected):
    fields = {"data": RFC_4231_DATA}
    in_hex = Profile(names=("data",), parts="value", algorithm=algorithm)
    in_base64 = Profile(names=("data",), parts="value", algorithm=algorithm, output="base64")
    assert sign(in_hex, fields, RFC_4231_KEY) == expected
    assert base64.b64decode(sign(in_base64, fields, RFC_4231_KEY)).hex() == expected


def test_without_names_the_fields_are_signed_in_order_of_name():
    fields = {"b": "2", "a": "1"}
    assert sign(Profile(), fields, "k") == sign(Profile(names=("a", "b")), fields, "k")
    assert sign(Profile(), fields, "k") != sign(Profile(names=("b", "a")), fields, "k")


def test_a_missing_field_is_named():
    with pytest.raises(MalformedError, match="b, c") as caught:
        sign(Profile(names=("a", "b", "c")), {"a": "1"}, "k")
    assert caught.value.reason == "field_missing"


def test_text_that_is_not_unicode_is_refused_and_not_signed():
    with pytest.raises(MalformedError) as caught:
        sign(Profile(), {"a": "\ud800"}, "k")
    assert caught.value.reason == "not_unicode"


@given(st.dictionaries(st.sampled_from("abcd"), st.text(), min_size=1), st.text(max_size=80))
def test_only_the_signature_itself_verifies(fields, other):
    fields = {name: value.encode(errors="ignore").decode() for name, value in fields.items()}
    right = sign(Profile(), fields, "key")
    assert verify(Profile(), fields, "key", right)
    assert verify(Profile(), fields, "key", other) == (other == right)
