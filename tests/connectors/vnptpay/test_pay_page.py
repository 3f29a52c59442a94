"""The page that opens MegaPay, served by the real gateway over the real store: a form only while the order waits."""

import json

import requests

from connectors.vnptpay.client import open_client
from mappings.vnptpay import payment
from tests.suites.gateway import opened_gateway
from tests.truc.conftest import Office
from truc.connections import from_airflow_json
from truc.envelope import Outgoing
from truc.manifest import Limits
from truc.messages import PaymentRequested
from truc.store import catalogue

SETTINGS = {
    "api": "megapay",
    "path": "/pg",
    "paid_code": "OK",
    "return_url": "https://hub.example/back",
    "notification_url": "https://hub.example/told",
    "req_domain": "hub.example",
}


def address(connection, office, reference):
    (row,) = office.sql("SELECT amount_vnd, requested_at FROM payments WHERE our_reference = :one", one=reference)
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="",
        amount_vnd=row.amount_vnd,
        purpose="Phi",
        requested_at=row.requested_at,
    )
    receipt = open_client(connection, Limits()).send_payment(Outgoing(reference, reference, payment.write(message)))
    (found,) = payment.read(receipt.body)
    return found.pay_url


def test_the_gateway_serves_the_form_while_the_order_waits_and_not_after(server, store, tmp_path):
    office = Office(store)
    with store.begin() as transaction:
        catalogue.keep_procedure(transaction, office.procedure(), source="shipped")
    reference = office.order_payment(party="vnptpay")
    url = store.engine.url.render_as_string(hide_password=False)
    with opened_gateway(server, url, tmp_path) as gateway:
        extra = SETTINGS | {"pay_page": f"{gateway.url}/partners/vnptpay/pay_page"}
        value = {"host": "https://pay.example", "login": "M", "password": "key", "extra": extra}
        gateway.connections.write_text(json.dumps({"vnptpay": value}), encoding="utf-8")
        opened = address(from_airflow_json("vnptpay", value), office, reference)
        before = requests.get(opened, timeout=20)
        office.settle(reference, party="vnptpay")
        after = requests.get(opened, timeout=20)
        unknown = requests.get(opened.replace(reference, f"X{reference[1:]}"), timeout=20)
    assert (before.status_code, "<form" in before.text) == (200, True)
    assert (after.status_code, "<form" in after.text) == (200, False)
    assert (unknown.status_code, "<form" in unknown.text) == (400, False)
