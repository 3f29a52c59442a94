"""Bytes are kept before anybody reads them, and what they mean is booked once."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from tests.truc.samples import online
from tests.truc.samples import page as made_page
from truc import steps
from truc.envelope import Envelope, Page
from truc.errors import MalformedError
from truc.exchange import bodies, inbox
from truc.messages import OnlineDossier, PaymentResult, Unreadable
from truc.store.opened import Store, Transaction

KIND = "online_dossiers"


def test_the_very_bytes_are_kept_and_lie_sealed(hub: Any) -> None:
    body = b'{"ChuHoSo": "Nguyen Van An"}\x00\xff'
    kept = _keep(hub, "1", body)
    [row] = hub.sql("SELECT * FROM kept_bodies")
    assert b"Nguyen" not in bytes(row.sealed)
    with hub.store.begin() as transaction:
        assert bodies.read(transaction, row.id) == body
    assert (kept.first, row.digest) == (True, Envelope("p", "k", "", body).digest)


def test_kept_bytes_that_were_tampered_with_do_not_open(hub: Any) -> None:
    _keep(hub, "1", b"body")
    [row] = hub.sql("UPDATE kept_bodies SET sealed = set_byte(sealed, 15, get_byte(sealed, 15) # 1) RETURNING id")
    with hub.store.begin() as transaction, pytest.raises(MalformedError) as caught:
        bodies.read(transaction, row.id)
    assert caught.value.reason == "seal_broken"


def test_tampered_bytes_of_one_message_do_not_stop_the_others(office: Any) -> None:
    first = _keep(office, "1", made_page(online("G22.99-1")))
    _keep(office, "2", made_page(online("G22.99-2")))
    office.sql(
        "UPDATE kept_bodies SET sealed = sealed || '\\x00' WHERE id = (SELECT body_id FROM inbox WHERE id = :first)",
        first=first.inbox_id,
    )
    done = _book(office)
    assert (done["messages"], done["items"], done["set_aside"]) == (2, 1, 1)
    assert _aside(office) == [("1", "seal_broken")]


def test_the_same_message_again_is_seen_once_more_and_kept_once(hub: Any) -> None:
    kept = [_keep(hub, "1", b"same") for _ in range(3)]
    assert len({one.inbox_id for one in kept}) == 1
    assert [one.first for one in kept] == [True, False, False]
    assert hub.sql("SELECT seen FROM inbox_names")[0].seen == 3
    assert len(hub.sql("SELECT FROM inbox")) == 1
    assert len(hub.sql("SELECT FROM kept_bodies")) == 1
    assert _aside(hub) == []


def test_the_same_message_from_many_at_once_is_kept_once(hub: Any) -> None:
    together = Barrier(8)

    def keep(_: int) -> bool:
        together.wait()
        return bool(_keep(hub, "1", b"same").first)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(keep, range(8))) == [False] * 7 + [True]
    assert hub.sql("SELECT seen FROM inbox_names")[0].seen == 8
    assert len(hub.sql("SELECT FROM inbox")) == len(hub.sql("SELECT FROM kept_bodies")) == 1


def test_one_id_with_other_bytes_is_kept_twice_and_told_to_a_person(hub: Any) -> None:
    first, second = _keep(hub, "1", b"first"), _keep(hub, "1", b"second")
    assert first.inbox_id != second.inbox_id
    assert second.first
    assert _aside(hub) == [("1", "same_id_other_bytes")]
    with hub.store.begin() as transaction:
        kept = hub.sql("SELECT body_id FROM inbox ORDER BY id")
        assert [bodies.read(transaction, row.body_id) for row in kept] == [b"first", b"second"]


def test_one_id_of_two_kinds_or_parties_is_no_incident(hub: Any) -> None:
    for party, kind in (("momo", "ipn"), ("momo", "statement"), ("vietinbank", "statement")):
        _keep(hub, "1", party.encode(), party=party, kind=kind)
    assert _aside(hub) == []


def test_page_and_cursor_are_kept_together(hub: Any) -> None:
    with hub.store.begin() as transaction:
        assert inbox.cursor(transaction, "national_portal", KIND) == ""
        inbox.keep_page(transaction, KIND, Page(_envelope("after:", b"{}"), "20"))
    with hub.undone() as transaction:
        inbox.keep_page(transaction, KIND, Page(_envelope("after:20", b"{}"), "40"))
    with hub.store.begin() as transaction:
        assert inbox.cursor(transaction, "national_portal", KIND) == "20"
        inbox.keep_page(transaction, KIND, Page(_envelope("after:20", b"{}"), "40"))
        assert inbox.cursor(transaction, "national_portal", KIND) == "40"


def test_a_body_that_cannot_be_read_is_set_aside_with_its_bytes(office: Any) -> None:
    body = b'{"result": [{"MaHoSo"'
    _keep(office, "after:", body)
    _keep(office, "after:20", made_page(online("G22.99-1")))
    done = _book(office)
    assert (done["messages"], done["items"], done["set_aside"]) == (2, 1, 1)
    assert _aside(office) == [("after:", "page_unreadable")]
    row, other = office.sql("SELECT state, body_id FROM inbox ORDER BY id")
    assert (row.state, other.state) == ("set_aside", "booked")
    with office.store.begin() as transaction:
        assert bodies.read(transaction, row.body_id) == body


def test_a_bad_item_is_set_aside_and_the_rest_of_its_page_is_booked(office: Any) -> None:
    items = [
        online("G22.99-1"),
        {**online("G22.99-2"), "MaTTHC": "9.999999"},  # unknown to the catalogue
        {**online("G22.99-3"), "NgayNopHoSo": "yesterday"},  # unknown to the calendar
        {**online("G22.99-4"), "TrangThaiHoSo": "77"},  # unknown to the nation
        "not even an object",
        online("G22.99-6"),
    ]
    _keep(office, "after:", made_page(*items))
    done = _book(office)
    assert (done["messages"], done["items"], done["set_aside"]) == (1, 2, 4)
    assert [row.portal_code for row in office.sql("SELECT portal_code FROM dossiers ORDER BY code")] == [
        "G22.99-1",
        "G22.99-6",
    ]
    assert [item for item, _ in sorted(_aside(office))] == ["G22.99-2", "G22.99-3", "G22.99-4", "item 5"]
    assert {"unknown_procedure", "unknown_status"} < {reason for _, reason in _aside(office)}
    row = office.sql("SELECT state, items_booked, items_set_aside FROM inbox")[0]
    assert tuple(row) == ("booked", 2, 4)


def test_a_bad_item_leaves_no_half_of_itself_behind(office: Any) -> None:
    # A postal return without an address is noticed only after the dossier was written.
    _keep(office, "after:", made_page({**online("G22.99-1"), "HinhThuc": "1", "DiaChi": ""}))
    assert _book(office)["set_aside"] == 1
    for table in ("dossiers", "customers", "outbox", "dossier_serials"):
        assert office.sql(f"SELECT FROM {table}") == []


def test_a_page_booked_again_changes_nothing(office: Any) -> None:
    page = made_page(online("G22.99-1"), online("G22.99-2"))
    _keep(office, "after:", page)
    assert _book(office)["items"] == 2
    assert _book(office)["messages"] == 0
    _keep(office, "after:", page)
    assert _book(office)["messages"] == 0
    _keep(office, "after:0", page)  # the same dossiers under another name
    assert _book(office)["items"] == 2
    assert len(office.sql("SELECT FROM dossiers")) == len(office.sql("SELECT FROM outbox")) == 2


def test_two_bookers_at_once_book_each_message_once(office: Any) -> None:
    for number in range(12):
        _keep(office, f"after:{number}", made_page(online(f"G22.99-{number}")))
    booked: list[str] = []
    together = Barrier(3)

    def book(transaction: Transaction, origin: inbox.Origin, item: Any) -> None:
        booked.append(item.portal_code)

    def run(_: int) -> int:
        together.wait()
        return inbox.book_kept(office.store, "national_portal", (KIND,), book=book).messages

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(run, range(3))) == 12
    assert sorted(booked) == sorted({f"G22.99-{number}" for number in range(12)})


def test_bookers_that_reach_for_the_same_messages_all_end_well(hub: Any) -> None:
    # What one of them has just finished moves to another drawer under the other's hands.
    rounds, together = 40, Barrier(3)
    for number in range(rounds):
        _keep(hub, f"after:{number}", b"{}", party="momo", kind="ipn")
    waiting = [row.id for row in hub.sql("SELECT id FROM inbox ORDER BY id")]

    def run(_: int) -> int:
        booked = 0
        for inbox_id in waiting:
            together.wait()
            booked += inbox.book_these(hub.store, "momo", [inbox_id], book=_nothing).messages
        return booked

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(run, range(3))) == rounds
    assert hub.sql("SELECT state, count(*) FROM inbox GROUP BY state") == [("set_aside", rounds)]
    assert hub.tallies() == {("momo", "ipn", "unbooked"): rounds}


def test_a_booker_that_lost_a_race_books_it_all_the_same_and_counts_it_once(office: Any) -> None:
    _keep(office, "after:", made_page(online("G22.99-1"), online("G22.99-2")))
    losses = iter([False, True])  # it loses on the second item of its first try

    def book(transaction: Transaction, _origin: inbox.Origin, _item: OnlineDossier) -> None:
        if next(losses, False):
            transaction.sql.execute(text("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"))

    done = inbox.book_kept(office.store, "national_portal", (KIND,), book=book)
    assert (done.messages, done.items, done.set_aside) == (1, 2, 0)
    assert office.sql("SELECT state, items_booked FROM inbox") == [("booked", 2)]


def test_a_booker_that_dies_leaves_the_message_to_the_next(office: Any) -> None:
    _keep(office, "after:", made_page(online("G22.99-1"), online("G22.99-2")))

    def dies(_transaction: Transaction, _origin: inbox.Origin, item: OnlineDossier) -> None:
        if item.portal_code == "G22.99-2":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        inbox.book_kept(office.store, "national_portal", (KIND,), book=dies)
    assert office.sql("SELECT state FROM inbox")[0].state == "kept"
    assert _book(office)["items"] == 2


@pytest.mark.parametrize("where", ["in_a_look_up", "in_a_value", "in_a_name"])
def test_what_the_database_cannot_hold_is_set_aside_and_stops_nothing(
    office: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad_order, reference = office.order_payment(), office.order_payment()
    bad = {
        # Unchecked: the canonical messages refuse a NUL themselves.
        "in_a_look_up": _paid("P", "T").model_copy(update={"our_reference": "P\x00"}),
        "in_a_value": _paid(bad_order, "T").model_copy(update={"partner_reference": "T\x00"}),
        "in_a_name": Unreadable.model_construct(item="a\x00b", reason="field_malformed", text="it holds a \x00"),
    }
    items = [bad[where], _paid(reference, "T")]
    # No party's mapping of today lets all of these through; one of tomorrow may.
    monkeypatch.setattr(inbox.parties, "reader", lambda _party, _kind: lambda _body: iter(items))
    _keep(office, "1", b"{}", party="momo", kind="ipn")
    done = steps.book_kept(office.store, "momo", ("ipn",))
    assert (done["items"], done["set_aside"]) == (1, 1)
    assert office.sql("SELECT state FROM payments WHERE our_reference = :r", r=reference)[0].state == "paid"


def test_a_nul_in_a_partners_page_stops_no_other_item(office: Any) -> None:
    code = office.receive(wants_postal_return=True)
    body = [
        {"_id": {"$oid": f"{number:024x}"}, "orderNumber": order, "statusCode": 2}
        for number, order in enumerate(["A\x00B", f"{code}-R1"], start=1)
    ]
    _keep(office, "1", json.dumps(body).encode(), party="vnpost", kind="tracking")
    done = steps.book_kept(office.store, "vnpost", ("tracking",))
    assert (done["items"], done["set_aside"]) == (1, 1)
    assert len(_aside(office)) == 1


def test_a_message_that_must_not_be_booked_is_kept_with_its_reason(hub: Any) -> None:
    with hub.store.begin() as transaction:
        envelope = _envelope("1", b"forged", party="momo", kind="ipn")
        kept = inbox.keep(transaction, envelope)
        inbox.set_aside_whole(transaction, kept, envelope, "signature_wrong", "the signature does not fit")
    assert _aside(hub) == [("1", "signature_wrong")]
    assert steps.book_kept(hub.store, "momo", ("ipn",))["messages"] == 0


def test_a_receipt_that_came_before_is_not_booked_again(hub: Any) -> None:
    seen: list[str] = []
    read: Callable[..., Any] = lambda _t, origin, item: seen.append(item.pay_url)  # noqa: E731  (one expression)
    body = json.dumps({"orderId": "P1", "payUrl": "https://pay.invalid/1"}).encode()
    for _ in range(2):
        with hub.store.begin() as transaction:
            inbox.book_now(transaction, _envelope("P1", body, party="momo", kind="payment"), book=read)
    assert seen == ["https://pay.invalid/1"]


def test_the_same_item_is_set_aside_once_for_one_reason(hub: Any) -> None:
    kept = _keep(hub, "1", b"{}")
    for reason in ("bad_amount", "bad_amount", "bad_time"):
        with hub.store.begin() as transaction:
            inbox.set_aside.note_incoming(
                transaction, party="p", kind="k", inbox_id=kept.inbox_id, item="line 3", reason=reason, text=""
            )
    assert _aside(hub) == [("line 3", "bad_amount"), ("line 3", "bad_time")]


def test_set_aside_items_are_listed_by_party_oldest_first(hub: Any) -> None:
    for party in ("momo", "vnpost", "momo"):
        with hub.store.begin() as transaction:
            envelope = _envelope(party, str(len(hub.sql("SELECT FROM inbox"))).encode(), party=party)
            kept = inbox.keep(transaction, envelope)
            inbox.set_aside_whole(transaction, kept, envelope, "r", "t")
    hub.sql("UPDATE set_aside SET state = 'resolved' WHERE id = 1")
    with hub.store.begin() as transaction:
        listed = inbox.set_aside.open_items(transaction)
        assert [one.party for one in inbox.set_aside.open_items(transaction, party="vnpost")] == ["vnpost"]
    assert [one.id for one in listed] == sorted(one.id for one in listed)
    assert 1 not in {one.id for one in listed}


def test_a_feed_is_fetched_kept_and_booked_and_goes_on_where_it_stood(office: Any, partner: Any) -> None:
    portal = partner("national_portal")
    portal.control("submit", [online(f"G22.99-{number}") for number in range(1, 131)])
    first = steps.fetch(office.store, portal.connection, (KIND,))
    assert (first["messages"], first["items"]) == (2, 130)  # 100 to a page
    assert steps.fetch(office.store, portal.connection, (KIND,)) == {"messages": 0, "items": 0, "set_aside": 0}
    portal.control("submit", [online("G22.99-131")])
    assert steps.fetch(office.store, portal.connection, (KIND,))["items"] == 1
    assert office.sql("SELECT cursor FROM cursors")[0].cursor == "131"


def test_a_dossier_listed_twice_by_the_portal_is_born_once(office: Any, partner: Any) -> None:
    portal = partner("national_portal")
    portal.control("submit", [online("G22.99-1"), online("G22.99-2")])
    portal.fault("twice", operation="online_item")
    assert steps.fetch(office.store, portal.connection, (KIND,))["items"] == 3
    assert len(office.sql("SELECT FROM dossiers")) == 2


def _nothing(*_: Any) -> None:
    """Book no item."""


def _paid(our_reference: str, partner_reference: str) -> PaymentResult:
    return PaymentResult(
        our_reference=our_reference,
        partner_reference=partner_reference,
        amount_vnd=50_000,
        state="paid",
        occurred_at=datetime(2026, 3, 4, 2, tzinfo=UTC),
    )


def _keep(hub: Any, external_id: str, body: bytes, **names: str) -> inbox.Kept:
    store: Store = hub.store
    with store.begin() as transaction:
        return inbox.keep(transaction, _envelope(external_id, body, **names))


def _envelope(external_id: str, body: bytes, *, party: str = "national_portal", kind: str = KIND) -> Envelope:
    return Envelope(party, kind, external_id, body)


def _book(office: Any) -> dict[str, int]:
    return steps.book_kept(office.store, "national_portal", (KIND,))


def _aside(hub: Any) -> list[tuple[str, str]]:
    return [tuple(row) for row in hub.sql("SELECT item, reason FROM set_aside ORDER BY id")]
