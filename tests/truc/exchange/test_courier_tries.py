"""What a failure costs a message: tries, a person's time, or nothing."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from truc import parties
from truc.errors import SetupError
from truc.exchange import outbox


def test_wrong_settings_stop_the_run_and_every_message_waits(hub: Any, partner: Any, make: Any) -> None:
    there = partner("sms")
    hub.publish(*(make["notice"](number) for number in range(1, 31)))
    wrong = replace(there.connection, fields={**there.connection.fields, "password": "wrong"})
    with pytest.raises(SetupError, match="sms"):
        hub.deliver(there, wrong)
    assert set(hub.states()) == {"waiting"}
    assert {row.leased_by for row in hub.rows()} == {None}
    assert sum(row.sending_at is not None for row in hub.rows()) <= 4  # each worker stopped after its first
    hub.until_sent(there)
    assert list(there.times().values()) == [1] * 30


def test_wrong_settings_cost_a_message_none_of_its_tries(hub: Any, partner: Any, limits: Any) -> None:
    limits(attempts_max=2)
    there = partner("sms")
    hub.one_for("sms")
    wrong = replace(there.connection, fields={**there.connection.fields, "password": "wrong"})
    for _ in range(5):
        with pytest.raises(SetupError):
            hub.deliver(there, wrong)
        assert (hub.rows()[0].state, hub.rows()[0].attempts) == ("waiting", 0)
        hub.sql("UPDATE outbox SET not_before = now()")
    there.fault("unavailable", wait_s=1)  # a try that does cost one
    hub.deliver(there)
    hub.until_sent(there)


def test_wrong_settings_cost_an_open_question_none_of_its_tries(hub: Any, partner: Any, limits: Any) -> None:
    limits(attempts_max=2)
    there = partner("momo")
    hub.one_for("momo")
    there.fault("drop_after")
    there.fault("unavailable", operation="query", wait_s=30)
    assert hub.deliver(there) == {"unknown": 2, "unreachable": 0}  # no answer, then: ask again in half a minute
    wrong = replace(there.connection, fields={**there.connection.fields, "password": "wrong"})
    for _ in range(5):
        hub.sql("UPDATE outbox SET not_before = now()")
        with pytest.raises(SetupError):
            hub.deliver(there, wrong)
        assert hub.states() == ["unknown"]
    hub.until_sent(there)
    assert list(there.times().values()) == [1]


def test_an_outage_of_any_length_costs_a_message_none_of_its_tries(hub: Any, partner: Any, limits: Any) -> None:
    limits(attempts_max=3)
    there = partner("vnpost")
    hub.one_for("vnpost")
    there.go_away()
    for _ in range(5):
        hub.deliver(there)
        hub.sql("UPDATE outbox SET not_before = now()")
    row = hub.rows()[0]
    assert (row.state, row.attempts, row.reason) == ("waiting", 0, "not_reached")
    there.come_back()
    hub.until_sent(there)
    assert list(there.times().values()) == [1]


def test_tries_that_lead_nowhere_end_with_a_person(hub: Any, partner: Any, limits: Any) -> None:
    limits(attempts_max=3)
    there = partner("momo")
    hub.one_for("momo")
    there.control(
        "insist", {"operation": "create", "codes": [10] * 20}
    )  # it answers, and says «later» of this very message
    for _ in range(4):
        hub.deliver(there)
        hub.sql("UPDATE outbox SET not_before = now() WHERE state = 'waiting'")
    row = hub.rows()[0]
    assert (row.state, row.attempts, row.reason) == ("set_aside", 3, "momo_10")
    assert [reason for _, reason in hub.aside()] == ["momo_10"]
    assert there.times() == {}


def test_questions_that_lead_nowhere_end_with_a_person(hub: Any, partner: Any, limits: Any) -> None:
    limits(attempts_max=3)
    there = partner("national_portal")
    hub.one_for("national_portal")
    there.fault("drop_after")
    there.fault("error_before", operation="TraCuuHoSo", times=20)
    for _ in range(4):
        hub.deliver(there)
        hub.sql("UPDATE outbox SET not_before = now() WHERE state = 'unknown'")
    row = hub.rows()[0]
    assert (row.state, row.attempts, row.reason) == ("set_aside", 1, "outcome_unknown")
    assert list(there.times().values()) == [1]


def test_a_stored_message_that_no_longer_fits_is_set_aside_and_the_others_go(hub: Any, partner: Any, make: Any) -> None:
    there = partner("sms")
    hub.publish(make["notice"](1), make["notice"](2))
    with hub.store.begin() as transaction:
        other = transaction.sealer.seal(b'{"notice_id": 7}', context=outbox.CONTEXT)
        first = "UPDATE kept_bodies SET sealed = :other WHERE id = (SELECT message_id FROM outbox ORDER BY id LIMIT 1)"
        transaction.sql.execute(text(first), {"other": other})
    assert hub.deliver(there) == {"set_aside": 1, "sent": 1, "unreachable": 0}
    assert [reason for _, reason in hub.aside()] == ["message_unreadable"]


def test_a_mapping_that_breaks_sets_its_message_aside_and_the_others_go(
    hub: Any, partner: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = partner("sms")
    hub.publish(make["notice"](1), make["notice"](2))
    write, broken = parties.writer("sms", "message"), iter([True])

    def breaks_once(message: Any) -> bytes:
        if next(broken, False):
            raise ZeroDivisionError
        return write(message)

    monkeypatch.setattr(parties, "writer", lambda *_: breaks_once)
    assert hub.deliver(there) == {"set_aside": 1, "sent": 1, "unreachable": 0}
    assert [reason for _, reason in hub.aside()] == ["mapping_failed"]
