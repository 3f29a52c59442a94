"""Partners' calls through the gateway: verified, kept first, booked once; refused ones kept aside."""

import json
import time
from dataclasses import replace

import pytest
import requests

from sandbox.momo.signature import IPN, PARTNER_CODE, signature_of
from tests.truc.inbound.conftest import dossier, payment, serving
from truc import steps
from truc.exchange import bodies
from truc.inbound.app import create_app
from truc.store.tables.exchange import INBOX, INBOX_NAMES, SET_ASIDE
from truc.store.tables.money import LEDGER_ENTRIES, PAYMENTS, RECEIPTS

NOW_MS = int(time.time() * 1000)


def ordered(gateway):
    """A payment of 250,000 đồng that MoMo has taken the order for; return our reference."""
    code = gateway.post("/internal/v1/dossiers", dossier()).json()["code"]
    reference = gateway.post("/internal/v1/payments", payment(code)).json()["code"]
    assert steps.deliver(gateway.store, gateway.wallet, ("payment",))["sent"] == 1
    return reference


def ipn(reference, *, signed=True, **other):
    """The bytes of an IPN as MoMo would sign them."""
    fields = {
        "partnerCode": PARTNER_CODE,
        "orderId": reference,
        "requestId": reference,
        "amount": 250_000,
        "orderInfo": "Phi ho so",
        "orderType": "momo_wallet",
        "transId": 4_000_000_001,
        "resultCode": 0,
        "message": "Successful.",
        "payType": "qr",
        "responseTime": NOW_MS,
        "extraData": "",
    } | other
    right = signature_of(fields, IPN)
    return json.dumps(fields | {"signature": right if signed else "0" * len(right)}).encode()


def called(gateway, body, **how):
    """Call back as a partner does, without any key."""
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    return requests.post(f"{gateway.url}/partners/momo/ipn", data=body, headers=headers, timeout=30, **how)


def kept_bytes(gateway, row):
    with gateway.store.begin() as transaction:
        return bodies.read(transaction, row.body_id)


def test_a_paid_order_comes_back_verified_is_kept_and_booked(gateway):
    reference = ordered(gateway)
    assert gateway.told("pay", {"orders": [{"reference": reference}]})["notified"] == {"accepted": 1}
    [row] = gateway.rows(INBOX)[1:]  # the first is the answer to create
    assert (row.party, row.kind, row.state) == ("momo", "ipn", "kept")
    assert json.loads(kept_bytes(gateway, row))["orderId"] == reference
    assert steps.book_kept(gateway.store, "momo", ("ipn",)) == {"messages": 1, "items": 1, "set_aside": 0}
    [paid] = gateway.rows(PAYMENTS)
    assert (paid.state, len(gateway.rows(LEDGER_ENTRIES)), len(gateway.rows(RECEIPTS))) == ("paid", 1, 1)


def test_an_ipn_sent_twice_is_kept_once_and_booked_once(gateway):
    reference = ordered(gateway)
    gateway.told("pay", {"orders": [{"reference": reference}], "as": "twice"})
    [row] = gateway.rows(INBOX)[1:]
    [name] = [one for one in gateway.rows(INBOX_NAMES) if one.inbox_id == row.id]
    assert name.seen == 2
    steps.book_kept(gateway.store, "momo", ("ipn",))
    assert (len(gateway.rows(LEDGER_ENTRIES)), len(gateway.rows(RECEIPTS))) == (1, 1)


def test_an_ipn_that_comes_again_after_booking_books_nothing_more(gateway):
    body = ipn(ordered(gateway))
    for _ in range(2):
        assert called(gateway, body).status_code == 204
        steps.book_kept(gateway.store, "momo", ("ipn",))
    assert (len(gateway.rows(LEDGER_ENTRIES)), len(gateway.rows(RECEIPTS))) == (1, 1)


def test_an_ipn_with_a_wrong_signature_is_refused_and_its_bytes_are_kept_aside(gateway):
    body = ipn(ordered(gateway), signed=False)
    assert called(gateway, body).status_code == 400
    row = gateway.rows(INBOX)[-1]
    assert (row.kind, row.state) == ("ipn_refused", "set_aside")
    assert kept_bytes(gateway, row) == body
    aside = gateway.rows(SET_ASIDE)[-1]
    assert (aside.party, aside.reason, aside.inbox_id) == ("momo", "bad_signature", row.id)
    assert steps.book_kept(gateway.store, "momo", ("ipn",))["messages"] == 0
    [waiting] = gateway.rows(PAYMENTS)
    assert waiting.state != "paid"


def test_a_right_ipn_is_booked_after_a_forged_one_of_the_same_name(gateway):
    reference = ordered(gateway)
    called(gateway, ipn(reference, signed=False))
    assert called(gateway, ipn(reference)).status_code == 204
    assert steps.book_kept(gateway.store, "momo", ("ipn",))["items"] == 1


def test_an_ipn_whose_amount_is_not_our_orders_is_kept_and_leaves_the_payment_in_doubt(gateway):
    reference = ordered(gateway)
    assert called(gateway, ipn(reference, amount=2_500_000)).status_code == 204
    steps.book_kept(gateway.store, "momo", ("ipn",))
    assert json.loads(kept_bytes(gateway, gateway.rows(INBOX)[-1]))["amount"] == 2_500_000
    [doubted] = gateway.rows(PAYMENTS)
    assert (doubted.state, doubted.doubt) == ("in_doubt", "amount_differs")
    assert gateway.rows(RECEIPTS) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"orderId": "P26030399999999"}, "unknown_order"),
        ({"resultCode": 77_777}, "unknown_result_code"),
        ({"amount": "25e4"}, "field_malformed"),
    ],
)
def test_a_verified_ipn_that_cannot_be_booked_is_set_aside_and_the_next_is_booked(gateway, change, reason):
    reference = ordered(gateway)
    assert called(gateway, ipn(reference, **({"transId": 7} | change))).status_code == 204
    assert called(gateway, ipn(reference)).status_code == 204
    assert steps.book_kept(gateway.store, "momo", ("ipn",)) == {"messages": 2, "items": 1, "set_aside": 1}
    assert [row.reason for row in gateway.rows(SET_ASIDE)] == [reason]


def test_a_name_the_store_cannot_hold_is_refused(gateway):
    assert called(gateway, ipn("P\x00")).status_code == 400
    assert gateway.rows(SET_ASIDE)[-1].reason == "external_id_malformed"


@pytest.mark.parametrize("path", ["nobody/ipn", "momo/nothing", "sms/ipn", "../momo", "truc.errors/ipn", "momo/client"])
def test_what_no_party_offers_is_404_and_nothing_is_kept(gateway, path):
    assert requests.post(f"{gateway.url}/partners/{path}", data=b"x", timeout=30).status_code == 404
    assert gateway.rows(INBOX) == []


def test_a_call_by_another_method_is_refused(gateway):
    assert requests.get(f"{gateway.url}/partners/momo/ipn", timeout=30).status_code == 405


def test_without_a_connection_the_partner_is_told_to_come_again(gateway, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(tmp_path / "none.json"))
    assert called(gateway, ipn("P1")).status_code == 503
    assert "no connection 'momo'" in caplog.text


def test_while_the_store_is_away_the_partner_is_told_to_come_again(gateway, server):
    away = replace(server, external_hub_url="postgresql://nobody@127.0.0.1:1/nothing")
    serves, thread, address = serving(create_app(away))
    try:
        answer = requests.post(f"{address}/partners/momo/ipn", data=ipn("P1"), timeout=30)
    finally:
        serves.should_exit = True
        thread.join(timeout=20)
    assert answer.status_code == 503


def test_no_body_and_no_secret_of_a_callback_reaches_a_log(gateway, caplog):
    called(gateway, ipn("P1", extraData="so-secret-a-thing", signed=False))
    called(gateway, ipn("P1", extraData="so-secret-a-thing"))
    assert "bad_signature" in caplog.text
    assert "so-secret-a-thing" not in caplog.text
    assert gateway.momo.connection["password"] not in caplog.text
