"""We make MegaPay's form as published and INIT's call as recalled, and take no unknown answer for a success."""

import hashlib
import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest

from connectors.vnptpay import signatures
from truc.errors import OutcomeUnknownError, RejectedError, SetupError, TransientError
from truc.manifest import Limits
from truc.trust.signing import text_to_sign

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = "P25060300000001"
QUICK = Limits(timeout_s=0.3, connect_timeout_s=1, body_bytes_max=1024 * 1024)
INIT = {"api": "init", "path": "/init", "init_fields": '{"VERSION": "1", "LOCALE": "vi-VN"}'}


def fits(name, value):
    schema = json.loads((ROOT / "schemas" / "vnptpay" / name).read_text(encoding="utf-8"))
    jsonschema.validate(value, schema)


def form_of(url):
    return dict(parse_qsl(urlsplit(url).query))


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (signatures.REQUEST, "timeStamp merTrxId merId amount"),
        (signatures.NOTIFICATION, "resultCd timeStamp merTrxId trxId merId amount"),
        (signatures.NOTIFICATION_WITH_FEE, "resultCd timeStamp merTrxId trxId merId amount userFee"),
        (signatures.NOTIFICATION_WITH_TOKEN, "resultCd timeStamp merTrxId trxId merId amount payToken"),
        (signatures.NOTIFICATION_WITH_BOTH, "resultCd timeStamp merTrxId trxId merId amount userFee payToken"),
    ],
)
def test_values_stand_side_by_side_in_the_published_order_and_the_key_last(row, names):
    fields = {name: f"<{name}>" for name in names.split()}
    assert text_to_sign(row, fields, secret="key").decode() == "".join(fields.values()) + "key"


# MegaPay.


def test_the_form_is_as_published_and_its_address_makes_one_order(vnptpay):
    url = vnptpay.pay_url()
    form = form_of(url)
    del form["seal"]
    fits("form.json", form)
    assert (form["amount"], form["merTrxId"], form["invoiceNo"], form["payType"]) == (
        "200000",
        REFERENCE,
        REFERENCE,
        "NO",
    )
    token = f"1748916000000{REFERENCE}TRUCTEST200000sandbox-encode-key"
    assert form["merchantToken"] == hashlib.sha256(token.encode()).hexdigest()
    assert vnptpay.pay_url() == url
    assert vnptpay.effects() == {}
    assert [vnptpay.opened(url), vnptpay.opened(url)] == ["", ""]
    assert vnptpay.get("payments") == [{"reference": REFERENCE, "amount_vnd": 200_000, "state": "created", "times": 1}]


def test_a_virtual_account_takes_money_for_a_day_on_vietnam_s_clock(vnptpay):
    form = form_of(vnptpay.pay_url(pay_type="VA", bank_code="BIDV", window_color="#0f766e"))
    del form["seal"]
    fits("form.json", form)
    assert (form["vaStartDt"], form["vaEndDt"]) == ("20250603090000", "20250604090000")
    assert (form["bankCode"], form["windowColor"]) == ("BIDV", "#0f766e")
    assert "vaStartDt" not in form_of(vnptpay.pay_url(pay_type="QR"))


def test_another_key_or_merchant_opens_nothing(vnptpay):
    assert vnptpay.opened(vnptpay.pay_url(password="other")) == "S_TOKEN"
    assert vnptpay.opened(vnptpay.pay_url(login="OTHER")) == "S_TOKEN"
    assert vnptpay.opened(vnptpay.pay_url().replace("amount=200000", "amount=2000")) == "S_TOKEN"
    assert vnptpay.effects() == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api", "both"),
        ("api", ""),
        ("pay_type", "XX"),
        ("pay_page", "http://hub.example/pay_page"),
        ("pay_page", "https://hub.example/pay_page?a=b"),
        ("pay_page", "javascript:alert(1)"),
        ("notification_url", ""),
        ("password", ""),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(vnptpay, name, value):
    with pytest.raises(SetupError):
        vnptpay.client(**{name: value}).send_payment(None)


# INIT.


def test_init_gives_the_address_and_the_same_order_again_is_one(vnptpay):
    url = vnptpay.pay_url(**INIT)
    assert url.startswith(vnptpay.running.control_url)
    assert vnptpay.opened(url) == ""
    assert vnptpay.pay_url(**INIT) == url
    assert vnptpay.effects() == {REFERENCE: 1}


def test_what_init_sends_fits_the_schema_and_is_hashed_with_absent_values_empty(vnptpay, order):
    client, sent = vnptpay.client(**INIT), []
    call = client.api.rest.call

    class Seen:
        def call(self, method, path, **named):
            sent.append(json.loads(named["body"]))
            return call(method, path, **named)

        def close(self):
            """Nothing of its own."""

    object.__setattr__(client.api, "rest", Seen())
    answer = json.loads(json.loads(client.send_payment(order()).body)["answer"])
    fits("init.json", sent[0])
    fits("init_answer.json", answer)
    text = f"INIT|1|TRUCTEST|{REFERENCE}|200000||||vi-VN|VND||Le phi ho so|20250603090000||sandbox-encode-key"
    assert sent[0]["SECURE_CODE"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("code", ["00", "S_FORM", "98765", "S_TAKEN "])
def test_no_other_code_of_init_is_taken_for_success(vnptpay, order, code):
    vnptpay.insist("create", code)
    with pytest.raises(OutcomeUnknownError) as caught:
        vnptpay.client(**INIT).send_payment(order())
    assert caught.value.reason == "unknown_result_code"
    assert vnptpay.effects() == {}


@pytest.mark.parametrize(
    ("mode", "failure"),
    [
        ("unavailable", TransientError),
        ("silent_before", OutcomeUnknownError),
        ("drop_after", OutcomeUnknownError),
        ("garbage", OutcomeUnknownError),
        ("truncated", OutcomeUnknownError),
    ],
)
def test_after_a_fault_of_init_the_outcome_is_unknown_and_sending_again_makes_no_second_order(
    vnptpay, order, mode, failure
):
    vnptpay.post("faults", operation="create", mode=mode, times=1, wait_s=1.0)
    client = vnptpay.client(QUICK, **INIT)
    with pytest.raises(failure):
        client.send_payment(order())
    client.send_payment(order())
    assert vnptpay.effects() == {REFERENCE: 1}


def test_a_wrong_bearer_key_is_no_success(vnptpay, order):
    with pytest.raises((SetupError, RejectedError)):
        vnptpay.client(**INIT, api_key="other").send_payment(order())
    assert vnptpay.effects() == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("init_fields", "["),
        ("init_fields", "[]"),
        ("init_fields", '{"VERSION": 1}'),
        ("init_fields", '{"SECURE_CODE": "x"}'),
        ("success_code", ""),
        ("api_key", ""),
        ("host", "http://pay.example"),
    ],
)
def test_a_setting_of_init_that_cannot_be_is_refused_at_once(vnptpay, name, value):
    with pytest.raises(SetupError):
        vnptpay.client(**INIT | {name: value})


@pytest.mark.parametrize("settings", [{}, INIT])
def test_printing_the_client_shows_no_secret(vnptpay, settings):
    shown = repr(vnptpay.client(**settings))
    assert "sandbox-encode-key" not in shown
    assert "sandbox-api-key" not in shown
