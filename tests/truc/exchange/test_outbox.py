"""A message is part of the change that caused it: both happen, or neither."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from truc import parties
from truc.errors import MalformedError
from truc.exchange import attempts, bodies, claims, outbox, outcomes
from truc.exchange.outbox import MESSAGES, Publication
from truc.manifest import Event

LEASE = timedelta(seconds=60)


def test_a_rolled_back_change_leaves_no_message(hub: Any, make: Any) -> None:
    message, key, external_id = make["notice"](1)
    with hub.undone() as transaction:
        assert outbox.publish(transaction, Event.NOTICE_DUE, message, key=key, external_id=external_id) == 1
    assert hub.rows() == []


def test_a_message_published_again_is_the_same_message(hub: Any, make: Any) -> None:
    assert hub.publish(make["notice"](1), make["notice"](2)) == 2
    before = hub.rows()
    assert hub.publish(make["notice"](1)) == 0
    assert hub.publish(make["notice"](2), make["notice"](3)) == 1
    assert hub.rows()[:2] == before


def test_a_message_waits_for_its_time(hub: Any, make: Any, limits: Any) -> None:
    due_at = datetime.now(UTC) + timedelta(hours=3)
    with hub.store.begin() as transaction:
        for number, not_before in ((1, None), (2, due_at)):
            message, key, external_id = make["notice"](number)
            event = Event.NOTICE_DUE
            outbox.publish(transaction, event, message, key=key, external_id=external_id, not_before=not_before)
    assert [row.not_before for row in hub.rows()] == [hub.rows()[0].published_at, due_at]
    with hub.store.begin() as transaction:
        claimed, _ = claims.claim(transaction, "sms", ("message",), worker="w", most=5, lease=LEASE)
    assert [one.external_id for one in claimed] == [make["notice"](1)[2]]


def test_a_message_goes_to_the_parties_that_declared_its_event_and_to_no_other(hub: Any, make: Any) -> None:
    hub.publish(make["dossier"](1), make["parcel"](1), make["notice"](1), make["payment"](1))
    assert [(row.party, row.operation) for row in hub.rows()] == [
        ("national_portal", "dossier"),
        ("vnpost", "order"),
        ("sms", "message"),
        ("momo", "payment"),
    ]


def test_a_message_for_a_party_that_takes_none_is_none(hub: Any, make: Any) -> None:
    message, key, external_id = make["payment"](1)
    with hub.store.begin() as transaction:
        event = Event.PAYMENT_REQUESTED
        none = outbox.publish(transaction, event, message, key=key, external_id=external_id, only="vietinbank")
    assert (none, hub.rows()) == (0, [])


def test_every_event_has_its_message() -> None:
    assert set(MESSAGES) == set(Event)


def test_what_is_claimed_is_the_message_that_was_published(hub: Any, make: Any) -> None:
    message, key, external_id = make["dossier"](1)
    hub.publish((message, key, external_id))
    [claimed] = _claim(hub, "national_portal", "dossier")
    with hub.store.begin() as transaction:
        kept = bodies.read(transaction, claimed.message_id, context=outbox.CONTEXT)
        assert bodies.read(transaction, claimed.body_id) == claimed.body
    assert outbox.read_message("national_portal", "dossier", kept) == message
    assert claimed.body == parties.writer("national_portal", "dossier")(message)
    assert (claimed.key, claimed.external_id, claimed.state) == (key, external_id, "waiting")


def test_what_is_claimed_stands_as_sending_before_any_call(hub: Any, make: Any) -> None:
    hub.publish(make["notice"](1))
    [claimed] = _claim(hub, "sms", "message", worker="w")
    row = hub.rows()[0]
    assert (row.state, row.attempts, row.leased_by, row.body_id) == ("sending", 1, "w", claimed.body_id)
    assert row.sending_at is not None


def test_a_claim_that_is_rolled_back_leaves_the_message_waiting_without_bytes(hub: Any, make: Any) -> None:
    hub.publish(make["notice"](1))
    before = hub.rows()
    with hub.undone() as transaction:
        claims.claim(transaction, "sms", ("message",), worker="w", most=20, lease=LEASE)
    assert hub.rows() == before
    assert hub.sql("SELECT FROM kept_bodies WHERE content_type = 'application/octet-stream'") == []


def test_of_two_messages_of_one_name_in_one_publication_the_first_counts(hub: Any, make: Any) -> None:
    message, key, external_id = make["notice"](1)
    other = message.model_copy(update={"text": "Another text."})
    given = [
        Publication(event=Event.NOTICE_DUE, message=one, key=key, external_id=external_id) for one in (message, other)
    ]
    with hub.store.begin() as transaction:
        assert outbox.publish_many(transaction, given) == 1
    [row] = hub.rows()
    with hub.store.begin() as transaction:
        kept = bodies.read(transaction, row.message_id, context=outbox.CONTEXT)
    assert outbox.read_message("sms", "message", kept) == message
    assert len(hub.sql("SELECT FROM kept_bodies")) == 1


def test_a_kept_message_of_another_form_is_named_as_unreadable() -> None:
    with pytest.raises(MalformedError) as caught:
        outbox.read_message("sms", "message", b'{"notice_id": 7}')
    assert caught.value.reason == "message_unreadable"


def test_waiting_messages_lie_sealed(hub: Any, make: Any) -> None:
    hub.publish(make["dossier"](1))
    [claimed] = _claim(hub, "national_portal", "dossier")
    assert "Phạm Thị Hòa".encode() in claimed.body
    [row] = hub.sql("SELECT o::text AS line FROM outbox o")
    sealed = [bytes(kept.sealed) for kept in hub.sql("SELECT sealed FROM kept_bodies")]
    assert len(sealed) == 2  # the message, and the bytes for the partner
    for clear in ("Phạm Thị Hòa", "056111222333", "0905111222"):
        assert clear not in row.line
        assert not [one for one in sealed if clear.encode() in one]


def test_of_one_key_only_the_first_open_message_is_claimed(hub: Any, make: Any) -> None:
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2), make["step"](2, 4, 1))
    claimed = _claim(hub, "national_portal", "progress")
    assert [one.external_id for one in claimed] == ["H32.01-260304-0001/1", "H32.01-260304-0002/1"]


def test_the_order_of_a_key_holds_across_operations(hub: Any, make: Any) -> None:
    hub.publish(make["dossier"](1), make["step"](1, 4, 1))
    assert _claim(hub, "national_portal", "progress") == []
    hub.finish("H32.01-260304-0001")
    assert len(_claim(hub, "national_portal", "progress")) == 1


@pytest.mark.parametrize("state", ["waiting", "sending", "unknown", "refused", "set_aside"])
def test_whatever_is_not_done_holds_what_comes_after_it(hub: Any, make: Any, state: str) -> None:
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2))
    hub.sql(
        "UPDATE outbox SET state = :state, not_before = now() + interval '1 hour' WHERE external_id LIKE '%/1'",
        state=state,
    )
    assert _claim(hub, "national_portal", "progress") == []


@pytest.mark.parametrize("state", ["sent", "superseded"])
def test_what_is_done_holds_nothing(hub: Any, make: Any, state: str) -> None:
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2))
    hub.finish("%/1", state)
    assert [one.external_id for one in _claim(hub, "national_portal", "progress")] == ["H32.01-260304-0001/2"]


def test_a_leased_message_is_nobody_elses_until_the_lease_ends(hub: Any, make: Any) -> None:
    hub.publish(make["notice"](1))
    assert len(_claim(hub, "sms", "message", worker="a")) == 1
    assert _claim(hub, "sms", "message", worker="b") == []
    hub.sql("UPDATE outbox SET leased_until = now() - interval '1 second'")
    assert len(_claim(hub, "sms", "message", worker="b")) == 1


def test_two_open_claims_never_share_a_message(hub: Any, make: Any) -> None:
    hub.publish(*(make["notice"](number) for number in range(1, 11)))
    with hub.store.begin() as one, hub.store.begin() as other:
        first, _ = claims.claim(one, "sms", ("message",), worker="a", most=6, lease=LEASE)
        second, _ = claims.claim(other, "sms", ("message",), worker="b", most=6, lease=LEASE)
    assert (len(first), len(second)) == (6, 4)
    assert not {claimed.id for claimed in first} & {claimed.id for claimed in second}


def test_what_a_worker_did_not_touch_it_gives_back(hub: Any, make: Any) -> None:
    hub.publish(make["notice"](1), make["notice"](2))
    before = hub.rows()
    claimed = _claim(hub, "sms", "message", worker="a")
    with hub.store.begin() as transaction:
        outcomes.settle(transaction, [attempts.untouched(one) for one in claimed])
    for then, now in zip(before, hub.rows(), strict=True):
        assert (now.state, now.attempts, now.not_before, now.leased_by) == ("waiting", 0, then.not_before, None)
    again = _claim(hub, "sms", "message", worker="b")
    assert [(one.body_id, one.state) for one in again] == [(one.body_id, "waiting") for one in claimed]


def test_the_next_due_message_is_the_earliest_that_is_not_held(hub: Any, make: Any) -> None:
    assert _due_s(hub) is None
    hub.publish(make["notice"](1), make["notice"](2))
    hub.sql("UPDATE outbox SET not_before = now() + interval '90 seconds' WHERE external_id LIKE '%1/ready'")
    assert _due_s(hub) == 0
    hub.finish("%2/ready")
    assert 80 < (_due_s(hub) or 0) <= 90
    hub.sql("UPDATE outbox SET state = 'set_aside' WHERE drawer = 0")
    assert _due_s(hub) is None


def test_the_database_knows_no_other_state(hub: Any, make: Any) -> None:
    hub.publish(make["notice"](1))
    with pytest.raises(IntegrityError, match="ck_outbox_state"):
        hub.sql("UPDATE outbox SET state = 'lost'")


@pytest.mark.parametrize("change", ["state = 'sent'", "state = 'superseded'", "drawer = drawer_of(120, now())"])
def test_what_is_done_and_only_that_lies_in_a_drawer_of_a_month(hub: Any, make: Any, change: str) -> None:
    hub.publish(make["notice"](1))
    with pytest.raises(IntegrityError, match="ck_outbox_drawer"):
        hub.sql(f"UPDATE outbox SET {change}")  # noqa: S608  (ours, above)


def _claim(hub: Any, party: str, operation: str, worker: str = "w") -> list[Any]:
    with hub.store.begin() as transaction:
        claimed, problems = claims.claim(transaction, party, (operation,), worker=worker, most=20, lease=LEASE)
    assert problems == []
    return claimed


def _due_s(hub: Any) -> float | None:
    with hub.store.begin() as transaction:
        return claims.next_due_s(transaction, "sms", ("message",))
