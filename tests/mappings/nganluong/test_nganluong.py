"""What Ngân Lượng's messages mean, beside approved readings."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.nganluong.result_codes import CODES
from mappings.nganluong import payment, query
from truc.errors import MalformedError
from truc.messages import PaymentAddress, PaymentRequested, PaymentResult
from truc.result_codes import Doing

ASKED = datetime(2025, 6, 3, 9, 0, tzinfo=UTC)


def request(**changed):
    fields = {
        "our_reference": "P25060300000001",
        "dossier_code": "H32.1-250603-0001",
        "amount_vnd": 200_000,
        "purpose": "Lệ phí hồ sơ",
        "requested_at": ASKED,
    }
    return PaymentRequested(**(fields | changed))


def made(answer, **ours):
    return json.dumps({"order_code": "P1", "answer": answer} | ours).encode()


def said(ends_at=ASKED + timedelta(hours=1), **changed):
    fields = {"error_code": "00", "order_code": "P1", "total_amount": "50000", "transaction_status": "00"} | changed
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value is not None)
    ours = {"token": "t1", "asked_at": ASKED.isoformat(), "ends_at": ends_at.isoformat()}
    return json.dumps({**ours, "answer": f'<?xml version="1.0" encoding="utf-8"?><result>{inside}</result>'}).encode()


def test_a_request_names_the_order_and_no_citizen():
    assert payment.write(request()) == b"order_code=P25060300000001&total_amount=200000"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"amount_vnd": 1_999}, "amount_out_of_range"),
        ({"amount_vnd": 10**12 + 1}, "amount_out_of_range"),
        ({"our_reference": "P 1"}, "reference_malformed"),
        ({"our_reference": ""}, "reference_malformed"),
        ({"our_reference": "P" * 51}, "reference_malformed"),
        ({"our_reference": "P1\n"}, "reference_malformed"),
    ],
)
def test_what_it_would_refuse_is_not_written(changed, reason):
    with pytest.raises(MalformedError) as caught:
        payment.write(request(**changed))
    assert caught.value.reason == reason


@given(amount_vnd=st.integers(2_000, 10**12), reference=st.from_regex(payment.ORDER_CODE, fullmatch=True))
def test_whatever_is_written_comes_back_as_it_was(amount_vnd, reference):
    form = dict(parse_qsl(payment.write(request(amount_vnd=amount_vnd, our_reference=reference)).decode()))
    assert form == {"order_code": reference, "total_amount": str(amount_vnd)}


def test_an_answer_gives_address_and_token():
    answer = (
        "<r><error_code>00</error_code><token>t1</token><checkout_url>https://x.invalid/?a=1&amp;b=2</checkout_url></r>"
    )
    assert list(payment.read(made(answer))) == [
        PaymentAddress(our_reference="P1", pay_url="https://x.invalid/?a=1&b=2", partner_token="t1")
    ]


@pytest.mark.parametrize(
    "answer",
    [
        "<r><error_code>99</error_code><token>t1</token><checkout_url>https://x.invalid/</checkout_url></r>",
        "<r><error_code>00</error_code><token>t1</token><checkout_url>http://x.invalid/</checkout_url></r>",
        "<r><error_code>00</error_code><checkout_url>https://x.invalid/</checkout_url></r>",
        "<r><error_code>00</error_code><error_code>00</error_code><token>t1</token></r>",
        '<!DOCTYPE r [<!ENTITY c "00">]><r><error_code>&c;</error_code></r>',
        '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r><error_code>00</error_code></r>',
        "no xml",
        "",
    ],
)
def test_an_answer_without_an_order_is_no_address(answer):
    with pytest.raises(MalformedError):
        list(payment.read(made(answer)))


def test_a_document_with_a_dtd_is_refused_for_it():
    hostile = '<!DOCTYPE r [<!ENTITY c "00">]><r><error_code>00</error_code></r>'
    with pytest.raises(MalformedError) as caught:
        list(payment.read(made(hostile)))
    assert caught.value.reason == "dtd_forbidden"


def test_a_paid_order_reads_as_approved():
    assert list(query.read(said())) == [
        PaymentResult(our_reference="P1", partner_reference="t1", amount_vnd=50_000, state="paid")
    ]


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"transaction_status": "01"}, "pending"),
        ({"transaction_status": "02"}, "pending"),
        ({"transaction_status": "02", "ends_at": ASKED}, "failed"),
        ({"error_code": "81"}, "pending"),
        ({"error_code": "114"}, "pending"),
        ({"error_code": "115"}, "failed"),
    ],
)
def test_each_word_has_its_state(changed, state):
    (result,) = query.read(said(**changed))
    assert result.state == state


def test_every_code_that_the_client_lets_through_has_a_meaning_here_and_no_other():
    let_through = {code for code, doing in CODES.on["get_payment"].items() if doing in (Doing.ACCEPTED, Doing.PENDING)}
    assert let_through == {"00", *query.SAID_BY_CODE}
    for code in CODES.meaning.keys() - let_through:
        with pytest.raises(MalformedError):
            list(query.read(said(error_code=code)))


@pytest.mark.parametrize(
    "changed",
    [
        {"transaction_status": "03"},
        {"transaction_status": None},
        {"error_code": None},
        {"order_code": None},
        {"total_amount": None},
        {"total_amount": "50000.0"},
        {"total_amount": "-1"},
        {"total_amount": "9" * 16},
    ],
)
def test_nothing_is_guessed(changed):
    with pytest.raises(MalformedError):
        list(query.read(said(**changed)))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body):
    for read in (payment.read, query.read):
        with contextlib.suppress(MalformedError):
            list(read(body))


@given(st.text(max_size=200))
def test_any_answer_is_read_or_refused(answer):
    ours = {"token": "t", "asked_at": ASKED.isoformat(), "ends_at": ASKED.isoformat()}
    for read in (payment.read, query.read):
        with contextlib.suppress(MalformedError):
            list(read(made(answer, **ours)))
