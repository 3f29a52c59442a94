"""What ViettelPay's messages mean, beside approved readings."""

import contextlib
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.viettelpay.inbound import BILL
from connectors.viettelpay.result_codes import PAID
from mappings.viettelpay import browser_return, fields, payment, query, refund, result, states, verify
from truc.errors import MalformedError
from truc.messages import PaymentRequested, RefundRequested

SAID = {
    "billcode": "50000VND",
    "error_code": "00",
    "merchant_code": "M",
    "order_id": "P25060300000001",
    "payment_status": "1",
    "trans_amount": "50000",
    "vt_transaction_id": "77",
}


def request(**changed):
    given_ = {
        "our_reference": "P25060300000001",
        "dossier_code": "H32.1-250603-0001",
        "amount_vnd": 200_000,
        "purpose": "Lệ phí hồ sơ",
        "requested_at": datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
    }
    return PaymentRequested(**(given_ | changed))


def wanted_back(**changed):
    given_ = {
        "refund_reference": "R1",
        "our_reference": "P25060300000001",
        "dossier_code": "H32.1-250603-0001",
        "partner_reference": "77",
        "paid_vnd": 200_000,
        "amount_vnd": 200_000,
        "payment_requested_at": datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
        "paid_at": datetime(2025, 6, 3, 2, 5, tzinfo=UTC),
        "purpose": "Trả lại lệ phí",
        "requested_at": datetime(2025, 6, 5, 2, 0, tzinfo=UTC),
        "requested_by": "ketoan01",
    }
    return RefundRequested(**(given_ | changed))


def told(**changed):
    (found,) = result.read(urlencode(SAID | changed).encode())
    return found


def answered(**changed):
    (found,) = query.read(json.dumps(SAID | changed).encode())
    return found


def given_back(kept=None, **changed):
    ours = {"refund_reference": "R1", "trans_amount": "200000"} | (kept or {})
    (found,) = refund.read(json.dumps(ours | {"answer": json.dumps({"error_code": "00"} | changed)}).encode())
    return found


def test_a_payment_request_is_written_to_the_byte():
    assert payment.write(request()) == (
        b'{"billcode":"200000VND","order_id":"P25060300000001","trans_amount":"200000","desc":"Le phi ho so"}'
    )


def test_a_refund_is_written_to_the_byte():
    assert refund.write(wanted_back()) == (
        b'{"order_id":"P25060300000001","originalRequestId":"77","refundType":"1","trans_amount":"200000",'
        b'"trans_content":"R1 Tra lai le phi"}'
    )


@pytest.mark.parametrize("amount_vnd", [1, 50_000, 10**12])
def test_the_bill_code_that_is_written_is_the_one_the_gateway_reads_the_amount_from(amount_vnd):
    code = json.loads(payment.write(request(amount_vnd=amount_vnd)))["billcode"]
    assert len(code) <= 20
    assert int(BILL.fullmatch(code)[1]) == amount_vnd


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"amount_vnd": 0}, "amount_vnd", "amount_out_of_range"),
        ({"amount_vnd": 10**12 + 1}, "amount_vnd", "amount_out_of_range"),
        ({"our_reference": "T" * 21}, "our_reference", "reference_malformed"),
        ({"our_reference": "T-1"}, "our_reference", "reference_malformed"),
        ({"our_reference": ""}, "our_reference", "reference_malformed"),
        ({"purpose": "~"}, "purpose", "text_too_long"),
        ({"purpose": "x" * 256}, "purpose", "text_too_long"),
    ],
)
def test_what_viettelpay_would_refuse_is_refused_here_by_name(changed, field, reason):
    with pytest.raises(MalformedError, match=field) as caught:
        payment.write(request(**changed))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"amount_vnd": 199_999}, "amount_out_of_range"),
        ({"amount_vnd": 0, "paid_vnd": 0}, "amount_out_of_range"),
        ({"partner_reference": ""}, "reference_malformed"),
    ],
)
def test_a_refund_of_a_part_or_of_an_unnamed_transaction_is_refused(changed, reason):
    with pytest.raises(MalformedError) as caught:
        refund.write(wanted_back(**changed))
    assert caught.value.reason == reason


def test_the_receipt_gives_the_pay_address():
    url = "https://pay.bankplus.vn:8450/PaymentGateway/payment?order_id=P1&check_sum=x"
    (address,) = payment.read(json.dumps({"payUrl": url}).encode())
    assert (address.our_reference, address.pay_url) == ("P1", url)


@pytest.mark.parametrize("reading", [told, answered])
@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "paid"),
        ({"payment_status": "0"}, "pending"),
        ({"payment_status": "11"}, "pending"),
        ({"error_code": "V04"}, "pending"),
        ({"error_code": "01"}, "pending"),
    ],
)
def test_a_payment_is_paid_where_both_codes_say_so_and_waits_otherwise(reading, changed, state):
    found = reading(**changed)
    assert (found.our_reference, found.partner_reference, found.amount_vnd) == ("P25060300000001", "77", 50_000)
    assert (found.state, found.occurred_at) == (state, None), "it names no time"
    assert states.PAID == PAID


@pytest.mark.parametrize("reading", [told, answered])
@pytest.mark.parametrize("name", ["order_id", "trans_amount", "error_code", "payment_status"])
def test_a_field_that_is_missing_is_named(reading, name):
    with pytest.raises(MalformedError, match=name):
        reading(**{name: ""})


@pytest.mark.parametrize("amount", ["1.0", "-1", "１", "1" * 16])
def test_an_amount_that_is_not_whole_dong_is_refused(amount):
    with pytest.raises(MalformedError, match="trans_amount"):
        told(trans_amount=amount)


def test_a_refund_that_was_taken_is_read_under_our_own_name_and_another_code_is_none():
    found = given_back()
    assert (found.refund_reference, found.amount_vnd, found.state) == ("R1", 200_000, "refunded")
    with pytest.raises(MalformedError) as caught:
        given_back(error_code="V01")
    assert caught.value.reason == "not_a_refund"


def test_what_is_only_kept_means_nothing():
    assert list(verify.read(urlencode(SAID).encode())) == list(browser_return.read(urlencode(SAID).encode())) == []


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    for reading in (result.read, query.read, refund.read, payment.read, verify.read, browser_return.read):
        with pytest.raises(MalformedError):
            list(reading(body))


@given(st.sampled_from(sorted(SAID)), st.text(st.characters(codec="utf-8")))
def test_whatever_a_field_holds_it_is_read_or_malformed(name, value):
    for reading in (told, answered):
        with contextlib.suppress(MalformedError):
            reading(**{name: value})


@given(st.text(st.characters(codec="utf-8")))
def test_texts_are_plain_or_refused(text):
    with contextlib.suppress(MalformedError):
        assert fields.plain_text(text).isascii()


def test_the_sum_of_a_refund_is_viettelpays_where_it_names_one():
    assert given_back().amount_vnd == 200_000
    assert given_back(trans_amount="150000").amount_vnd == 150_000
