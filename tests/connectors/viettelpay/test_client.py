"""We sign ViettelPay's pay page, ask and refund as it expects, fail as the house says, and never refund twice."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest

from connectors.viettelpay import signatures
from connectors.viettelpay.result_codes import CODES
from connectors.viettelpay.signatures import agreed
from mappings.viettelpay import query, refund
from truc.connections import Connection
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError
from truc.kit.party_check import weak_algorithms
from truc.manifest import Limits
from truc.transport.rest import Reply
from truc.trust.signing import Profile, text_to_sign

QUICK = Limits(timeout_s=0.3, connect_timeout_s=1, body_bytes_max=1024 * 1024)
ROOT = Path(__file__).resolve().parents[3]
REFERENCE = "P25060300000001"
SECRET = "sandbox-secret-key"
MERCHANT = {"login": "M", "access_key": "AC", "password": "key", "algorithm": "HMAC-SHA1"}


def fits(name, value):
    schema = json.loads((ROOT / "schemas" / "viettelpay" / name).read_text(encoding="utf-8"))
    jsonschema.validate(value, schema)


# Checksums.


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (signatures.PAYMENT, "access_code billcode command merchant_code order_id trans_amount version"),
        (signatures.INQUIRY, "access_code cmd merchant_code order_id version"),
        (
            signatures.REFUND,
            "access_code cmd merchant_code order_id originalRequestId refundType trans_amount version",
        ),
        (signatures.VERIFY, "access_code billcode merchant_code order_id trans_amount"),
        (signatures.RESULT_ANSWER, "access_code error_code merchant_code order_id"),
        (
            signatures.RESULT_NEWER,
            "access_code billcode merchant_code order_id payment_status trans_amount vt_transaction_id",
        ),
    ],
)
def test_values_stand_side_by_side_in_the_published_order(row, names):
    fields = {name: f"<{name}>" for name in names.split()}
    assert text_to_sign(row, fields).decode() == "".join(fields.values())


def test_every_row_is_weak_for_a_stated_reason_and_listed():
    rows = {name for name, value in vars(signatures).items() if isinstance(value, Profile)}
    listed = {name: (algorithm, why) for name, algorithm, why in weak_algorithms("viettelpay")}
    assert set(listed) == rows
    assert set(listed.values()) == {("HMAC-SHA1", signatures.OLD)}


@pytest.mark.parametrize(("algorithm", "digest"), [("HMAC-SHA1", "sha1"), ("HMAC-SHA256", "sha256")])
@pytest.mark.parametrize("encoding", ["base64", "hex", "HEX"])
def test_a_merchant_has_one_algorithm_and_one_encoding_and_no_other_is_right(algorithm, digest, encoding):
    merchant = agreed(Connection("viettelpay", MERCHANT | {"algorithm": algorithm, "encoding": encoding}))
    fields = {"billcode": "B", "merchant_code": "M", "order_id": "O", "trans_amount": "1"}
    raw = {one: hmac.new(b"key", b"ACBMO1", one).digest() for one in ("sha1", "sha256", "md5", "sha512")}
    forms = {"base64": lambda one: base64.b64encode(one).decode(), "hex": bytes.hex, "HEX": lambda x: x.hex().upper()}
    right = forms[encoding](raw[digest])
    assert merchant.check_sum(signatures.VERIFY, fields) == right
    every = [form(one) for one in raw.values() for form in forms.values()]
    assert [one for one in every if merchant.is_right(signatures.VERIFY, fields, one)] == [right]


def test_calls_may_be_written_in_another_encoding_than_ours():
    merchant = agreed(Connection("viettelpay", MERCHANT | {"callback_encoding": "hex"}))
    fields = {"cmd": "C", "merchant_code": "M", "order_id": "O", "version": "2.0"}
    mac = hmac.new(b"key", b"ACCMO2.0", hashlib.sha1).digest()
    assert merchant.check_sum(signatures.INQUIRY, fields) == base64.b64encode(mac).decode()
    assert merchant.answer_check_sum(signatures.INQUIRY, fields) == mac.hex()
    assert merchant.is_right(signatures.INQUIRY, fields, mac.hex())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("algorithm", "HMAC-MD5"),
        ("algorithm", ""),
        ("encoding", "base32"),
        ("callback_encoding", "both"),
        ("result_fields", "some"),
        ("access_key", ""),
        ("password", ""),
        ("return_url", ""),
        ("host", "http://pay.example"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(viettelpay, name, value):
    with pytest.raises(SetupError):
        viettelpay.client(**{name: value})


# The pay address.


def test_the_pay_address_opens_the_order_and_says_what_was_asked(viettelpay):
    url = viettelpay.pay_url()
    said = dict(parse_qsl(urlsplit(url).query))
    fits("pay.json", said)
    assert (said["billcode"], said["order_id"], said["trans_amount"]) == ("200000VND", REFERENCE, "200000")
    assert said["desc"] == "Le phi ho so H32.1-250603-0001"
    assert "sandbox-access-code" not in url
    assert viettelpay.effects() == {}
    assert viettelpay.opened(url) == ""
    assert viettelpay.get("payments") == [
        {"reference": REFERENCE, "amount_vnd": 200_000, "state": "created", "times": 1}
    ]


def test_the_same_message_gives_the_same_address_and_opening_it_twice_makes_one_order(viettelpay):
    first, again = viettelpay.pay_url(), viettelpay.pay_url()
    assert first == again
    assert [viettelpay.opened(first), viettelpay.opened(again)] == ["", ""]
    assert viettelpay.effects() == {REFERENCE: 1}


def test_a_changed_address_or_another_secret_algorithm_or_encoding_opens_nothing(viettelpay):
    right = viettelpay.pay_url()
    assert viettelpay.opened(right.replace("trans_amount=200000", "trans_amount=2000")) == "S2"
    for wrong in ({"password": "other"}, {"algorithm": "HMAC-SHA256"}, {"encoding": "hex"}, {"access_key": "other"}):
        assert viettelpay.opened(viettelpay.pay_url(**wrong)) == "S2"
    assert viettelpay.effects() == {}


# Questions.


def test_a_payment_is_read_back(viettelpay, about):
    viettelpay.order()
    client = viettelpay.client()
    (before,) = query.read(client.get_payment(about()))
    assert (before.our_reference, before.state, before.amount_vnd) == (REFERENCE, "pending", 200_000)
    viettelpay.pay(notify=False)
    (after,) = query.read(client.get_payment(about()))
    assert (after.state, bool(after.partner_reference)) == ("paid", True)


def test_the_code_that_the_connection_names_and_no_other_means_that_there_is_no_such_order(viettelpay, about):
    with pytest.raises(RejectedError) as caught:
        viettelpay.client().get_payment(about())
    assert (caught.value.reason, caught.value.code) == ("not_found", "S1")
    with pytest.raises(MalformedError) as caught:
        viettelpay.client(absent_code="").get_payment(about())
    assert caught.value.reason == "unknown_result_code"


def test_only_00_is_published_and_any_other_code_is_unknown(viettelpay, about, refunding):
    assert set(CODES.meaning) == {"00"}
    viettelpay.insist("query", "V01")
    with pytest.raises(MalformedError) as asked:
        viettelpay.client().get_payment(about())
    viettelpay.insist("refund", "V01")
    with pytest.raises(OutcomeUnknownError) as refunded:
        viettelpay.client().send_refund(refunding("77"))
    assert asked.value.reason == refunded.value.reason == "unknown_result_code"


@pytest.mark.parametrize("mode", ["refuse", "unavailable", "silent_before", "error_before", "drop_after", "truncated"])
def test_a_fault_while_asking_is_transient(viettelpay, about, mode):
    viettelpay.fault("query", mode)
    with pytest.raises(TransientError):
        viettelpay.client(QUICK).get_payment(about())


def answering(client, body):
    class Said:
        def call(self, *_args, **_named):
            return Reply(200, {}, body)

    return replace(client, rest=Said())


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"error_code":"00","error_code":"00"}', b"[" * 100_000, b"{}"])
def test_an_answer_of_another_form_settles_nothing(viettelpay, about, refunding, body):
    client = answering(viettelpay.client(), body)
    with pytest.raises(OutcomeUnknownError):
        client.send_refund(refunding("77"))
    with pytest.raises(MalformedError):
        client.get_payment(about())


@pytest.mark.parametrize("name", ["order_id", "merchant_code"])
def test_an_answer_about_another_settles_nothing(viettelpay, about, refunding, name):
    client = answering(viettelpay.client(), json.dumps({"error_code": "00", name: "OTHER"}).encode())
    with pytest.raises(OutcomeUnknownError) as refunded:
        client.send_refund(refunding("77"))
    with pytest.raises(MalformedError) as asked:
        client.get_payment(about())
    assert asked.value.reason == refunded.value.reason == "answer_of_another"


def test_what_we_ask_fits_the_schemas(viettelpay, about, refunding):
    client, sent = viettelpay.client(), []

    class Seen:
        def call(self, method, path, **named):
            sent.append(dict(parse_qsl(named["body"].decode())))
            return client.rest.call(method, path, **named)

    viettelpay.order()
    viettelpay.pay(notify=False)
    watched = replace(client, rest=Seen())
    (paid,) = query.read(watched.get_payment(about()))
    watched.send_refund(refunding(paid.partner_reference))
    fits("inquiry.json", sent[0])
    fits("refund.json", sent[1])


# Refunds.


def paid_transaction(viettelpay, about):
    viettelpay.order()
    viettelpay.pay(notify=False)
    (paid,) = query.read(viettelpay.client().get_payment(about()))
    return paid.partner_reference


def test_a_corrected_refund_is_told_by_the_name_the_books_know(viettelpay, about, refunding):
    transaction = paid_transaction(viettelpay, about)
    corrected = replace(refunding(transaction), external_id="R1~2")
    (found,) = refund.read(viettelpay.client().send_refund(corrected).body)
    assert (found.refund_reference, found.state) == ("R1", "refunded")


def test_a_payment_goes_back_once_and_is_read(viettelpay, about, refunding):
    transaction = paid_transaction(viettelpay, about)
    receipt = viettelpay.client().send_refund(refunding(transaction))
    (found,) = refund.read(receipt.body)
    assert (found.refund_reference, found.amount_vnd, found.state) == ("R1", 200_000, "refunded")
    with pytest.raises(OutcomeUnknownError):
        viettelpay.client().send_refund(refunding(transaction))
    assert (viettelpay.effects("refund"), viettelpay.states()) == ({"R1": 1}, {REFERENCE: "refunded"})


FAULTS = {
    "unavailable": (TransientError, 0),
    "silent_before": (OutcomeUnknownError, 0),
    "drop_after": (OutcomeUnknownError, 1),
    "error_after": (OutcomeUnknownError, 1),
    "garbage": (OutcomeUnknownError, 1),
    "truncated": (OutcomeUnknownError, 1),
}


@pytest.mark.parametrize("mode", FAULTS)
def test_after_a_fault_a_refund_is_unknown_unless_nothing_was_done(viettelpay, about, refunding, mode):
    failure, times = FAULTS[mode]
    transaction = paid_transaction(viettelpay, about)
    viettelpay.fault("refund", mode)
    with pytest.raises(failure):
        viettelpay.client(QUICK).send_refund(refunding(transaction))
    assert viettelpay.effects("refund") == ({"R1": 1} if times else {})


def test_printing_the_client_shows_no_secret(viettelpay):
    shown = repr(viettelpay.client())
    assert SECRET not in shown
    assert "sandbox-access-code" not in shown
