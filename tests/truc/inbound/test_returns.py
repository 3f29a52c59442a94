"""A citizen's browser that comes back from paying moves no payment: it is kept, and the party is asked at once."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import psycopg
import pytest
import requests

from tests.truc.inbound.test_callbacks import ipn, ordered
from tests.truc.inbound.test_partners import allow
from truc import parties, steps
from truc.envelope import Envelope
from truc.exchange.inbox import Kept
from truc.exchange.outbox import WOKEN
from truc.inbound.callbacks import About, HttpAnswer, Received, Standing
from truc.inbound.partners import Call, _came_back
from truc.inbound.returns import ask_at_once
from truc.manifest import Callback
from truc.store.tables.exchange import INBOX
from truc.store.tables.money import LEDGER_ENTRIES, PAYMENTS


def came_back(gateway, reference, **other):
    """The browser's address, signed as MoMo signs it, opened once."""
    query = urlencode(json.loads(ipn(reference, **other)))
    return requests.get(f"{gateway.url}/partners/momo/browser_return?{query}", timeout=30)


def paying(gateway):
    """An order that MoMo has, and that is to be asked about in two minutes."""
    reference = ordered(gateway)
    assert due_in(gateway) > timedelta(seconds=60)
    return reference


def due_in(gateway):
    [row] = gateway.rows(PAYMENTS)
    with gateway.store.begin() as transaction:
        now = transaction.sql.exec_driver_sql("SELECT now()").scalar_one()
    return row.next_ask_at - now


def heard(listening):
    return [one.payload for one in listening.notifies(timeout=0.5)]


@pytest.fixture
def listening(gateway):
    url = gateway.store.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"LISTEN {WOKEN}")
        yield connection


def test_a_return_has_the_party_asked_at_once_and_says_nothing_itself(gateway, listening):
    reference = paying(gateway)
    heard(listening)
    page = came_back(gateway, reference)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "sau khi MoMo xác nhận" in page.text
    assert due_in(gateway) <= timedelta(0)
    assert heard(listening) == ["momo/query"]
    steps.book_kept(gateway.store, "momo", parties.manifest("momo").callback_names)
    [row] = gateway.rows(PAYMENTS)
    assert (row.state, gateway.rows(LEDGER_ENTRIES)) == ("pending", [])  # though the address says paid
    gateway.told("pay", {"orders": [{"reference": reference}], "notify": False})
    assert steps.ask_payments(gateway.store, gateway.wallet, ("query",))["answered"] == 1
    assert gateway.rows(PAYMENTS)[0].state == "paid"


def test_a_page_that_is_loaded_again_asks_nobody_again(gateway):
    reference = paying(gateway)
    came_back(gateway, reference)
    steps.ask_payments(gateway.store, gateway.wallet, ("query",))
    assert due_in(gateway) > timedelta(0)
    assert came_back(gateway, reference).status_code == 200
    assert due_in(gateway) > timedelta(0)


def test_of_an_order_that_had_its_end_the_page_says_so_and_nobody_is_asked(gateway, listening):
    reference = paying(gateway)
    gateway.told("pay", {"orders": [{"reference": reference}]})
    steps.book_kept(gateway.store, "momo", ("ipn",))
    heard(listening)
    page = came_back(gateway, reference)
    assert (page.status_code, "đã có kết quả" in page.text) == (200, True)
    assert heard(listening) == []
    assert gateway.rows(PAYMENTS)[0].next_ask_at is None


@pytest.mark.parametrize("lie", [{"signed": False}, {"amount": 250_001}, {"orderId": "P1"}])
def test_a_return_that_is_not_ours_or_not_signed_asks_nobody(gateway, lie):
    reference = paying(gateway)
    page = came_back(gateway, lie.pop("orderId", reference), **lie)
    assert page.status_code == (400 if "signed" in lie else 404)
    assert "Không" in page.text
    assert due_in(gateway) > timedelta(seconds=60)
    assert gateway.rows(INBOX)[-1].kind.startswith("browser_return")


def test_a_citizen_may_come_from_anywhere_where_the_partner_may_not(gateway, tmp_path, monkeypatch):
    reference = paying(gateway)
    allow(gateway, tmp_path, monkeypatch, "203.0.113.7")
    assert came_back(gateway, reference).status_code == 200
    answer = requests.post(f"{gateway.url}/partners/momo/ipn", data=ipn(reference), timeout=30)
    assert answer.status_code == 400
    assert [row.kind for row in gateway.rows(INBOX)[1:]] == ["browser_return"]


def test_a_party_that_cannot_be_asked_is_left_to_its_own_time(gateway):
    reference = paying(gateway)
    with gateway.store.begin() as transaction:
        transaction.sql.execute(PAYMENTS.update().values(party="vnptpay"))
        assert ask_at_once(transaction, [reference]) == 0
    assert due_in(gateway) > timedelta(seconds=60)


def test_what_another_transaction_works_on_is_left_to_it(gateway):
    reference = paying(gateway)
    with gateway.store.begin() as first:
        first.sql.execute(PAYMENTS.update().values(owner=None))
        with gateway.store.begin() as second:
            assert ask_at_once(second, [reference]) == 0


@pytest.mark.parametrize(("does", "asked"), [("returns", {"P1"}), ("tells", set()), ("asks", set()), ("opens", set())])
def test_only_a_return_has_the_party_asked(does, asked):
    answers, about = dict.fromkeys(Standing, HttpAnswer(200)), About("P1", 250_000)
    received = Received(Envelope("vnpay", "x", "P1/1", b""), HttpAnswer(200), about, answers)
    call = Call(Callback(name="x", does=does), received)
    assert _came_back([call], [Kept(1, first=True)], {("vnpay", about): Standing.OPEN}) == asked
