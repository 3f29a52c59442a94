"""A late callback is found and read again by an approved proposal, as often as one is approved, and none is lost."""

import json
from typing import Any

import pytest

from tests.truc.operating.break_office import a_break, approve, paid, propose, refused
from tests.truc.reconcile.runs import item, name
from truc.envelope import Envelope
from truc.exchange import inbox, set_aside
from truc.operating import breaks, replay
from truc.reconcile.work import breaks as work
from truc.services import booking


def ipn(reference: str, **said: Any) -> Envelope:
    """What MoMo called with, as the gateway keeps it once its signature is verified."""
    body = json.dumps({"orderId": reference, "transId": 99, **said}).encode()
    return Envelope("momo", "ipn", f"{reference}/99", body)


def test_a_callback_that_was_set_aside_is_found_and_read_again(office: Any) -> None:
    reference = office.order_payment()
    with office.store.begin() as transaction:
        kept = inbox.keep(transaction, ipn(reference))
    inbox.book_these(office.store, "momo", [kept.inbox_id], book=booking.booker(office.store))
    [aside] = office.sql("SELECT item, reason FROM set_aside WHERE state = 'open'")
    a_break(office, "state_differs", reference)
    propose(office, "find_callback", "callback_lost")
    outcome = approve(office)
    assert outcome == breaks.Outcome(
        break_id=name("b1"), proposal="find_callback", state="assigned", done=f"read again: exchange {kept.inbox_id}"
    )
    assert [row.exchange_id for row in office.sql("SELECT exchange_id FROM replays")] == [kept.inbox_id]
    assert aside.item.startswith(reference)
    office.sql("UPDATE set_aside SET state = 'resolved'")  # somebody dealt with it by hand
    propose(office, "find_callback", "callback_lost")
    assert refused(office) == "nothing_found"


def a_callback_aside(office: Any) -> tuple[str, int]:
    """A payment, and a callback about it that names no amount and was set aside; return reference and exchange."""
    reference = office.order_payment()
    with office.store.begin() as transaction:
        kept = inbox.keep(transaction, ipn(reference))
    inbox.book_these(office.store, "momo", [kept.inbox_id], book=booking.booker(office.store))
    a_break(office, "state_differs", reference)
    return reference, kept.inbox_id


def test_a_callback_that_failed_again_is_read_again_at_the_next_approval(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, exchange = a_callback_aside(office)
    read: list[int] = []
    really = inbox.book_these

    def reads(store: Any, party: str, ids: Any, **given: Any) -> Any:
        read.extend(ids)
        return really(store, party, ids, **given)

    monkeypatch.setattr(inbox, "book_these", reads)
    for _ in range(2):
        propose(office, "find_callback", "callback_lost")
        assert approve(office).done == f"read again: exchange {exchange}"
        assert len(office.sql("SELECT FROM set_aside WHERE state = 'open'")) == 1
    assert len(office.sql("SELECT FROM replays")) == len(office.sql("SELECT DISTINCT name FROM replays")) == 2
    assert read == [exchange, exchange]


def test_a_callback_that_cannot_be_read_again_leaves_the_proposal(office: Any) -> None:
    a_callback_aside(office)
    office.sql("UPDATE set_aside SET reason = 'same_id_other_bytes'")  # nothing of it failed
    propose(office, "find_callback", "callback_lost")
    assert refused(office) == "nothing_to_read"
    assert item(office.store, "b1").state == "proposed"
    assert office.sql("SELECT FROM replays") == office.sql("SELECT FROM audit_log") == []


def test_a_replay_is_ordered_with_the_approval_and_is_not_lost_where_the_reading_dies(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, exchange = a_callback_aside(office)
    propose(office, "find_callback", "callback_lost")

    def dies(*_: Any, **__: Any) -> None:
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "book_these", dies)
        with pytest.raises(InterruptedError):
            approve(office)
    assert item(office.store, "b1").state == "assigned"
    assert [row.state for row in office.sql("SELECT state FROM inbox WHERE id = :it", it=exchange)] == ["kept"]
    assert replay.finish(office.store, booking.booker(office.store)) == 1
    assert len(office.sql("SELECT FROM set_aside WHERE state = 'open'")) == 1


@pytest.mark.parametrize(("where", "what"), [(work, "ask_on"), (set_aside, "resolve_incoming")])
def test_where_the_approval_or_the_replay_cannot_be_written_neither_is(
    office: Any, monkeypatch: pytest.MonkeyPatch, where: Any, what: str
) -> None:
    _, exchange = a_callback_aside(office)
    propose(office, "find_callback", "callback_lost")

    def fails(*_: Any, **__: Any) -> None:
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(where, what, fails)
        with pytest.raises(InterruptedError):
            approve(office)
    assert item(office.store, "b1").state == "proposed"
    assert office.sql("SELECT FROM replays") == []
    assert [row.state for row in office.sql("SELECT state FROM inbox WHERE id = :it", it=exchange)] != ["kept"]


def test_a_callback_that_was_kept_and_never_read_is_read(office: Any) -> None:
    reference = office.order_payment()
    with office.store.begin() as transaction:
        inbox.keep(transaction, ipn(reference, amount=50_000, resultCode=0, responseTime=1_772_589_600_000))
    a_break(office, "state_differs", reference)
    propose(office, "find_callback", "callback_lost")
    approve(office)
    assert [row.state for row in office.sql("SELECT state FROM payments")] == ["paid"]


def test_where_no_message_waits_there_is_none_to_find(office: Any) -> None:
    a_break(office, "state_differs", paid(office))
    propose(office, "find_callback")
    assert refused(office) == "nothing_found"
