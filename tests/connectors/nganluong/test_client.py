"""We make orders at Ngân Lượng once, ask by token, and believe no answer that is about another."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET  # of documents written here alone

import jsonschema
import pytest

from connectors.nganluong import signatures
from connectors.nganluong.client import open_client
from connectors.nganluong.manifest import MANIFEST
from connectors.nganluong.result_codes import CODES
from mappings.nganluong import payment, query
from truc.connections import from_airflow_json
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError
from truc.manifest import Limits, OutcomeClass
from truc.transport.rest import Reply

ROOT = Path(__file__).resolve().parents[3]
QUICK = Limits(timeout_s=0.4, connect_timeout_s=1, body_bytes_max=64 * 1024)
PUBLISHED = (
    "00 99 02 03 04 05 06 07 08 09 10 11 12 29 80 81 110 111 113 114 115 118 119 120 121 122 123 124 125 126 127 128"
    " 129 130 131 132 133 134 135 140"
)


class Answering:
    """Stands where the transport is: keeps what is sent, gives one answer."""

    def __init__(self, body=b""):
        self.sent, self.body = [], body

    def call(self, method, path, *, body, headers, reads):
        self.sent.append((method, path, dict(parse_qsl(body.decode(), keep_blank_values=True)), headers, reads))
        return Reply(200, {}, self.body)

    def close(self):
        pass


def answering(nganluong, body):
    client = nganluong.client()
    rest = Answering(body)
    object.__setattr__(client, "rest", rest)
    return client, rest


def xml(**fields):
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<result>{inside}</result>".encode()


def fits(name, value):
    jsonschema.validate(value, json.loads((ROOT / "schemas/nganluong" / name).read_text(encoding="utf-8")))


def test_the_table_holds_every_published_code():
    assert sorted(CODES.meaning) == sorted(PUBLISHED.split())


def test_an_order_is_asked_for_with_the_digest_of_the_password_and_no_citizen(nganluong):
    client, rest = answering(nganluong, xml(error_code="00", token="t1", checkout_url="https://x.invalid/"))
    client.send_payment(nganluong.order())
    ((method, path, form, headers, reads),) = rest.sent
    fits("create.json", form)
    assert (method, path, reads) == ("POST", "/checkout.api.nganluong.post.php", False)
    assert headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert form["merchant_password"] == hashlib.md5(b"sandbox-nganluong-password").hexdigest()  # noqa: S324  (theirs)
    assert (form["order_code"], form["total_amount"], form["payment_method"]) == ("TT1", "50000", "NL")
    assert form["buyer_fullname"] == "Trung tâm hành chính công"
    assert "bank_code" not in form
    assert "time_limit" not in form


def test_an_order_gives_the_address_and_the_token(nganluong):
    receipt = nganluong.client().send_payment(nganluong.order())
    (address,) = payment.read(receipt.body)
    assert (address.our_reference, address.partner_token) == ("TT1", receipt.external_id)
    assert address.pay_url.endswith(f"token={receipt.external_id}")
    answer = json.loads(receipt.body)["answer"]
    fits("create_answer.json", {one.tag: one.text for one in ET.fromstring(answer)})  # noqa: S314  (the stand-in's)
    assert nganluong.times() == {"TT1": 1}


@pytest.mark.parametrize("mode", ["silent_after", "drop_after", "error_after", "garbage", "truncated", "huge"])
def test_an_order_whose_answer_is_lost_is_of_unknown_outcome(nganluong, mode):
    nganluong.fault("create", mode)
    with pytest.raises(OutcomeUnknownError):
        nganluong.client(QUICK).send_payment(nganluong.order())
    assert nganluong.times() == {"TT1": 1}


def test_a_lost_order_sent_again_would_be_a_double_so_it_is_declared_never_sent_again(nganluong):
    for _ in range(2):
        nganluong.client().send_payment(nganluong.order())
    assert nganluong.times() == {"TT1": 2}
    assert MANIFEST.operation("payment").outcome is OutcomeClass.NEITHER


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<r><error_code>99</error_code><error_code>00</error_code><token>t</token></r>",
        b'<!DOCTYPE r [<!ENTITY c "00">]><r><error_code>&c;</error_code><token>t</token></r>',
        "<r><error_code>00</error_code><token>é</token></r>".encode("latin-1"),
        xml(error_code="00", checkout_url="https://x.invalid/"),
        xml(token="t1", checkout_url="https://x.invalid/"),
        xml(error_code="777", token="t1"),
        xml(error_code="99"),
    ],
)
def test_an_answer_that_does_not_say_is_no_success(nganluong, body):
    client, _ = answering(nganluong, body)
    with pytest.raises(OutcomeUnknownError):
        client.send_payment(nganluong.order())


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"password": "another"}, "07"),
        ({"login": "1"}, "06"),
        ({"version": "2.0"}, "05"),
        ({"receiver_email": "other@x.invalid"}, "08"),
        ({"payment_method": "GOLD"}, "134"),
        ({"return_url": "ftp://x"}, "121"),
        ({"cancel_url": "ftp://x"}, "122"),
        ({"buyer_email": "nobody"}, "130"),
    ],
)
def test_what_the_settings_are_to_blame_for_needs_a_person(nganluong, settings, code):
    with pytest.raises(SetupError) as caught:
        nganluong.client(**settings).send_payment(nganluong.order())
    assert caught.value.reason == f"nganluong_{code}"
    assert "another" not in str(caught.value)
    assert nganluong.times() == {}


def test_a_payment_is_asked_about_by_its_token(nganluong):
    token = nganluong.ordered()
    client, rest = answering(nganluong, xml(error_code="00", order_code="TT1", total_amount="50000"))
    client.get_payment(nganluong.ask_of(token))
    ((_, _, form, _, reads),) = rest.sent
    fits("query.json", form)
    assert (form["token"], reads) == (token, True)


@pytest.mark.parametrize(("code", "state"), [("00", "paid"), ("01", "pending"), ("02", "pending")])
def test_how_it_stands_is_said_over_their_amount(nganluong, code, state):
    token = nganluong.ordered()
    nganluong.pay(code=code)
    body = nganluong.client().get_payment(nganluong.ask_of(token))
    fits("query_answer.json", {one.tag: one.text for one in ET.fromstring(json.loads(body)["answer"])})  # noqa: S314  (ditto)
    (result,) = query.read(body)
    assert (result.our_reference, result.amount_vnd, result.state) == ("TT1", 50_000, state)
    assert result.partner_reference == token


def test_a_failure_is_the_end_only_when_nobody_can_pay_any_more(nganluong):
    token = nganluong.ordered()
    nganluong.pay(code="02")
    long_ago = datetime.now(UTC) - timedelta(seconds=MANIFEST.payments.lives_s + 1)
    for requested_at, state in ((long_ago, "failed"), (long_ago + timedelta(seconds=60), "pending")):
        order = nganluong.ask_of(token, requested_at=requested_at)
        (result,) = query.read(nganluong.client().get_payment(order))
        assert result.state == state


@pytest.mark.parametrize("token", ["", "0" * 32])
def test_an_order_it_does_not_know_is_not_found_by_its_own_word(nganluong, token):
    with pytest.raises(RejectedError) as caught:
        nganluong.client().get_payment(nganluong.ask_of(token))
    assert (caught.value.reason, caught.value.code) == ("not_found", "29")


@pytest.mark.parametrize(
    ("fields", "token"),
    [({"order_code": "TT2"}, "t1"), ({"token": "t2", "order_code": "TT1"}, "t1"), ({"order_code": "TT1"}, "")],
)
def test_an_answer_about_another_is_no_word_on_ours(nganluong, fields, token):
    client, _ = answering(nganluong, xml(error_code="00", total_amount="50000", transaction_status="00", **fields))
    with pytest.raises(MalformedError) as caught:
        client.get_payment(nganluong.ask_of(token))
    assert caught.value.reason == "answer_of_another"


@pytest.mark.parametrize("mode", ["refuse", "unavailable", "silent_after", "error_after", "truncated"])
def test_silence_after_a_question_is_transient(nganluong, mode):
    token = nganluong.ordered()
    nganluong.fault("query", mode)
    with pytest.raises(TransientError):
        nganluong.client(QUICK).get_payment(nganluong.ask_of(token))


def test_printing_the_client_shows_no_secret(nganluong):
    shown = repr(nganluong.client())
    assert "sandbox-nganluong-password" not in shown
    assert hashlib.md5(b"sandbox-nganluong-password").hexdigest() not in shown  # noqa: S324  (theirs)


def test_without_settings_the_missing_one_is_named():
    with pytest.raises(SetupError, match="password"):
        open_client(from_airflow_json("nganluong", {}), Limits())


def test_each_weak_row_says_why():
    assert all("MD5" in one.weak_because for one in (signatures.MERCHANT_PASSWORD, signatures.CHECKOUT_RETURN))
