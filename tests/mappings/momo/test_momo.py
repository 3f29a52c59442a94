"""What MoMo's messages mean, beside approved readings."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.momo.result_codes import MEANING
from mappings.momo import ipn, payment, query, statement
from mappings.momo.states import SAY_NOTHING_OF_PAYMENT, STATES
from truc.errors import MalformedError
from truc.messages import PaymentRequested

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas" / "momo"
SAID = {
    "partnerCode": "MOMO",
    "orderId": "TT-1",
    "requestId": "TT-1",
    "amount": 200_000,
    "orderInfo": "Lệ phí hồ sơ",
    "orderType": "momo_wallet",
    "transId": 3_108_065_159,
    "resultCode": 0,
    "message": "Successful.",
    "payType": "qr",
    "responseTime": 1_748_917_800_000,
    "extraData": "",
    "signature": "0" * 64,
}


def request(**changed):
    fields = {
        "our_reference": "TT-1",
        "dossier_code": "H32.1-250603-0001",
        "amount_vnd": 200_000,
        "purpose": "Lệ phí hồ sơ",
        "requested_at": datetime(2025, 6, 3, tzinfo=UTC),
    }
    return PaymentRequested(**(fields | changed))


def one(reading, **changed):
    (found,) = reading(json.dumps(SAID | changed).encode())
    return found


def test_a_payment_request_is_written_to_the_byte():
    expected = (
        '{"requestId":"TT-1","orderId":"TT-1","amount":200000,"orderInfo":"Lệ phí hồ sơ","extraData":"",'
        '"requestType":"captureWallet","lang":"vi"}'
    )
    assert payment.write(request()) == expected.encode()


@pytest.mark.parametrize("amount_vnd", [1_000, 20_000_000])
def test_the_edges_of_the_amount_are_written(amount_vnd):
    assert json.loads(payment.write(request(amount_vnd=amount_vnd)))["amount"] == amount_vnd


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"amount_vnd": 999}, "amount_vnd", "amount_out_of_range"),
        ({"amount_vnd": 20_000_001}, "amount_vnd", "amount_out_of_range"),
        ({"our_reference": "T" * 51}, "our_reference", "reference_malformed"),
        ({"our_reference": "TT 1"}, "our_reference", "reference_malformed"),
        ({"our_reference": "TT-"}, "our_reference", "reference_malformed"),
        ({"our_reference": "a" * 49 + "!"}, "our_reference", "reference_malformed"),
        ({"purpose": ""}, "purpose", "purpose_too_long"),
        ({"purpose": "x" * 201}, "purpose", "purpose_too_long"),
    ],
)
def test_what_momo_would_refuse_is_refused_here_by_name(changed, field, reason):
    with pytest.raises(MalformedError, match=field) as caught:
        payment.write(request(**changed))
    assert caught.value.reason == reason


def test_the_answer_to_create_gives_the_pay_address():
    (address,) = payment.read(b'{"orderId":"TT-1","resultCode":0,"payUrl":"https://test-payment.momo.vn/pay?t=1"}')
    assert (address.our_reference, address.pay_url) == ("TT-1", "https://test-payment.momo.vn/pay?t=1")


def test_a_pay_address_in_clear_text_is_refused():
    with pytest.raises(MalformedError, match="payUrl"):
        list(payment.read(b'{"orderId":"TT-1","payUrl":"http://test-payment.momo.vn/pay"}'))


@pytest.mark.parametrize("reading", [query.read, ipn.read])
def test_a_payment_is_read_from_query_and_ipn_alike(reading):
    found = one(reading)
    assert (found.our_reference, found.partner_reference) == ("TT-1", "3108065159")
    assert (found.amount_vnd, found.state) == (200_000, "paid")
    assert found.occurred_at.isoformat() == "2025-06-03T09:30:00+07:00"


def test_numbers_may_come_as_texts():
    as_text = {name: str(SAID[name]) for name in ("amount", "transId", "resultCode", "responseTime")}
    assert one(ipn.read, **as_text) == one(ipn.read)
    jsonschema.validate(SAID, json.loads((SCHEMAS / "ipn.json").read_text(encoding="utf-8")))
    jsonschema.validate(SAID | as_text, json.loads((SCHEMAS / "ipn.json").read_text(encoding="utf-8")))


def test_a_changed_amount_is_read_as_it_was_said():
    assert one(ipn.read, amount=199_000).amount_vnd == 199_000


def test_every_published_code_has_a_state_or_says_nothing_and_no_other_does():
    assert set(STATES) | SAY_NOTHING_OF_PAYMENT == {int(code) for code in MEANING}
    assert not set(STATES) & SAY_NOTHING_OF_PAYMENT
    assert [code for code, state in STATES.items() if state == "paid"] == [0]


@pytest.mark.parametrize("code", STATES)
def test_a_code_is_read_as_its_state(code):
    assert one(query.read, resultCode=code).state == STATES[code]


@pytest.mark.parametrize("code", sorted(SAY_NOTHING_OF_PAYMENT))
def test_a_code_that_says_nothing_of_payment_is_set_aside(code):
    with pytest.raises(MalformedError) as caught:
        one(query.read, resultCode=code)
    assert caught.value.reason == "not_a_payment"


def test_an_unknown_code_raises():
    with pytest.raises(MalformedError, match="12345") as caught:
        one(ipn.read, resultCode=12345)
    assert caught.value.reason == "unknown_result_code"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 200_000.5),
        ("amount", -1),
        ("amount", True),
        ("amount", None),
        ("amount", "２００"),
        ("amount", "1" * 16),
        ("responseTime", 1_748_917_800),
        ("responseTime", "2025-06-03"),
        ("orderId", ""),
        ("orderId", 1),
        ("resultCode", "0.0"),
    ],
)
def test_a_field_that_cannot_be_is_named(field, value):
    with pytest.raises(MalformedError, match=field):
        one(ipn.read, **{field: value})


@pytest.mark.parametrize("bad", ["\ud83d", "\x00", "T\x00-1", "T\ud83d-1"])
@pytest.mark.parametrize("field", ["orderId", "transId"])
def test_text_no_database_can_hold_is_refused_by_name(field, bad):
    for reading in (ipn.read, query.read):
        with pytest.raises(MalformedError, match=field) as caught:
            one(reading, **{field: bad})
        assert caught.value.reason == "text_not_storable"


@pytest.mark.parametrize("bad", ["https://pay/\ud83d", "https://pay/\x00"])
def test_a_pay_address_no_database_can_hold_is_refused(bad):
    for answer in ({"orderId": "TT-1", "payUrl": bad}, {"orderId": bad, "payUrl": "https://pay/1"}, {"orderId": bad}):
        with pytest.raises(MalformedError) as caught:
            list(payment.read(json.dumps(answer).encode()))
        assert caught.value.reason == "text_not_storable"


@pytest.mark.parametrize(
    ("given_as", "read_as"), [(None, ""), ("", ""), (0, "0"), (10**18, "1" + "0" * 18), ("7", "7")]
)
def test_momo_s_own_number_is_kept_as_text(given_as, read_as):
    assert one(query.read, transId=given_as).partner_reference == read_as


@pytest.mark.parametrize("bad", [{"a": 1}, [], True, 1.5])
def test_a_number_of_momo_s_that_is_none_is_refused(bad):
    with pytest.raises(MalformedError, match="transId"):
        one(query.read, transId=bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from([*sorted(SAID), "payUrl"]), JSON)
def test_whatever_stands_in_a_field_it_is_read_or_malformed(field, value):
    for reading in (ipn.read, query.read, payment.read):
        with contextlib.suppress(MalformedError):
            list(reading(json.dumps(SAID | {"payUrl": "https://pay/1"} | {field: value}).encode()))


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    for reading in (ipn.read, query.read, payment.read, statement.read):
        with pytest.raises(MalformedError):
            list(reading(body))


STATEMENT = (
    "HEADER,MOMO,2025-06-03\r\n"
    "LINE,1,TT-1,3108065159,PAYMENT,200000,0,SUCCESS,2025-06-03 09:30:00\r\n"
    'LINE,2,"TT-2",3108065160,REFUND,31500,0,FAILED,2025-06-03 23:59:59\r\n'
    "TOTAL,2,231500\r\n"
)


def test_the_statement_is_read_in_the_neutral_row():
    (found,) = statement.read(STATEMENT.encode())
    assert (found.business_on.isoformat(), found.count_declared, found.amount_declared_vnd) == (
        "2025-06-03",
        2,
        231_500,
    )
    first, second = found.lines
    assert (first.line_no, first.our_reference, first.partner_reference) == (1, "TT-1", "3108065159")
    assert (first.kind, first.amount_vnd, first.state) == ("payment", 200_000, "paid")
    assert first.occurred_at.isoformat() == "2025-06-03T09:30:00+07:00"
    assert (second.our_reference, second.kind, second.state) == ("TT-2", "refund", "failed")


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("TOTAL,2,231500", "TOTAL,2,231501", "control_total_differs"),
        ("TOTAL,2,", "TOTAL,1,", "control_count_differs"),
        ("TOTAL,2,231500\r\n", "", "truncated"),
        ("SUCCESS", "DONE", "unknown_state"),
        ("PAYMENT", "GIFT", "unknown_kind"),
        ("LINE,2", "LINE,1", "duplicate_line"),
        ("200000", "200000.00", "amount_not_integer"),
        ("TT-1", "TT\x00-1", "text_not_storable"),
        ("3108065160", "\x00", "text_not_storable"),
    ],
)
def test_a_statement_that_does_not_hold_is_refused_whole(right, wrong, reason):
    assert right in STATEMENT
    with pytest.raises(MalformedError) as caught:
        list(statement.read(STATEMENT.replace(right, wrong, 1).encode()))
    assert caught.value.reason == reason


def test_the_statement_s_tables_reach_every_word_of_ours():
    assert set(statement.PROFILE.means.kinds.values()) == {"payment", "refund", "reversal", "fee", "settlement"}
    assert set(statement.PROFILE.means.states.values()) == {"paid", "failed", "pending", "refunded"}
