"""What the eWallet's answer means, beside an approved reading, and only by what was agreed with the bank."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.vietinbank import inquiry
from truc.errors import MalformedError
from truc.messages import PaymentResult

READING = {"reference": "detail.billNo", "amount": "amount", "states": {"A": "paid", "B": "pending", "C": "failed"}}


def kept(reading=READING, **changed):
    answer = {
        "status": {"code": "A", "message": ""},
        "bankTransactionId": "B1",
        "detail": {"billNo": "TT-1"},
        "amount": 50000,
    }
    text = json.dumps({name: value for name, value in (answer | changed).items() if value is not None})
    return json.dumps({"reading": reading, "answer": text}).encode()


def test_an_answer_reads_as_approved():
    assert list(inquiry.read(kept())) == [
        PaymentResult(our_reference="TT-1", partner_reference="B1", amount_vnd=50_000, state="paid")
    ]


@pytest.mark.parametrize(("code", "state"), READING["states"].items())
def test_each_agreed_code_has_its_state(code, state):
    (result,) = inquiry.read(kept(status={"code": code}))
    assert result.state == state


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": {"code": "D"}}, "unknown_result_code"),
        ({"status": "A"}, "field_malformed"),
        ({"status": None}, "field_malformed"),
        ({"detail": "TT-1"}, "field_malformed"),
        ({"detail": {"billNo": "a\x00"}}, "text_not_storable"),
        ({"bankTransactionId": None}, "field_malformed"),
        ({"amount": None}, "field_malformed"),
        ({"amount": "50000.0"}, "field_malformed"),
        ({"amount": 50000.5}, "field_malformed"),
        ({"amount": -1}, "field_malformed"),
        ({"reading": None}, "field_malformed"),
        ({"reading": {"states": {"A": "refunded"}, "reference": "amount", "amount": "amount"}}, "unknown_result_code"),
    ],
)
def test_nothing_is_guessed(changed, reason):
    with pytest.raises(MalformedError) as caught:
        list(inquiry.read(kept(**changed)))
    assert caught.value.reason == reason


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body):
    with contextlib.suppress(MalformedError):
        list(inquiry.read(body))


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=8)
)
def test_any_answer_is_read_or_refused(answer):
    body = json.dumps({"reading": READING, "answer": json.dumps(answer)}).encode()
    with contextlib.suppress(MalformedError):
        list(inquiry.read(body))
