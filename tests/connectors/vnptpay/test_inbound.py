"""A notification is believed for the one token its merchant has; the pay page for our seal, while the order waits."""

import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import jsonschema
import pytest
import requests

from connectors.vnptpay.inbound import receive, refusal
from mappings.vnptpay import notification, notification_failed, notification_paid
from truc.connections import Connection
from truc.errors import SetupError
from truc.inbound.callbacks import About, Incoming, Refused, Standing

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = "P25060300000001"
FIELDS = {
    "host": "https://pay.example",
    "path": "/pg",
    "login": "M",
    "password": "key",
    "paid_code": "OK",
    "failed_codes": "NO, LATE",
}
SAID = {
    "resultCd": "OK",
    "timeStamp": "1748916300000",
    "merTrxId": REFERENCE,
    "trxId": "T77",
    "merId": "M",
    "amount": "50000",
}
NAMES = "resultCd timeStamp merTrxId trxId merId amount"


def signed(names=NAMES, **changed):
    fields = SAID | changed
    text = "".join(fields[name] for name in names.split()) + "key"
    return fields | {"merchantToken": hashlib.sha256(text.encode()).hexdigest()}


def call(said, kind="notification", method="POST"):
    text = said if isinstance(said, str) else urlencode(said)
    if method == "GET":
        return Incoming("GET", f"/partners/vnptpay/{kind}", text, {}, b"")
    return Incoming("POST", f"/partners/vnptpay/{kind}", "", {}, text.encode())


def received(said, kind="notification", method="POST", **settings):
    return receive(call(said, kind, method), Connection("vnptpay", FIELDS | settings))


def refused(said, kind="notification", method="POST", **settings):
    with pytest.raises(Refused) as caught:
        received(said, kind, method, **settings)
    return caught.value


# Notifications.


@pytest.mark.parametrize("write", [json.dumps, urlencode])
def test_a_notification_is_kept_as_received_in_both_forms(write):
    found = received(write(signed()))
    assert (found.envelope.kind, found.envelope.external_id) == ("notification_paid", f"{REFERENCE}/T77")
    assert found.envelope.body == write(signed()).encode()
    assert (found.about, found.answer.status) == (About(REFERENCE, 50_000), 200)
    (one,) = notification_paid.read(found.envelope.body)
    assert (one.state, one.amount_vnd) == ("paid", 50_000)
    schema = json.loads((ROOT / "schemas" / "vnptpay" / "notification.json").read_text(encoding="utf-8"))
    jsonschema.validate(signed(), schema)


@pytest.mark.parametrize(
    ("code", "kind", "module", "state"),
    [
        ("OK", "notification_paid", notification_paid, "paid"),
        ("NO", "notification_failed", notification_failed, "failed"),
        ("LATE", "notification_failed", notification_failed, "failed"),
        ("OK2", "notification", notification, "pending"),
        ("00", "notification", notification, "pending"),
    ],
)
def test_what_a_code_means_is_what_the_settings_say_and_nothing_else(code, kind, module, state):
    found = received(signed(resultCd=code))
    (one,) = module.read(found.envelope.body)
    assert (found.envelope.kind, one.state) == (kind, state)


def test_without_a_code_that_means_paid_nothing_is_taken():
    with pytest.raises(SetupError, match="paid_code"):
        received(signed(), paid_code="")


@pytest.mark.parametrize("name", NAMES.split())
def test_each_value_is_covered(name):
    changed = {"timeStamp": "1748916300001", "merId": "OTHER"}.get(name, f"{SAID[name]}1")
    found = refused(signed() | {name: changed})
    assert (found.reason, found.answer.status) == ("wrong_merchant" if name == "merId" else "bad_signature", 400)


FEE, TOKEN = {"userFee": "500"}, {"payToken": "tok"}


@pytest.mark.parametrize(
    ("names", "more", "settings"),
    [
        (NAMES, {"userFee": "0"}, {}),
        (NAMES, {"userFee": ""}, {}),
        (f"{NAMES} userFee", FEE, {}),
        (NAMES, TOKEN, {}),
        (f"{NAMES} payToken", TOKEN, {"token_variant": "with_pay_token"}),
        (f"{NAMES} userFee payToken", FEE | TOKEN, {"token_variant": "with_pay_token"}),
    ],
)
def test_the_row_is_the_one_that_fee_and_contract_say_and_no_other(names, more, settings):
    assert received(signed(names, **more), **settings).about == About(REFERENCE, 50_000)
    every = (NAMES, f"{NAMES} userFee", f"{NAMES} payToken", f"{NAMES} userFee payToken")
    for other in every:
        text = "".join((SAID | more).get(name, "") for name in other.split())
        if text != "".join((SAID | more).get(name, "") for name in names.split()):
            wrong = SAID | more | {"merchantToken": hashlib.sha256(f"{text}key".encode()).hexdigest()}
            assert refused(wrong, **settings).reason == "bad_signature"


def test_the_contract_s_word_must_be_known_and_its_token_there():
    with pytest.raises(SetupError, match="token_variant"):
        received(signed(), token_variant="any")
    assert refused(signed(), token_variant="with_pay_token").reason == "field_missing"


@pytest.mark.parametrize("stamp", ["174891630000", "17489163000000", "174891630000P"])
def test_a_time_stamp_may_not_borrow_from_its_neighbour(stamp):
    assert refused(signed(timeStamp=stamp)).reason == "malformed"


def test_the_token_of_a_form_which_citizens_see_is_no_notification():
    text = f"1748916000000{REFERENCE}M50000key"
    shown = hashlib.sha256(text.encode()).hexdigest()
    moved = SAID | {"resultCd": "1", "timeStamp": "748916000000P", "merTrxId": REFERENCE[1:], "merchantToken": shown}
    assert refused(moved | {"trxId": ""}).reason == "field_missing"
    assert refused(moved).reason == "malformed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "field_missing"),
        ("a", "malformed"),
        ("{", "malformed"),
        ('{"amount":"1","amount":"2"}', "malformed"),
        (f"{urlencode(signed())}&amount=1", "malformed"),
        ("{}", "field_missing"),
        ('{"amount":{}}', "field_missing"),
        (urlencode(signed(userFee="x")), "malformed"),
    ],
)
def test_a_call_of_the_wrong_form_is_refused(text, reason):
    found = refused(text)
    assert (found.reason, found.answer.status) == (reason, 400)


def test_methods_and_refusals():
    assert refused(signed(), method="GET").answer.status == 405
    assert refused(signed(), "browser_return", "POST").answer.status == 405
    assert refused(signed(), "pay_page", "POST").answer.status == 405
    assert refusal("too_old").status == 400


def test_a_browser_s_return_is_kept_and_means_nothing():
    found = received(signed(), "browser_return", "GET")
    assert (found.envelope.kind, found.about) == ("browser_return", received(signed()).about)
    page = found.answers[Standing.OPEN]
    assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
    assert (found.answer.status, found.said_at) == (404, None)
    assert refused(signed() | {"resultCd": "NO"}, "browser_return", "GET").reason == "bad_signature"


# The page that opens MegaPay.


class Form(HTMLParser):
    """The first form of a page, and every script in it."""

    def __init__(self, page):
        super().__init__()
        self.action, self.method, self.fields, self.scripts = "", "", {}, 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.action, self.method = given["action"], given["method"]
        if tag == "input":
            self.fields[given["name"]] = given["value"]
        self.scripts += tag == "script"


def page(vnptpay, query, **settings):
    return receive(call(query, "pay_page", "GET"), vnptpay.connection(**settings))


def test_the_page_shows_the_sum_and_its_form_makes_the_order_at_megapay(vnptpay):
    found = page(vnptpay, urlsplit(vnptpay.pay_url()).query)
    assert found.about == About(REFERENCE, 200_000)
    answer = found.answers[Standing.OPEN]
    text = answer.body.decode()
    form = Form(text)
    assert ("200.000 đồng" in text, form.method, form.scripts) == (True, "post", 0)
    assert form.action == f"{vnptpay.running.control_url}/pg/pay"
    assert f"form-action {vnptpay.running.control_url}" in text
    requests.post(form.action, data=form.fields, timeout=10, allow_redirects=False).raise_for_status()
    assert vnptpay.states() == {REFERENCE: "created"}


def test_the_page_of_an_order_that_does_not_wait_has_no_form(vnptpay):
    answers = page(vnptpay, urlsplit(vnptpay.pay_url()).query).answers
    assert set(answers) == set(Standing)
    others = {standing: answer for standing, answer in answers.items() if standing is not Standing.OPEN}
    assert [b"<form" in one.body for one in others.values()] == [False] * 3
    assert {standing: one.status for standing, one in others.items()} == {
        Standing.SETTLED: 200,
        Standing.AMOUNT_DIFFERS: 404,
        Standing.UNKNOWN: 404,
    }


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("goodsNm=Le+phi+ho+so", "goodsNm=Gift"),
        ("amount=200000", "amount=1"),
        ("payType=NO", "payType=QR"),
        ("&merId=", "&more=1&merId="),
        ("&seal=", "&seal=0"),
    ],
)
def test_a_page_that_we_did_not_seal_is_not_shown(vnptpay, right, wrong):
    query = urlsplit(vnptpay.pay_url()).query
    assert query.count(right) == 1
    with pytest.raises(Refused) as caught:
        page(vnptpay, query.replace(right, wrong))
    assert (caught.value.reason, caught.value.answer.status) == ("bad_seal", 400)
    assert b"<form" not in caught.value.answer.body


@pytest.mark.parametrize("query", ["seal=x", "a=b", "%FF"])
def test_a_page_of_nothing_is_not_shown(vnptpay, query):
    with pytest.raises(Refused):
        page(vnptpay, query)


def test_what_stands_in_the_form_is_text_and_no_markup(vnptpay):
    url = vnptpay.pay_url(window_color='"><script>alert(1)</script>')
    text = page(vnptpay, urlsplit(url).query).answers[Standing.OPEN].body.decode()
    assert Form(text).scripts == 0
    assert Form(text).fields["windowColor"] == '"><script>alert(1)</script>'


# Over sockets.


def test_a_payment_is_told_verified_and_kept_as_paid(vnptpay):
    assert vnptpay.opened(vnptpay.pay_url()) == ""
    assert vnptpay.pay() == {"paid": 1, "skipped": [], "notified": {"accepted": 1}}
    (kept,) = vnptpay.hub.kept
    (one,) = notification_paid.read(kept.body)
    assert (kept.kind, one.our_reference, one.amount_vnd) == ("notification_paid", REFERENCE, 200_000)
    assert vnptpay.pay()["skipped"] == [REFERENCE]


def test_a_payment_that_failed_is_told_as_failed(vnptpay):
    vnptpay.opened(vnptpay.pay_url())
    vnptpay.pay(code="S_FAILED")
    assert [one.kind for one in vnptpay.hub.kept] == ["notification_failed"]
    assert vnptpay.states() == {REFERENCE: "failed"}


@pytest.mark.parametrize(
    ("lie", "heard", "reasons"),
    [
        ("forged", {"refused": 1}, ["bad_signature"]),
        ("other_amount", {"accepted": 1}, []),
        ("unknown_order", {"accepted": 1}, []),
    ],
)
def test_lies_of_the_stand_in_are_what_they_say(vnptpay, lie, heard, reasons):
    vnptpay.opened(vnptpay.pay_url())
    assert vnptpay.pay(**{"as": lie}) == {"paid": 0, "skipped": [], "notified": heard}
    assert vnptpay.hub.reasons == reasons
    told = json.loads(vnptpay.door.got[-1].body)
    assert (told["amount"] == "200000", told["merTrxId"] == REFERENCE) == (
        lie != "other_amount",
        lie != "unknown_order",
    )
    assert vnptpay.states() == {REFERENCE: "created"}


def test_a_lost_notification_is_unreachable(vnptpay):
    vnptpay.opened(vnptpay.pay_url())
    vnptpay.post("faults", operation="notify", mode="refuse", times=1)
    assert vnptpay.pay()["notified"] == {"unreachable": 1}
    assert vnptpay.door.got == []
