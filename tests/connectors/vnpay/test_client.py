"""We sign VNPAY's pay page, ask and refund as it expects, fail as the house says, and never refund twice."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest

from connectors.vnpay import signatures
from connectors.vnpay.result_codes import CODES, PAYMENT, STATUSES
from mappings.vnpay import payment, query, refund
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport.rest import Reply
from truc.trust.signing import Profile, sign, text_to_sign, verify

QUICK = Limits(timeout_s=0.3, connect_timeout_s=1, body_bytes_max=1024 * 1024)
ROOT = Path(__file__).resolve().parents[3]
FAILURES = {
    Doing.TRANSIENT: TransientError,
    Doing.ASK: OutcomeUnknownError,
    Doing.REJECTED: RejectedError,
    Doing.ABSENT: RejectedError,
    Doing.SETUP: SetupError,
}
SECRET = "sandbox-hash-secret"


def fits(name, value):
    schema = json.loads((ROOT / "schemas" / "vnpay" / name).read_text(encoding="utf-8"))
    jsonschema.validate(value, schema)


def pay_url(receipt):
    (address,) = payment.read(receipt.body)
    return address.pay_url


def hash_of(values):
    return hmac.new(SECRET.encode(), "|".join(values).encode(), hashlib.sha512).hexdigest()


# The published vectors (vectors.json, lehuygiang28/vnpay and phpviet/omnipay-vnpay).


def test_the_published_hash_over_a_sorted_query_is_ours():
    fields = {
        "vnp_TnxRef": "1234567890",
        "vnp_OrderInfo": "Payment for order #1234567890",
        "vnp_Amount": "10000",
        "vnp_Empty": "",
    }
    assert sign(signatures.QUERY_STRING, fields, "YOUR_SECURE_SECRET") == (
        "7bb8160a5d2085a85b3267817a40ee4f770a335282f19714726e6fc6f28a64c7"
        "5a1e7e9c1aa96f3cbda5ce44095088fb4cb2af66c596d2f655b0b53966312089"
    )


def test_the_hash_of_2_0_is_no_row_of_ours():
    old = Profile(
        algorithm="MD5", key_place="prefix", encoding="form", weak_because="the published vector of VNPAY 2.0.x"
    )
    fields = dict(
        parse_qsl(
            "vnp_Amount=1000000&vnp_BankCode=NCB&vnp_BankTranNo=20170829152730&vnp_CardType=ATM&vnp_OrderInfo="
            "Thanh+toan+don+hang+thoi+gian%3A+2017-08-29+15%3A27%3A02&vnp_PayDate=20170829153052&vnp_ResponseCode=00"
            "&vnp_TmnCode=2QXUI4J4&vnp_TransactionNo=12996460&vnp_TxnRef=23597"
        )
    )
    key, published = "RAOEXHYVSDDIIENYWSLDIIZTANXUXZFJ", "32c2be7c9a4282ca13ce4a5e443902fe"
    assert sign(old, fields, key) == published
    assert not verify(signatures.QUERY_STRING, fields, key, published)
    rows = [one for one in vars(signatures).values() if isinstance(one, Profile)]
    assert {one.algorithm for one in rows} == {"HMAC-SHA512"}


ASKED = "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo"
WANTED_BACK = (
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy CreateDate"
    " IpAddr OrderInfo"
)


@pytest.mark.parametrize(("profile", "names"), [(signatures.QUERY, ASKED), (signatures.REFUND, WANTED_BACK)])
def test_values_stand_between_bars_in_the_published_order_and_absent_ones_are_empty(profile, names):
    fields = {f"vnp_{name}": name.lower() for name in names.split()}
    expected = "|".join(name.lower() for name in names.split())
    assert text_to_sign(profile, fields).decode() == expected
    assert text_to_sign(profile, fields | {"vnp_OrderInfo": ""}).decode() == expected.removesuffix("orderinfo")
    del fields["vnp_TxnRef"]
    assert text_to_sign(profile, fields).decode() == expected.replace("|txnref|", "||")


# The pay address.


def test_the_pay_address_opens_the_order_and_says_what_was_asked(vnpay, order):
    receipt = vnpay.client().send_payment(order())
    url = pay_url(receipt)
    said = dict(parse_qsl(urlsplit(url).query))
    fits("pay.json", said)
    assert receipt.external_id == said["vnp_TxnRef"] == "TT1"
    assert (said["vnp_Amount"], said["vnp_OrderInfo"]) == ("20000000", "Le phi ho so H32.1-250603-0001")
    assert (said["vnp_CreateDate"], said["vnp_ExpireDate"]) == ("20250603090000", "20250603091500")
    assert said["vnp_ReturnUrl"] == f"{vnpay.door.url}/partners/vnpay/browser_return"
    assert vnpay.effects() == {}
    assert vnpay.opened(url) == ""
    assert vnpay.get("payments") == [{"reference": "TT1", "amount_vnd": 200_000, "state": "created", "times": 1}]


def test_the_same_message_gives_the_same_address_and_opening_it_twice_makes_one_order(vnpay, order):
    first, again = (pay_url(vnpay.client().send_payment(order())) for _ in range(2))
    assert first == again
    assert [vnpay.opened(first), vnpay.opened(again)] == ["", ""]
    assert vnpay.effects() == {"TT1": 1}


def test_a_changed_address_or_another_secret_or_terminal_opens_nothing(vnpay, order):
    right = pay_url(vnpay.client().send_payment(order()))
    assert vnpay.opened(right.replace("vnp_Amount=20000000", "vnp_Amount=200000")) == "70"
    assert vnpay.opened(pay_url(vnpay.client(password="other").send_payment(order()))) == "70"
    assert vnpay.opened(pay_url(vnpay.client(login="OTHER123").send_payment(order()))) == "71"
    assert vnpay.effects() == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pay_url", "http://pay.example/vpcpay.html"),
        ("pay_url", "https://pay.example/vpcpay.html?a=b"),
        ("pay_url", "ftp://pay.example/"),
        ("ip_address", "here"),
        ("host", "http://pay.example"),
        ("return_url", ""),
        ("password", ""),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(lasting_vnpay, name, value):
    with pytest.raises(SetupError):
        lasting_vnpay.client(**{name: value})


# Questions.


def test_a_payment_is_read_back(vnpay, about):
    vnpay.order()
    client = vnpay.client()
    (before,) = query.read(client.get_payment(about()))
    assert (before.our_reference, before.state, before.amount_vnd) == ("TT1", "pending", 200_000)
    assert before.occurred_at is None
    vnpay.pay("TT1", notify=False)
    body = client.get_payment(about())
    fits("querydr_answer.json", json.loads(json.loads(body)["answer"]))
    (after,) = query.read(body)
    assert (after.state, after.occurred_at.isoformat()) == ("paid", "2025-06-03T09:05:00+07:00")


def test_a_payment_that_failed_is_read_back_as_failed(vnpay, about):
    vnpay.order()
    vnpay.pay("TT1", code="24", notify=False)
    (found,) = query.read(vnpay.client().get_payment(about()))
    assert found.state == "failed"


def test_an_order_nobody_opened_or_of_another_moment_is_not_found(vnpay, about):
    client = vnpay.client()
    for wanted in (about("TT9"), about(requested_at=datetime(2025, 6, 3, 2, 0, 1, tzinfo=UTC))):
        with pytest.raises(RejectedError) as caught:
            client.get_payment(wanted)
        assert (caught.value.reason, caught.value.code) == ("not_found", "91")
        vnpay.order()


def test_what_we_ask_fits_the_schema(vnpay, about, refunding):
    client, sent = vnpay.client(), []

    class Seen:
        def call(self, method, path, **named):
            sent.append(json.loads(named["body"]))
            return client.rest.call(method, path, **named)

    vnpay.order()
    vnpay.pay("TT1", notify=False)
    watched = replace(client, rest=Seen())
    watched.get_payment(about())
    watched.send_refund(refunding())
    fits("querydr.json", sent[0])
    fits("refund.json", sent[1])


@pytest.mark.parametrize("code", [code for code in CODES.meaning if code != "00"])
def test_every_published_code_after_a_question_does_what_the_table_says(lasting_vnpay, about, code):
    lasting_vnpay.insist("query", code)
    with pytest.raises(FAILURES[CODES.on["get_payment"][code]]) as caught:
        lasting_vnpay.client().get_payment(about())
    assert caught.value.reason == ("not_found" if code == "91" else f"vnpay_{code}")


@pytest.mark.parametrize("code", [code for code in CODES.meaning if code != "00"])
def test_every_published_code_after_a_refund_does_what_the_table_says(lasting_vnpay, refunding, code):
    lasting_vnpay.insist("refund", code)
    with pytest.raises(FAILURES[CODES.on["send_refund"][code]]) as caught:
        lasting_vnpay.client().send_refund(refunding(f"C{code}"))
    assert caught.value.reason == f"vnpay_{code}"
    assert lasting_vnpay.effects("refund") == {}


def test_the_tables_hold_every_published_code_and_no_other():
    assert set(CODES.meaning) == {"00", "02", "03", "91", "94", "95", "97", "99"}
    assert set(PAYMENT.meaning) == {f"{one:02}" for one in (0, 7, 9, 10, 11, 12, 13, 24, 51, 65, 75, 79, 99)}
    assert set(STATUSES.meaning) == {"00", "01", "02", "04", "05", "06", "07", "09"}
    for table in (CODES, PAYMENT, STATUSES):
        assert all(set(codes) == set(table.meaning) for codes in table.on.values())


def test_an_unknown_code_is_never_taken_for_success(vnpay, about, refunding):
    vnpay.order()
    vnpay.pay("TT1", notify=False)
    vnpay.insist("query", "42")
    with pytest.raises(MalformedError) as caught:
        vnpay.client().get_payment(about())
    assert caught.value.reason == "unknown_result_code"
    vnpay.insist("refund", "42")
    with pytest.raises(OutcomeUnknownError) as caught:
        vnpay.client().send_refund(refunding())
    assert caught.value.reason == "unknown_result_code"


@pytest.mark.parametrize("mode", ["refuse", "unavailable", "silent_before", "error_before", "drop_after", "truncated"])
def test_a_fault_while_asking_is_transient(vnpay, about, mode):
    vnpay.fault("query", mode)
    with pytest.raises(TransientError):
        vnpay.client(QUICK).get_payment(about())


def test_an_unreadable_answer_while_asking_is_malformed(vnpay, about):
    vnpay.fault("query", "garbage")
    with pytest.raises(MalformedError):
        vnpay.client().get_payment(about())


def test_another_terminal_or_secret_needs_a_person(vnpay, about):
    with pytest.raises(SetupError) as caught:
        vnpay.client(password="other").get_payment(about())
    assert caught.value.reason == "vnpay_97"
    with pytest.raises(SetupError) as caught:
        vnpay.client(login="OTHER123").get_payment(about())
    assert caught.value.reason == "vnpay_02"


# Answers that are not what they claim.

ANSWERED = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType"
    " TransactionStatus OrderInfo"
)


def answer(command="refund", *, numbers=(), **changed):
    """Return an answer as VNPAY would sign it, then changed; some of its values as JSON numbers."""
    values = ["id", command, "00", "ok", "TRUCTEST", "TT1", "20000000", "NCB", "20250604090000", "77", "02", "05", "x"]
    signed = values + ["", ""] * (command == "querydr")
    said = dict(zip((f"vnp_{name}" for name in ANSWERED.split()), values, strict=True)) | {
        "vnp_SecureHash": hash_of(signed)
    }
    said |= {f"vnp_{name}": value for name, value in changed.items()}
    return json.dumps({name: int(value) if name in numbers else value for name, value in said.items()}).encode()


def answering(client, body):
    class Said:
        def call(self, *_args, **_named):
            return Reply(200, {}, body)

    return replace(client, rest=Said())


def test_an_answer_is_hashed_with_the_digits_it_came_with(lasting_vnpay, refunding, about):
    client = lasting_vnpay.client()
    for numbers in ((), ("vnp_Amount", "vnp_TransactionNo", "vnp_PayDate")):
        receipt = answering(client, answer(numbers=numbers)).send_refund(refunding())
        (found,) = refund.read(receipt.body)
        assert (found.refund_reference, found.amount_vnd, found.state) == ("R1", 200_000, "pending")
    assert answering(client, answer("querydr")).get_payment(about())


@pytest.mark.parametrize(
    "changed",
    [
        {"Amount": "200000"},
        {"Amount": "10000000"},
        {"ResponseCode": "03"},
        {"TransactionStatus": "00"},
        {"SecureHash": "0" * 128},
        {"SecureHash": None},
        {"Message": None},
    ],
)
def test_an_answer_that_vnpay_did_not_sign_settles_nothing(lasting_vnpay, refunding, about, changed):
    client = lasting_vnpay.client()
    with pytest.raises(OutcomeUnknownError) as caught:
        answering(client, answer(**changed)).send_refund(refunding())
    assert caught.value.reason == "bad_signature"
    with pytest.raises(MalformedError) as caught:
        answering(client, answer("querydr", **changed)).get_payment(about())
    assert caught.value.reason == "bad_signature"


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"vnp_Amount":{}}', b'{"a":"1","a":"1"}', b"[" * 100_000])
def test_an_answer_of_another_form_settles_nothing(lasting_vnpay, refunding, about, body):
    client = answering(lasting_vnpay.client(), body)
    with pytest.raises(OutcomeUnknownError):
        client.send_refund(refunding())
    with pytest.raises(MalformedError):
        client.get_payment(about())


def test_a_name_given_twice_settles_nothing_though_its_last_value_is_signed(lasting_vnpay, about):
    doubled = answer("querydr").replace(b"{", b'{"vnp_Amount": "1", ', 1)
    with pytest.raises(MalformedError) as caught:
        answering(lasting_vnpay.client(), doubled).get_payment(about())
    assert caught.value.reason == "not_json"


def test_an_answer_about_another_order_settles_nothing(lasting_vnpay, refunding, about):
    client = lasting_vnpay.client()
    with pytest.raises(OutcomeUnknownError) as caught:
        answering(client, answer()).send_refund(refunding(payment_reference="TT2"))
    assert caught.value.reason == "answer_of_another"
    with pytest.raises(MalformedError) as caught:
        answering(client, answer("querydr")).get_payment(about("TT2"))
    assert caught.value.reason == "answer_of_another"


# Refunds.


def test_a_whole_refund_is_taken_once_and_read(vnpay, refunding):
    vnpay.order()
    vnpay.pay("TT1", notify=False)
    receipt = vnpay.client().send_refund(refunding())
    fits("refund_answer.json", json.loads(json.loads(receipt.body)["answer"]))
    (found,) = refund.read(receipt.body)
    assert (found.refund_reference, found.amount_vnd, found.state) == ("R1", 200_000, "pending")
    assert (found.partner_reference, found.occurred_at) == (receipt.external_id, None)
    assert vnpay.effects("refund") == {"R1": 1}
    assert vnpay.states() == {"TT1": "refunded"}


def test_partial_refunds_never_exceed_what_was_paid(vnpay, refunding):
    vnpay.order()
    vnpay.pay("TT1", notify=False)
    client = vnpay.client()
    for reference, amount_vnd in (("R1", 150_000), ("R2", 50_000)):
        (found,) = refund.read(client.send_refund(refunding(reference, amount_vnd)).body)
        assert (found.amount_vnd, found.state) == (amount_vnd, "pending")
    with pytest.raises(RejectedError):
        client.send_refund(refunding("R3", 1_000))
    assert vnpay.effects("refund") == {"R1": 1, "R2": 1}
    assert vnpay.states() == {"TT1": "refunded"}


def test_a_payment_that_did_not_succeed_is_not_refunded(vnpay, refunding):
    vnpay.order()
    with pytest.raises(RejectedError) as caught:
        vnpay.client().send_refund(refunding())
    assert caught.value.reason == "vnpay_95"


def test_a_repeated_refund_is_recognised_and_left_to_a_person(vnpay, refunding):
    vnpay.order()
    vnpay.pay("TT1", notify=False)
    client = vnpay.client()
    client.send_refund(refunding())
    with pytest.raises(OutcomeUnknownError) as caught:
        client.send_refund(refunding())
    assert caught.value.reason == "vnpay_94"
    assert vnpay.effects("refund") == {"R1": 1}


@pytest.mark.parametrize(
    ("mode", "failure", "times"),
    [
        ("refuse", OutcomeUnknownError, 0),
        ("unavailable", TransientError, 0),
        ("silent_before", OutcomeUnknownError, 0),
        ("error_before", OutcomeUnknownError, 0),
        ("silent_after", OutcomeUnknownError, 1),
        ("drop_after", OutcomeUnknownError, 1),
        ("error_after", OutcomeUnknownError, 1),
        ("garbage", OutcomeUnknownError, 1),
        ("truncated", OutcomeUnknownError, 1),
        ("huge", OutcomeUnknownError, 1),
    ],
)
def test_after_a_fault_a_refund_is_unknown_unless_nothing_was_done(vnpay, refunding, mode, failure, times):
    vnpay.order()
    vnpay.pay("TT1", notify=False)
    vnpay.fault("refund", mode)
    with pytest.raises(failure):
        vnpay.client(QUICK).send_refund(refunding())
    assert vnpay.effects("refund") == ({"R1": 1} if times else {})


def test_printing_the_client_shows_no_secret(lasting_vnpay):
    assert SECRET not in repr(lasting_vnpay.client())
