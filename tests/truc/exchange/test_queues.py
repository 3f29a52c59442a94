"""What became of messages is counted as outcomes are named, and what waits is what is open."""

from typing import Any

import pytest

from truc.exchange import outbox, tallies
from truc.exchange.queues import queues
from truc.manifest import Event
from truc.messages import NoticeDue
from truc.store.opened import Store


def test_a_queue_that_never_had_a_message_is_all_zero(empty_store: Store) -> None:
    [queue] = queues(empty_store, "sms", ("message",)).values()
    assert (dict(queue.times), queue.waiting, queue.oldest_waiting_s) == ({}, 0, 0.0)


def test_outcomes_are_summed_over_shards_and_answers_to_questions_belong_to_what_they_mean(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [("vnpost", "order", name, None) for name in ("sent", "asked_arrived", "refused", "waiting", "asked_absent")]
    others = [("vnpost", "parcel", "sent", 1.0), ("sms", "message", "sent", 1.0)]
    for pid in (1, 2):
        monkeypatch.setattr(tallies.os, "getpid", lambda pid=pid: pid)
        with empty_store.begin() as transaction:
            tallies.count(transaction, [*told, *others, ("vnpost", "order", "sent", 0.7)])
    [queue] = queues(empty_store, "vnpost", ("order",)).values()
    assert dict(queue.times) == {"sent": 6, "refused": 2}
    unknown = [("sms", "message", name, None) for name in ("unknown", "asked_not_said", "set_aside")]
    with empty_store.begin() as transaction:
        tallies.count(transaction, unknown)
    [queue] = queues(empty_store, "sms", ("message",)).values()
    assert dict(queue.times) == {"sent": 2, "unknown": 2, "set_aside": 1}


def test_what_waits_is_counted_by_operation_and_the_oldest_gives_its_age(empty_store: Store) -> None:
    for number in range(3):
        _publish(empty_store, number)
    with empty_store.begin() as transaction:
        transaction.sql.exec_driver_sql("UPDATE outbox SET published_at = now() - interval '90 s' WHERE key = 'n1'")
        transaction.sql.exec_driver_sql("UPDATE outbox SET state = 'refused', published_at = now() - interval '1 h'"
                                        " WHERE key = 'n2'")  # fmt: skip
    found = queues(empty_store, "sms", ("message", "other"))
    assert found["message"].waiting == 2
    assert 90 <= found["message"].oldest_waiting_s < 150
    assert (found["other"].waiting, found["other"].oldest_waiting_s) == (0, 0.0)


def test_only_what_is_open_is_looked_through(empty_store: Store) -> None:
    from truc.exchange import queues as module

    with empty_store.begin() as transaction:
        plan: Any = transaction.sql.exec_driver_sql(
            "EXPLAIN " + module._WAITING.text.replace(":party", "'sms'").replace(":operations", "'{message}'")
        )
        lines = "\n".join(plan.scalars())
    assert "outbox_open" in lines
    assert "outbox_other" not in lines


def _publish(store: Store, number: int) -> None:
    message = NoticeDue(
        notice_id=f"n{number}", dossier_code="H32.01-261120-0001", notice="ready", phone="0905123456", text="Ho so"
    )
    with store.begin() as transaction:
        outbox.publish(transaction, Event.NOTICE_DUE, message, key=f"n{number}", external_id=f"n{number}")
