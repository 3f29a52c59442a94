"""Citizens at a real stand-in, over a real store: pages open, callbacks are lost, orders lapse, and asking tells."""

from collections.abc import Iterator

import pytest

from sandbox.day import ends, money, orders, wallets
from sandbox.day.channels import CHANNELS
from sandbox.day.money import PARTS, dealt
from sandbox.day.partners import Partner
from sandbox.day.stage import Stage
from sandbox.day.summary import verdict
from sandbox.serve import Running
from sandbox.vnpay.server import start
from truc import steps
from truc.connections import Connection, from_airflow_json
from truc.domain.status import Status
from truc.messages import Channel as Door
from truc.messages import Person
from truc.operating import audit, doubts
from truc.services import dossiers, payments
from truc.store import catalogue

[VNPAY] = [one for one in CHANNELS if one.party == "vnpay"]


@pytest.fixture
def vnpay(tmp_path) -> Iterator[Running]:
    running = start(0, tmp_path / "vnpay", "http://127.0.0.1:1")  # no gateway hears what it says
    yield running
    running.close()


@pytest.fixture
def connection(vnpay) -> Connection:
    return from_airflow_json("vnpay", vnpay.connection)


@pytest.fixture
def shop(stage: Stage, vnpay, connection) -> Stage:
    """The day's payments through VNPAY are requested, their addresses are known, and every citizen has a part."""
    stage.partners = {"vnpay": Partner("vnpay", vnpay.control_url)}
    steps.load_catalogue(stage.store)
    for one in stage.plan.payments:
        if one.party == "vnpay":
            _request(stage, one)
    steps.deliver(stage.store, connection, ("payment",))
    stage.journal.note(PARTS, {"vnpay": dealt(VNPAY, orders.payable(stage, VNPAY))})
    return stage


def _request(stage: Stage, one) -> None:
    with stage.store.begin() as transaction:
        intake = dossiers.Intake(
            source="one-stop",
            source_reference=one.dossier.reference,
            procedure_code=one.dossier.procedure_code,
            agency_code=one.dossier.agency_code,
            channel=Door.COUNTER,
            applicant=Person(name="Người Thử", personal_id="056190990001", phone="0905000001"),
            received_at=one.dossier.received_at,
            status=Status.ACCEPTED,
        )
        code = dossiers.receive(transaction, intake, catalogue.working_calendar(transaction)).code
        wish = payments.PaymentWish(
            source="one-stop",
            source_reference=one.reference,
            dossier_code=code,
            party=one.party,
            amount_vnd=one.amount_vnd,
            requested_at=one.requested_at,
        )
        payments.request(transaction, wish)


def _ask(stage: Stage, connection: Connection) -> None:
    with stage.store.begin() as transaction:
        for reference in orders.pending(stage, VNPAY):
            doubts.ask_now(transaction, reference, audit.order("test", "where does it stand?"))
    steps.ask_payments(stage.store, connection, ("query",))


def _states(stage: Stage) -> dict[str, str]:
    return {one["reference"]: one["state"] for one in stage.partners["vnpay"].ask("payments")}


def test_an_order_stands_at_the_partner_once_its_page_was_opened_and_again_changes_nothing(shop):
    assert _states(shop) == {}
    orders.open_pages(shop, VNPAY)
    assert set(_states(shop).values()) == {"created"}
    assert orders.still_open(shop, VNPAY) == set(orders.pays_at(shop, VNPAY))
    orders.open_pages(shop, VNPAY)
    assert {one["times"] for one in shop.partners["vnpay"].ask("payments")} == {1}
    assert verdict(shop.expectations) == "ok"


def test_a_page_that_does_not_open_spoils_the_verdict(shop):
    shop.partners["vnpay"].tell("insist", {"operation": "create", "codes": ["70"]})
    orders.open_pages(shop, VNPAY)
    [broken] = [one for one in shop.expectations if not one.holds]
    assert len(broken.found) == 1


def test_a_citizen_who_acted_does_not_act_again(shop):
    orders.open_pages(shop, VNPAY)
    [lost] = shop.journal.troubles[PARTS]["vnpay"]["lost"]
    assert orders.act(shop, VNPAY, [lost], fault="refuse") == 1
    assert orders.act(shop, VNPAY, [lost], fault="refuse") == 0
    assert _states(shop)[lost] == "paid"
    [refuses] = shop.journal.troubles[PARTS]["vnpay"]["refuse"]  # a partner would let it be tried again
    assert orders.act(shop, VNPAY, [refuses], code="11", fault="refuse") == 1
    assert orders.act(shop, VNPAY, [refuses], code="11", fault="refuse") == 0


def test_what_was_lost_or_lapsed_is_known_by_asking_and_both_books_agree(shop, connection):
    parts = shop.journal.troubles[PARTS]
    orders.open_pages(shop, VNPAY)
    for part in ("lost", "pay"):  # no callback reaches the hub
        for reference in parts["vnpay"][part]:
            orders.act(shop, VNPAY, [reference], fault="refuse")
    orders.lapse(shop, VNPAY)
    _ask(shop, connection)
    wallets.note_found_by_asking(shop, parts)
    assert shop.journal.troubles[wallets.FOUND] == {"vnpay": 1}
    assert verdict(shop.expectations) == "ok"
    # Whoever was to let the page's time run out forgot it instead: another end than planned, the same in both books.
    ends.expect_of(shop, VNPAY)
    as_planned, as_theirs = shop.expectations[-2:]
    assert as_planned.found == dict.fromkeys(parts["vnpay"]["refuse"], ("expired", "failed"))
    assert as_theirs.holds
    found = ends.by_channel(shop)["vnpay"]
    assert found["requested"] == len(money.planned(shop, VNPAY))
    assert found["states"] == {"failed": 2, "paid": found["count"]}


def test_a_lost_callback_that_nobody_asked_about_is_not_found(shop):
    orders.open_pages(shop, VNPAY)
    orders.act(shop, VNPAY, shop.journal.troubles[PARTS]["vnpay"]["lost"], fault="refuse")
    wallets.note_found_by_asking(shop, shop.journal.troubles[PARTS])
    assert not shop.journal.met(wallets.FOUND)
    assert verdict(shop.expectations) != "ok"


def test_a_payment_that_the_partner_holds_otherwise_is_named_with_both_words(shop):
    orders.open_pages(shop, VNPAY)
    [lost] = shop.journal.troubles[PARTS]["vnpay"]["lost"]
    orders.act(shop, VNPAY, [lost], fault="refuse")
    ends.expect_of(shop, VNPAY)
    amount_vnd = next(one["amount_vnd"] for one in shop.partners["vnpay"].ask("payments") if one["reference"] == lost)
    assert shop.expectations[-1].found == {lost: (("paid", amount_vnd), ("pending", amount_vnd))}


def test_a_callback_that_came_is_no_lost_one(shop):
    """The gateway counts by reference: a message kept about an order is a call about it."""
    from truc.envelope import Envelope
    from truc.exchange import inbox

    [lost] = shop.journal.troubles[PARTS]["vnpay"]["lost"]
    with shop.store.begin() as transaction:
        inbox.keep(transaction, Envelope("vnpay", "ipn", f"{lost}/1", b"vnp_Amount=1"))
    wallets.confirm_callbacks(shop, VNPAY, {"lost": [lost]})
    assert shop.expectations[-1].found == {lost: 1}
