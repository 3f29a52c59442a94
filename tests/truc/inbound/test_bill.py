"""Who asked for a payment may read the partner's own receipt of it, once kept; who only reads standings may not."""

import pytest
import requests

from tests.truc.inbound.conftest import dossier, payment
from truc.envelope import Envelope
from truc.exchange import inbox
from truc.inbound.clients import Scope, ensure_client
from truc.services import booking

PDF = b"%PDF-1.4 receipt"


@pytest.fixture
def reference(gateway):
    code = gateway.post("/internal/v1/dossiers", dossier()).json()["code"]
    return gateway.post("/internal/v1/payments", payment(code, party="national_payment")).json()["code"]


def keep(gateway, reference, body=PDF, party="national_payment"):
    book = booking.booker(gateway.store)
    with gateway.store.begin() as transaction:
        inbox.book_now(transaction, Envelope(party, "bill", reference, body, "application/pdf"), book=book)


def read(gateway, reference, key=None):
    headers = {"Authorization": f"Bearer {key or gateway.key}"}
    return requests.get(f"{gateway.url}/internal/v1/payments/{reference}/bill", headers=headers, timeout=30)


def test_a_bill_is_given_once_it_is_kept(gateway, reference):
    assert (read(gateway, reference).status_code, read(gateway, "P1").status_code) == (404, 404)
    keep(gateway, reference)
    found = read(gateway, reference)
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, PDF, "application/pdf")


def test_what_is_no_bill_is_set_aside_and_not_given(gateway, reference):
    keep(gateway, reference, body=b"{}")
    assert read(gateway, reference).status_code == 404


def test_a_key_that_may_only_read_standings_reads_no_bill(gateway, server, reference):
    keep(gateway, reference)
    found = read(gateway, reference, ensure_client(server.secrets, "reader", frozenset({Scope.READ})))
    assert (found.status_code, found.json()["detail"]["reason"]) == (403, "scope_missing")
