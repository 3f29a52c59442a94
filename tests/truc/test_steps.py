"""The steps of the pipelines: what was kept is booked whatever happens, and one day never disturbs another."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.vietinbank.server import start
from truc import steps
from truc.connections import from_airflow_json
from truc.envelope import Envelope
from truc.errors import TransientError
from truc.exchange import inbox
from truc.services import booking
from truc.store.opened import Store

FIRST, SECOND = date(2026, 3, 4), date(2026, 3, 5)


@pytest.fixture
def bank(tmp_path: Path) -> Any:
    """The bank's stand-in with a statement of each of two days."""
    running = start(0, tmp_path, "")
    for day in (FIRST, SECOND):
        line = {"our_reference": f"P{day:%d}", "partner_reference": f"B{day:%d}", "amount_vnd": 50_000}
        body = {"day": day.isoformat(), "lines": [{**line, "at": f"{day}T10:00:00+07:00"}]}
        requests.post(f"{running.control_url}/_control/deposit", json=body, timeout=10).raise_for_status()
    yield running
    running.close()


def fetch(office: Any, bank: Any, day: date) -> dict[str, int]:
    return steps.fetch_day(office.store, from_airflow_json("vietinbank", bank.connection), ("statement",), day)


def test_a_day_kept_but_not_booked_is_left_to_its_own_run(
    office: Any, bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(inbox, "book_these", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fetch(office, bank, FIRST)
    assert fetch(office, bank, SECOND)["items"] == 1
    assert fetch(office, bank, FIRST)["items"] == 1, "the run of the first day, tried again"
    assert [row.business_on for row in office.sql("SELECT business_on FROM statements ORDER BY business_on")] == [
        FIRST,
        SECOND,
    ]
    assert office.sql("SELECT FROM set_aside") == []


def test_a_file_that_is_of_another_day_than_its_name_says_is_set_aside(office: Any, bank: Any) -> None:
    fetch(office, bank, FIRST)
    [kept] = office.sql("SELECT id, external_id, body_id FROM inbox")
    with office.store.begin() as transaction:
        bytes_kept = inbox.bodies.read(transaction, kept.body_id)
        other = inbox.keep(transaction, Envelope("vietinbank", "statement", "other", bytes_kept + b"\n"))
    book = steps._of_day(SECOND, booking.booker(office.store))
    done = inbox.book_these(office.store, "vietinbank", [other.inbox_id], book=book)
    assert done.set_aside == 1


def test_a_day_that_was_not_delivered_is_waited_for(office: Any, bank: Any) -> None:
    with pytest.raises(TransientError):
        fetch(office, bank, date(2026, 3, 6))


def test_pages_kept_before_a_failure_are_booked_all_the_same(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    booked: list[str] = []
    monkeypatch.setattr(steps, "book_kept", lambda _store, party, _kinds: booked.append(party) or {})
    wrong = from_airflow_json("vnpost", {"host": "https://no-such-partner.invalid", "login": "a", "password": "b",
                                         "extra": {"customer_code": "c", "centre_phone": "1"}})  # fmt: skip
    with pytest.raises(TransientError):
        steps.fetch(office.store, wrong, ("tracking",))
    assert booked == ["vnpost"]


# As PostgreSQL tells one of two transactions that waited for each other, once: a sequence is not rolled back.
DEADLOCK_ONCE = """
    CREATE SEQUENCE looks;
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('looks') = 1 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER lost BEFORE UPDATE OF asked ON shipments FOR EACH ROW EXECUTE FUNCTION lose();
"""


def test_a_lost_race_for_parcels_does_not_fail_a_delivery_that_went_out(office: Any, partner: Any) -> None:
    office.receive(wants_postal_return=True)
    office.sql(DEADLOCK_ONCE)
    there = partner("vnpost")
    assert steps.deliver(office.store, there.connection, ("order",))["sent"] == 1
    assert office.sql("SELECT last_value FROM looks")[0].last_value == 2
    assert office.sql("SELECT asked FROM shipments")[0].asked == "ordered"


def test_a_party_is_in_use_from_the_first_message_to_it(office: Any) -> None:
    assert not steps.in_use(office.store, "momo")
    office.order_payment(party="momo")
    assert steps.in_use(office.store, "momo")
    assert not steps.in_use(office.store, "vnpay")


def test_a_party_is_in_use_from_the_first_message_of_it(store: Store) -> None:
    assert not steps.in_use(store, "momo")
    with store.begin() as transaction:
        inbox.keep(transaction, Envelope("momo", "ipn", "P1/1", b"{}"))
    assert steps.in_use(store, "momo")


def test_a_bank_that_is_told_nothing_is_in_use_from_the_first_payment_through_it(office: Any) -> None:
    assert not steps.in_use(office.store, "vietinbank")
    office.order_payment(party="vietinbank")
    assert steps.in_use(office.store, "vietinbank")
