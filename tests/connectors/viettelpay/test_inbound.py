"""ViettelPay's calls are believed for a checksum over our own amount, and answered in its codes, signed as agreed."""

import hashlib
import hmac
import json
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import jsonschema
import pytest

from connectors.viettelpay.inbound import receive, refusal
from mappings.viettelpay import browser_return, result, verify
from truc.connections import Connection
from truc.inbound.callbacks import About, Incoming, Refused, Standing

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = "P25060300000001"
FIELDS = {
    "host": "https://pay.example",
    "login": "M",
    "access_key": "AC",
    "password": "key",
    "algorithm": "HMAC-SHA1",
    "callback_encoding": "hex",
    "return_url": "https://hub.example/back",
}
ORDER = {"billcode": "50000VND", "merchant_code": "M", "order_id": REFERENCE}
RESULT = ORDER | {
    "cust_msisdn": "84900000000",
    "error_code": "00",
    "payment_status": "1",
    "trans_amount": "50000",
    "vt_transaction_id": "77",
}
ALL = "billcode cust_msisdn error_code merchant_code order_id payment_status trans_amount vt_transaction_id"
NEWER = "billcode merchant_code order_id payment_status trans_amount vt_transaction_id"


def mac(fields, names, digest="sha1"):
    text = "AC" + "".join(fields.get(name, "") for name in names.split())
    return hmac.new(b"key", text.encode(), digest).hexdigest()


def verify_form(**changed):
    fields = ORDER | {"check_sum": mac(ORDER | {"trans_amount": "50000"}, VERIFY)} | changed
    return {name: value for name, value in fields.items() if value is not None}


VERIFY = "billcode merchant_code order_id trans_amount"


def result_form(names=ALL, digest="sha1", **changed):
    fields = RESULT | changed
    return fields | {"check_sum": mac(fields, names, digest)}


def received(form, kind="result", method="POST", **settings):
    text = form if isinstance(form, str) else urlencode(form)
    query, body = (text, b"") if method == "GET" else ("", text.encode())
    incoming = Incoming(method, f"/partners/viettelpay/{kind}", query, {}, body)
    return receive(incoming, Connection("viettelpay", FIELDS | settings))


def refused(form, kind="result", method="POST", **settings):
    with pytest.raises(Refused) as caught:
        received(form, kind, method, **settings)
    return caught.value


def said(answer):
    assert (answer.status, answer.content_type) == (200, "application/json")
    return json.loads(answer.body)


def codes(found):
    return {standing: said(answer)["error_code"] for standing, answer in found.answers.items()}


def fits(name, value):
    schema = json.loads((ROOT / "schemas" / "viettelpay" / name).read_text(encoding="utf-8"))
    jsonschema.validate(value, schema)


# Before a payment.


def test_the_call_before_a_payment_is_verified_with_the_amount_of_our_bill_code():
    found = received(verify_form(), "verify")
    fits("verify.json", verify_form())
    assert found.about == About(REFERENCE, 50_000)
    assert (found.envelope.kind, found.envelope.external_id) == ("verify", REFERENCE)
    assert found.envelope.body == urlencode(verify_form()).encode()
    assert list(verify.read(found.envelope.body)) == []


def test_its_answer_carries_our_amount_under_our_checksum_for_every_standing():
    found = received(verify_form(), "verify")
    assert codes(found) == {
        Standing.OPEN: "00",
        Standing.UNKNOWN: "01",
        Standing.AMOUNT_DIFFERS: "01",
        Standing.SETTLED: "03",
    }
    for answer in found.answers.values():
        told = said(answer)
        fits("verify_answer.json", told)
        assert told["trans_amount"] == "50000"
        assert told["check_sum"] == mac(told, "billcode error_code merchant_code order_id trans_amount")


@pytest.mark.parametrize(
    ("changed", "reason", "code"),
    [
        ({"billcode": "60000VND"}, "bad_signature", "02"),
        ({"order_id": "P25060300000002"}, "bad_signature", "02"),
        ({"check_sum": "0" * 40}, "bad_signature", "02"),
        ({"check_sum": mac(ORDER | {"trans_amount": "50000"}, VERIFY).upper()}, "bad_signature", "02"),
        ({"check_sum": mac(ORDER | {"trans_amount": "50000"}, VERIFY, "sha256")}, "bad_signature", "02"),
        ({"billcode": "HOADON1"}, "wrong_bill", "01"),
        ({"billcode": "0VND"}, "wrong_bill", "01"),
        ({"merchant_code": "OTHER"}, "wrong_merchant", "01"),
        ({"order_id": None}, "field_missing", "03"),
        ({"check_sum": ""}, "field_missing", "03"),
    ],
)
def test_a_call_before_a_payment_that_does_not_hold_is_refused_in_its_own_code_without_a_checksum(
    changed, reason, code
):
    found = refused(verify_form(**changed), "verify")
    assert (found.reason, said(found.answer)) == (reason, {"error_code": code})


# Results.


def test_a_result_is_kept_as_it_came_and_reads_as_paid_at_a_time_it_does_not_name():
    found = received(result_form())
    fits("result.json", result_form())
    assert found.envelope.body.decode() == urlencode(result_form())
    assert received(result_form()).envelope == found.envelope, "a repeat is the same message"
    assert found.about == About(REFERENCE, 50_000)
    assert found.envelope.external_id == f"{REFERENCE}/77/00/1"
    (one,) = result.read(found.envelope.body)
    assert (one.our_reference, one.state, one.amount_vnd) == (REFERENCE, "paid", 50_000)
    assert one.occurred_at is None


def test_every_standing_has_its_answer_signed():
    found = received(result_form())
    assert codes(found) == {
        Standing.OPEN: "00",
        Standing.SETTLED: "00",
        Standing.UNKNOWN: "01",
        Standing.AMOUNT_DIFFERS: "03",
    }
    for answer in found.answers.values():
        told = said(answer)
        fits("result_answer.json", told)
        assert told["check_sum"] == mac(told, "error_code merchant_code order_id")
        assert (told["return_url"], told["return_bill_code"]) == (FIELDS["return_url"], "50000VND")


@pytest.mark.parametrize("name", ALL.split())
def test_each_value_of_a_result_is_covered(name):
    changed = {"billcode": "60000VND", "merchant_code": "M"}.get(name, f"{RESULT[name]}0")
    if name == "merchant_code":
        assert refused(result_form() | {name: "OTHER"}).reason == "wrong_merchant"
        return
    assert refused(result_form() | {name: changed}).reason == "bad_signature"


def test_the_newer_row_and_algorithm_are_taken_where_the_merchant_has_them_and_only_there():
    newer = {"result_fields": "newer", "algorithm": "HMAC-SHA256"}
    form = result_form(NEWER, "sha256")
    assert received(form, **newer).about == About(REFERENCE, 50_000)
    assert refused(form).reason == "bad_signature"
    assert refused(result_form(), **newer).reason == "bad_signature"
    assert refused(result_form(ALL, "sha256"), **newer).reason == "bad_signature"


@pytest.mark.parametrize("settings", [{}, {"result_fields": "newer"}])
def test_the_checksum_of_a_pay_address_is_no_result(settings):
    """The citizen sees it; over values side by side, `PAYMENT` could pass for the end of a bill code."""
    names = "billcode command merchant_code order_id trans_amount version"
    pay = ORDER | {"command": "PAYMENT", "trans_amount": "150000", "version": "2.0"}
    forged = {
        "billcode": "50000VNDPAYMENT",
        "merchant_code": "M",
        "order_id": REFERENCE,
        "payment_status": "1",
        "trans_amount": "50000",
        "vt_transaction_id": "2.0",
        "error_code": "00",
        "check_sum": mac(pay, names),
    }
    text = "AC" + "".join(forged[name] for name in NEWER.split())
    assert hmac.new(b"key", text.encode(), hashlib.sha1).hexdigest() == forged["check_sum"]
    assert refused(forged, **settings).reason == "wrong_bill"


@pytest.mark.parametrize(
    "form",
    ["", "a", f"{urlencode(result_form())}&order_id=X", "a=%FF", "&".join(f"a{one}=1" for one in range(101))],
)
def test_a_call_of_the_wrong_form_is_refused(form):
    for kind in ("result", "verify"):
        found = refused(form, kind)
        assert (found.reason in ("malformed", "field_missing"), said(found.answer)) == (True, {"error_code": "03"})


def test_methods_are_as_published_and_refusals_of_the_gateway_are_03():
    assert refused(result_form(), method="GET").answer.status == 405
    assert refused(result_form(), "browser_return", "POST").answer.status == 405
    assert said(refusal("address_not_allowed")) == {"error_code": "03"}


# The browser's return.


@pytest.mark.parametrize(("status", "paid"), [("1", True), ("0", False)])
def test_a_browser_s_return_is_kept_answered_with_a_page_and_means_nothing(status, paid):
    found = received(result_form(payment_status=status), "browser_return", "GET")
    assert (found.envelope.kind, found.answer.status) == ("browser_return", 404)
    assert found.about == received(result_form(payment_status=status)).about
    assert ("báo đã thanh toán" in found.answers[Standing.OPEN].body.decode()) == paid
    assert list(browser_return.read(found.envelope.body)) == []


def test_a_browser_s_return_that_does_not_hold_is_refused_with_a_page():
    found = refused(result_form() | {"payment_status": "0"}, "browser_return", "GET")
    assert (found.reason, found.answer.status) == ("bad_signature", 400)
    assert found.answer.content_type.startswith("text/html")


# Over sockets.


def test_a_payment_is_asked_about_paid_and_told(viettelpay):
    viettelpay.order()
    assert viettelpay.pay() == {"paid": 1, "skipped": [], "notified": {"accepted": 1}}
    assert [urlsplit(one.path).path.rpartition("/")[2] for one in viettelpay.door.got] == ["verify", "result"]
    assert viettelpay.hub.reasons == []
    assert viettelpay.states() == {REFERENCE: "paid"}


@pytest.mark.parametrize("standing", [Standing.SETTLED, Standing.UNKNOWN, Standing.AMOUNT_DIFFERS])
def test_what_we_do_not_confirm_is_not_paid(viettelpay, standing):
    viettelpay.order()
    viettelpay.hub.standing = standing
    assert viettelpay.pay() == {"paid": 0, "skipped": [REFERENCE], "notified": {}}
    assert viettelpay.states() == {REFERENCE: "created"}


def test_a_payment_that_failed_reads_as_pending_since_its_status_is_not_published(viettelpay):
    viettelpay.order()
    viettelpay.pay(code="V77")
    found = receive(viettelpay.door.got[-1], viettelpay.hub.connection)
    (one,) = result.read(found.envelope.body)
    assert one.state == "pending"


@pytest.mark.parametrize(
    ("lie", "reasons"), [("forged", ["bad_signature"]), ("other_amount", []), ("unknown_order", [])]
)
def test_lies_of_the_stand_in_are_what_they_say(viettelpay, lie, reasons):
    viettelpay.order()
    assert viettelpay.pay(**{"as": lie})["paid"] == 0
    assert viettelpay.hub.reasons == reasons
    assert viettelpay.states() == {REFERENCE: "created"}
    told = dict(parse_qsl(viettelpay.door.got[-1].body.decode()))
    assert (told["trans_amount"] == "200000") == (lie != "other_amount")
    assert (told["order_id"] == REFERENCE) == (lie != "unknown_order")


def test_a_lost_result_leaves_the_payment_to_a_question(viettelpay):
    viettelpay.order()
    viettelpay.fault("notify", "refuse")
    assert viettelpay.pay()["notified"] == {"unreachable": 1}
    assert viettelpay.states() == {REFERENCE: "paid"}
