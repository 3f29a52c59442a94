"""What the messages of VNPT's gateway mean, beside approved readings."""

import contextlib
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.vnptpay import (
    browser_return,
    notification,
    notification_failed,
    notification_paid,
    pay_page,
    payment,
)
from truc.errors import MalformedError
from truc.messages import PaymentRequested

SAID = {
    "resultCd": "ANY",
    "timeStamp": "1748916300000",
    "merTrxId": "P25060300000001",
    "trxId": "T77",
    "merId": "M",
    "amount": "200000",
}
STATES = {notification: "pending", notification_paid: "paid", notification_failed: "failed"}


def request(**changed):
    given_ = {
        "our_reference": "P25060300000001",
        "dossier_code": "H32.1-250603-0001",
        "amount_vnd": 200_000,
        "purpose": "Lệ phí hồ sơ (50%)",
        "requested_at": datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
    }
    return PaymentRequested(**(given_ | changed))


def test_a_payment_request_is_written_to_the_byte_for_both_interfaces():
    assert payment.write(request()) == (
        b'{"megapay":{"amount":"200000","invoiceNo":"P25060300000001","merTrxId":"P25060300000001",'
        b'"goodsNm":"Le phi ho so 50","description":"Le phi ho so 50","timeStamp":"1748916000000"},'
        b'"init":{"MERCHANT_ORDER_ID":"P25060300000001","AMOUNT":"200000","CURRENCY_CODE":"VND",'
        b'"DESCRIPTION":"Le phi ho so 50","CREATE_DATE":"20250603090000"}}'
    )


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"amount_vnd": 0}, "amount_vnd", "amount_out_of_range"),
        ({"amount_vnd": 10**12 + 1}, "amount_vnd", "amount_out_of_range"),
        ({"our_reference": "T" * 41}, "our_reference", "reference_malformed"),
        ({"our_reference": "T-1"}, "our_reference", "reference_malformed"),
        ({"purpose": "~"}, "purpose", "text_too_long"),
        ({"purpose": "x" * 101}, "purpose", "text_too_long"),
    ],
)
def test_what_would_be_refused_is_refused_here_by_name(changed, field, reason):
    with pytest.raises(MalformedError, match=field) as caught:
        payment.write(request(**changed))
    assert caught.value.reason == reason


@pytest.mark.parametrize("module", STATES)
@pytest.mark.parametrize("write", [lambda said: json.dumps(said).encode(), lambda said: urlencode(said).encode()])
def test_the_kind_says_the_state_and_both_forms_read_alike(module, write):
    (found,) = module.read(write(SAID))
    assert (found.our_reference, found.partner_reference, found.amount_vnd) == ("P25060300000001", "T77", 200_000)
    assert (found.state, found.occurred_at) == (STATES[module], datetime(2025, 6, 3, 2, 5, tzinfo=UTC))


def test_numbers_may_come_as_numbers():
    numbers = SAID | {"amount": 200_000, "timeStamp": 1_748_916_300_000}
    assert list(notification.read(json.dumps(numbers).encode())) == list(notification.read(json.dumps(SAID).encode()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "200000.00"),
        ("amount", "-1"),
        ("amount", ""),
        ("timeStamp", "1"),
        ("merTrxId", ""),
        ("trxId", "\x00"),
    ],
)
def test_a_field_that_cannot_be_is_named(name, value):
    with pytest.raises(MalformedError, match=name):
        list(notification_paid.read(json.dumps(SAID | {name: value}).encode()))


def read_address(**kept):
    (found,) = payment.read(json.dumps(kept).encode())
    return found


def test_the_address_is_our_page_or_what_init_answered():
    ours = read_address(reference="P1", payUrl="https://hub.example/partners/vnptpay/pay_page?a=b")
    theirs = read_address(reference="P1", answer='{"RESPONSE_CODE":"00","REDIRECT_URL":"https://pay.example/x"}')
    assert (ours.our_reference, ours.pay_url) == ("P1", "https://hub.example/partners/vnptpay/pay_page?a=b")
    assert (theirs.our_reference, theirs.pay_url) == ("P1", "https://pay.example/x")


@pytest.mark.parametrize("url", ["http://pay.example/x", "javascript:alert(1)", "//pay.example", "https://[", ""])
def test_a_citizen_is_sent_to_https_only(url):
    with pytest.raises(MalformedError):
        read_address(reference="P1", answer=json.dumps({"REDIRECT_URL": url}))


def test_what_is_only_kept_means_nothing():
    assert list(pay_page.read(urlencode(SAID).encode())) == list(browser_return.read(urlencode(SAID).encode())) == []


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    for module in (*STATES, payment, pay_page, browser_return):
        with pytest.raises(MalformedError):
            list(module.read(body))


@given(st.sampled_from(sorted(SAID)), st.text(st.characters(codec="utf-8")))
def test_whatever_a_field_holds_it_is_read_or_malformed(name, value):
    for body in (json.dumps(SAID | {name: value}), urlencode(SAID | {name: value})):
        with contextlib.suppress(MalformedError):
            list(notification.read(body.encode()))
