"""What became of a message is written once, by whoever holds it, with its receipt, its journal entry and its count."""

from datetime import timedelta
from typing import Any

import pytest

from truc.envelope import Receipt, digest_of
from truc.exchange import attempts, bodies, claims, outcomes, tallies
from truc.exchange.outcomes import Claimed, Outcome
from truc.manifest import Limits

LEASE = timedelta(seconds=60)


def test_one_answer_for_many_is_kept_once_and_named_by_each(hub: Any, make: Any) -> None:
    claimed = _claimed(hub, make, 3)
    answer = Receipt("R-1", b"<ok/>", "text/xml")
    _settle(hub, [_sent(one, answer) for one in claimed])
    rows = hub.rows()
    assert {(row.state, row.partner_reference) for row in rows} == {("sent", "R-1")}
    [receipt_id] = {row.receipt_id for row in rows}
    with hub.store.begin() as transaction:
        assert bodies.read(transaction, receipt_id) == answer.body
    decisions = hub.sql("SELECT outcome, encode(digest_in, 'hex') AS given FROM journal_pending")
    assert [tuple(one) for one in decisions] == [("sent", digest_of(answer.body))] * 3


def test_each_receipt_goes_to_its_own_message(hub: Any, make: Any) -> None:
    claimed = _claimed(hub, make, 5)
    _settle(hub, [_sent(one, Receipt(f"R {one.external_id}", one.external_id.encode())) for one in reversed(claimed)])
    rows = hub.rows()
    assert len(rows) == 5
    with hub.store.begin() as transaction:
        for row in rows:
            assert row.partner_reference == f"R {row.external_id}"
            assert bodies.read(transaction, row.receipt_id) == row.external_id.encode()


@pytest.mark.parametrize("became", ["sent", "refused", "set_aside", "waiting", "unknown", "untried"])
def test_settled_twice_is_settled_once(hub: Any, make: Any, became: Any) -> None:
    [one] = _claimed(hub, make, 1)
    booked: list[str] = []
    found = [_outcome(one, became)]
    after_each = []
    for _ in range(2):
        with hub.store.begin() as transaction:
            outcomes.settle(transaction, found, on_receipt=lambda _t, one, _r: booked.append(one.external_id))
        after_each.append((hub.rows(), hub.tallies(), hub.journal(), hub.sql("SELECT * FROM set_aside")))
    assert after_each[0] == after_each[1]
    assert sum(hub.tallies().values()) == 1
    assert booked == ([one.external_id] if became == "sent" else [])


def test_what_arrived_after_all_needs_no_person(hub: Any, make: Any) -> None:
    # One courier was so slow that another gave its message to a person, and then the answer came.
    [slow] = _claimed(hub, make, 1)
    hub.leases_end()
    with hub.store.begin() as transaction:
        [quick], _ = claims.claim(transaction, "sms", ("message",), worker="quick", most=1, lease=LEASE)
    _settle(hub, [outcomes.stopped(quick, "set_aside", "outcome_unknown", "nobody knows")])
    assert len(hub.aside()) == 1
    _settle(hub, [_sent(slow, Receipt("", b"ok"))])
    assert hub.states() == ["sent"]
    assert hub.aside() == []
    assert [outcome for _, outcome in hub.journal()] == ["set_aside", "sent"]


def test_what_was_not_called_costs_nothing_and_what_failed_costs_one_try(hub: Any, make: Any) -> None:
    expected = {
        "untouched": ("waiting", 0, 0),
        "untried": ("waiting", 0, 0),
        "waiting": ("waiting", 1, 0),
        "unknown": ("unknown", 1, 1),
        "refused": ("refused", 1, 0),
        "set_aside": ("set_aside", 1, 0),
        "sent": ("sent", 1, 0),
    }
    claimed = _claimed(hub, make, len(expected))
    _settle(hub, [_outcome(one, became) for one, became in zip(claimed, expected, strict=True)])
    assert [(row.state, row.attempts, row.asks) for row in hub.rows()] == list(expected.values())
    assert {row.leased_by for row in hub.rows()} == {None}


def test_a_question_that_was_not_put_leaves_the_message_open(hub: Any, make: Any) -> None:
    _claimed(hub, make, 2)
    hub.leases_end()
    with hub.store.begin() as transaction:
        claimed, _ = claims.claim(transaction, "sms", ("message",), worker="next", most=2, lease=LEASE)
    assert [one.state for one in claimed] == ["sending", "sending"]
    _settle(hub, [_outcome(claimed[0], "untried"), _outcome(claimed[1], "untouched")])
    assert [(row.state, row.attempts, row.asks) for row in hub.rows()] == [("unknown", 1, 0), ("sending", 1, 0)]


def test_every_outcome_is_counted_once_and_timed_when_it_arrived(hub: Any, make: Any) -> None:
    claimed = _claimed(hub, make, 6)
    hub.sql("UPDATE outbox SET published_at = now() - interval '3 seconds'")
    became = ["sent", "sent", "refused", "waiting", "unknown", "untouched"]
    _settle(hub, [_outcome(one, what) for one, what in zip(claimed, became, strict=True)])
    assert hub.tallies() == {("sms", "message", name): 1 for name in ("refused", "waiting", "unknown")} | {
        ("sms", "message", "sent"): 2
    }
    rows = hub.sql("SELECT outcome, bucket, times, taken_s FROM tallies ORDER BY outcome")
    timed = {row.outcome: row for row in rows}
    assert tallies.BUCKETS_S[timed["sent"].bucket] == 5  # between two seconds and five
    assert 6 <= timed["sent"].taken_s < 10
    assert {row.bucket for row in rows if row.outcome != "sent"} == {tallies.NO_TIME}


def test_a_partners_words_are_stored_as_the_database_can_hold_them(hub: Any, make: Any) -> None:
    one, other = _claimed(hub, make, 2)
    _settle(hub, [_sent(one, Receipt("R\0\ud800", b"")), outcomes.stopped(other, "refused", "no", "no\0\ud800")])
    assert [(row.partner_reference, row.reason_text) for row in hub.rows()] == [("R␀?", None), (None, "no␀?")]


def _claimed(hub: Any, make: Any, count: int) -> list[Claimed]:
    hub.publish(*(make["notice"](number) for number in range(1, count + 1)))
    with hub.store.begin() as transaction:
        claimed, problems = claims.claim(transaction, "sms", ("message",), worker="w", most=count, lease=LEASE)
    assert (len(claimed), problems) == (count, [])
    return claimed


def _outcome(one: Claimed, became: Any) -> Outcome:
    if became == "sent":
        return _sent(one, Receipt("R", b"ok"))
    if became == "untouched":
        return attempts.untouched(one)
    if became in ("refused", "set_aside"):
        return outcomes.stopped(one, became, "reason", "text")
    name = {"untried": "waiting"}.get(became, became)
    return Outcome(one=one, became=became, name=name, reached=False, after=timedelta(seconds=Limits().backoff_s))


def _sent(one: Claimed, receipt: Receipt) -> Outcome:
    return Outcome(one=one, became="sent", name="sent", reached=True, receipt=receipt)


def _settle(hub: Any, found: list[Outcome]) -> None:
    with hub.store.begin() as transaction:
        outcomes.settle(transaction, found)
