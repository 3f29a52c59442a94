"""What VNPAY's messages mean, beside approved readings."""

import contextlib
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vnpay.result_codes import CODES, PAYMENT, STATUSES
from mappings.vnpay import browser_return, ipn, payment, query, refund, states
from truc.errors import MalformedError
from truc.messages import PaymentRequested, RefundRequested

# The published IPN (vectors.json), made a success by its response code.
SAID = {
    "vnp_Amount": "1000000",
    "vnp_BankCode": "NCB",
    "vnp_BankTranNo": "VNP14422574",
    "vnp_CardType": "ATM",
    "vnp_OrderInfo": "Thanh toan don hang 2024-05-21T02:17:31.249Z",
    "vnp_PayDate": "20240521091806",
    "vnp_ResponseCode": "00",
    "vnp_TmnCode": "TEST_TMN_CODE",
    "vnp_TransactionNo": "14422574",
    "vnp_TransactionStatus": "00",
    "vnp_TxnRef": "1716257871703",
}
ANSWERED = SAID | {"vnp_TransactionType": "01", "vnp_Command": "querydr"}
REFUNDED = ANSWERED | {"vnp_TransactionType": "02", "vnp_TransactionStatus": "05", "vnp_Command": "refund"}
OURS = {"vnp_RequestId": "R1"}


def request(**changed):
    fields = {
        "our_reference": "P25060300000001",
        "dossier_code": "H32.1-250603-0001",
        "amount_vnd": 200_000,
        "purpose": "Lệ phí hồ sơ",
        "requested_at": datetime(2025, 6, 3, 17, 30, tzinfo=UTC),
    }
    return PaymentRequested(**(fields | changed))


def wanted_back(**changed):
    fields = {
        "refund_reference": "R1",
        "our_reference": "P25060300000001",
        "dossier_code": "H32.1-250603-0001",
        "partner_reference": "14422574",
        "paid_vnd": 200_000,
        "amount_vnd": 200_000,
        "paid_at": datetime(2025, 6, 3, 17, 40, tzinfo=UTC),
        "payment_requested_at": datetime(2025, 6, 3, 17, 35, tzinfo=UTC),
        "purpose": "Trả lại lệ phí",
        "requested_at": datetime(2025, 6, 5, 2, 0, tzinfo=UTC),
        "requested_by": "Nguyễn Kế Toán",
    }
    return RefundRequested(**(fields | changed))


def kept(said):
    return json.dumps(OURS | {"answer": json.dumps(said)}).encode()


def told(**changed):
    (found,) = ipn.read(urlencode(SAID | {f"vnp_{name}": value for name, value in changed.items()}).encode())
    return found


def answered(**changed):
    (found,) = query.read(kept(ANSWERED | {f"vnp_{name}": value for name, value in changed.items()}))
    return found


def given_back(**changed):
    (found,) = refund.read(kept(REFUNDED | {f"vnp_{name}": value for name, value in changed.items()}))
    return found


def test_a_payment_request_is_written_to_the_byte():
    assert payment.write(request()) == (
        b'{"vnp_Amount":"20000000","vnp_CreateDate":"20250604003000","vnp_CurrCode":"VND",'
        b'"vnp_OrderInfo":"Le phi ho so","vnp_TxnRef":"P25060300000001"}'
    )


@pytest.mark.parametrize(
    ("purpose", "written"),
    [
        ("Phí đường bộ – Đợt 2", "Phi duong bo Dot 2"),
        ("a!'b(c)*d~e", "a b c d e"),
        ("  Phi   ho so H32.1-250603-0001 ", "Phi ho so H32.1-250603-0001"),
    ],
)
def test_what_the_page_shows_is_in_letters_every_encoder_writes_alike(purpose, written):
    assert json.loads(payment.write(request(purpose=purpose)))["vnp_OrderInfo"] == written


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"amount_vnd": 0}, "amount_vnd", "amount_out_of_range"),
        ({"amount_vnd": 10**12 + 1}, "amount_vnd", "amount_out_of_range"),
        ({"our_reference": ""}, "our_reference", "reference_malformed"),
        ({"our_reference": "T" * 101}, "our_reference", "reference_malformed"),
        ({"our_reference": "TT-1"}, "our_reference", "reference_malformed"),
        ({"purpose": "~"}, "purpose", "text_too_long"),
        ({"purpose": "x" * 256}, "purpose", "text_too_long"),
    ],
)
def test_what_vnpay_would_refuse_is_refused_here_by_name(changed, field, reason):
    with pytest.raises(MalformedError, match=field) as caught:
        payment.write(request(**changed))
    assert caught.value.reason == reason


def test_the_edges_are_written():
    assert json.loads(payment.write(request(amount_vnd=10**12)))["vnp_Amount"] == "1" + "0" * 14
    assert json.loads(payment.write(request(our_reference="T" * 100)))["vnp_TxnRef"] == "T" * 100


def test_the_receipt_gives_the_pay_address():
    url = "https://sandbox.vnpayment.vn/paymentv2/vpcpay.html?vnp_Amount=1&vnp_TxnRef=TT1&vnp_SecureHash=0"
    (address,) = payment.read(json.dumps({"payUrl": url}).encode())
    assert (address.our_reference, address.pay_url, address.partner_token) == ("TT1", url, "")


def test_a_refund_is_written_to_the_byte():
    assert refund.write(wanted_back()) == (
        b'{"vnp_RequestId":"R1","vnp_TransactionType":"02","vnp_TxnRef":"P25060300000001","vnp_Amount":"20000000",'
        b'"vnp_TransactionNo":"14422574","vnp_TransactionDate":"20250604003500","vnp_CreateBy":"Nguyen Ke Toan",'
        b'"vnp_CreateDate":"20250605090000","vnp_OrderInfo":"R1 Tra lai le phi"}'
    )


def test_less_than_what_was_paid_is_a_partial_refund_and_an_unknown_transaction_is_zero():
    written = json.loads(refund.write(wanted_back(amount_vnd=199_999, partner_reference="")))
    assert (written["vnp_TransactionType"], written["vnp_Amount"]) == ("03", "19999900")
    assert written["vnp_TransactionNo"] == "0"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount_vnd": 200_001}, "amount_vnd"),
        ({"amount_vnd": 0}, "amount_vnd"),
        ({"refund_reference": "R" * 33}, "refund_reference"),
        ({"refund_reference": "R-1"}, "refund_reference"),
        ({"our_reference": ""}, "our_reference"),
        ({"partner_reference": "A1"}, "partner_reference"),
        ({"requested_by": ""}, "requested_by"),
    ],
)
def test_a_refund_vnpay_would_refuse_is_refused_here_by_name(changed, field):
    with pytest.raises(MalformedError, match=field):
        refund.write(wanted_back(**changed))


@pytest.mark.parametrize("reading", [told, answered])
def test_a_payment_is_read_from_ipn_and_question_alike(reading):
    found = reading()
    assert (found.our_reference, found.partner_reference) == ("1716257871703", "14422574")
    assert (found.amount_vnd, found.state) == (10_000, "paid")
    assert found.occurred_at.isoformat() == "2024-05-21T09:18:06+07:00"


def test_paid_needs_both_codes():
    read_as_paid = [
        (response, status)
        for response in states.RESPONSES
        for status in states.STATUSES
        if told(ResponseCode=response, TransactionStatus=status).state == "paid"
    ]
    assert read_as_paid == [("00", "00")]


@pytest.mark.parametrize(
    ("response", "status", "state"),
    [
        ("99", "00", "pending"),  # the published message: the codes contradict each other
        ("00", "02", "pending"),
        ("00", "01", "pending"),
        ("07", "07", "pending"),
        ("24", "04", "pending"),
        ("24", "01", "pending"),
        ("24", "02", "failed"),
        ("11", "02", "expired"),
        ("51", "02", "failed"),
    ],
)
def test_an_ipn_is_read_by_both_codes(response, status, state):
    assert told(ResponseCode=response, TransactionStatus=status).state == state


@pytest.mark.parametrize(("status", "state"), list(states.STATUSES.items()))
def test_a_question_is_read_by_the_status(status, state):
    assert answered(TransactionStatus=status).state == state


def test_every_published_code_is_read_or_says_nothing_and_no_other_is():
    assert set(states.RESPONSES) == set(PAYMENT.meaning)
    assert set(states.STATUSES) | states.SAY_NOTHING_OF_PAYMENT == set(STATUSES.meaning)
    assert not set(states.STATUSES) & states.SAY_NOTHING_OF_PAYMENT
    assert set(states.REFUND_STATUSES) | states.SAY_NOTHING_OF_REFUND == set(STATUSES.meaning)
    assert not set(states.REFUND_STATUSES) & states.SAY_NOTHING_OF_REFUND
    for table in (states.RESPONSES, states.STATUSES):
        assert [code for code, state in table.items() if state == "paid"] == ["00"]


@pytest.mark.parametrize("reading", [told, answered])
@pytest.mark.parametrize("status", sorted(states.SAY_NOTHING_OF_PAYMENT))
def test_a_status_of_a_refund_is_no_payment(reading, status):
    with pytest.raises(MalformedError) as caught:
        reading(TransactionStatus=status)
    assert caught.value.reason == "not_a_payment"


@pytest.mark.parametrize("kind", ["02", "03", "xx"])
def test_an_answer_about_a_refund_is_no_payment(kind):
    with pytest.raises(MalformedError) as caught:
        answered(TransactionType=kind)
    assert caught.value.reason == "not_a_payment"


@pytest.mark.parametrize("code", [code for code in CODES.meaning if code != "00"])
def test_a_question_that_was_not_answered_says_nothing(code):
    for reading in (answered, given_back):
        with pytest.raises(MalformedError, match=code):
            reading(ResponseCode=code)


@pytest.mark.parametrize(
    ("reading", "name"),
    [
        (told, "ResponseCode"),
        (told, "TransactionStatus"),
        (answered, "TransactionStatus"),
        (given_back, "TransactionStatus"),
    ],
)
def test_an_unknown_code_raises(reading, name):
    with pytest.raises(MalformedError, match="77") as caught:
        reading(**{name: "77"})
    assert caught.value.reason == "unknown_result_code"


def test_what_waits_may_name_no_time_but_a_payment_must():
    found = answered(TransactionStatus="01", PayDate="", TransactionNo=None)
    assert (found.occurred_at, found.partner_reference) == (None, "")
    for reading in (answered, told):
        with pytest.raises(MalformedError, match="vnp_PayDate"):
            reading(PayDate="")


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("05", "pending", ""),
        ("06", "pending", ""),
        ("01", "pending", ""),
        ("00", "refunded", ""),
        ("09", "refused", "vnp_TransactionStatus 09"),
    ],
)
def test_a_refund_is_read_under_our_own_name_and_names_no_time(status, state, reason):
    found = given_back(TransactionStatus=status)
    assert (found.refund_reference, found.partner_reference, found.amount_vnd) == ("R1", "14422574", 10_000)
    assert (found.state, found.reason) == (state, reason)
    assert found.occurred_at is None, "what it names is when the payment was"


@pytest.mark.parametrize("changed", [{"TransactionStatus": "07"}, {"TransactionType": "01"}])
def test_what_says_nothing_of_a_refund_is_set_aside(changed):
    with pytest.raises(MalformedError) as caught:
        given_back(**changed)
    assert caught.value.reason == "not_a_refund"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Amount", "10000.00"),
        ("Amount", "1000050"),
        ("Amount", "-100"),
        ("Amount", "１００"),
        ("Amount", ""),
        ("Amount", "1" * 18),
        ("PayDate", "20240231091806"),
        ("PayDate", "2024052109180"),
        ("PayDate", "2024-05-21 091"),
        ("TxnRef", ""),
        ("TxnRef", "T\x00"),
        ("TransactionNo", "\x00"),
    ],
)
def test_a_field_that_cannot_be_is_named(name, value):
    for reading in (told, answered):
        with pytest.raises(MalformedError, match=f"vnp_{name}"):
            reading(**{name: value})


def test_a_name_given_twice_is_refused():
    with pytest.raises(MalformedError) as caught:
        list(ipn.read(f"{urlencode(SAID)}&vnp_Amount=1".encode()))
    assert caught.value.reason == "not_a_query"


def test_numbers_may_come_as_numbers_in_answers():
    assert answered(Amount=1_000_000, TransactionNo=14_422_574, PayDate=20_240_521_091_806) == answered()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from(sorted(REFUNDED)), JSON)
def test_whatever_stands_in_a_field_it_is_read_or_malformed(field, value):
    for reading in (query.read, refund.read):
        with contextlib.suppress(MalformedError):
            list(reading(kept(REFUNDED | {field: value})))
            list(reading(kept(ANSWERED | {field: value})))
    for name in ("answer", "vnp_RequestId"):
        for reading in (query.read, refund.read):
            with contextlib.suppress(MalformedError):
                list(reading(json.dumps(json.loads(kept(REFUNDED)) | {name: value}).encode()))


@given(st.sampled_from(sorted(SAID)), st.text(st.characters(codec="utf-8")))
def test_whatever_an_ipn_holds_it_is_read_or_malformed(field, value):
    with contextlib.suppress(MalformedError):
        list(ipn.read(urlencode(SAID | {field: value}).encode()))


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    for reading in (ipn.read, query.read, refund.read, payment.read, browser_return.read):
        with pytest.raises(MalformedError):
            list(reading(body))


@given(JSON)
def test_whatever_the_receipt_holds_it_is_an_address_or_malformed(value):
    with contextlib.suppress(MalformedError):
        list(payment.read(json.dumps({"payUrl": value}).encode()))
