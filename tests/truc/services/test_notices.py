"""One event is one message, by one channel, to who wants it, at an hour that is not quiet."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from tests.truc.samples import wish as officers_wish
from truc.domain.calendar import BUSINESS_ZONE
from truc.domain.notice_kinds import KINDS, NoticeName
from truc.domain.status import Status
from truc.errors import MalformedError
from truc.messages import ShipmentEvent
from truc.services import dossiers, notice_daily, notice_events, notice_wishes, notices
from truc.services.notice_wishes import NoticeOrder, Wish
from truc.services.notices import Notice
from truc.store import shipments

Channels = Callable[..., None]
EVERY = ("zalo", "sms", "email")
MESSAGES = """
    SELECT party, external_id, key, not_before, sealed FROM outbox JOIN kept_bodies ON kept_bodies.id = message_id
    WHERE operation = 'message' ORDER BY outbox.id
"""
READY: tuple[NoticeName, ...] = ("ready",)


def told(office: Any) -> list[tuple[str, str]]:
    """(party, notice id) of every message to a citizen."""
    return [(row.party, row.external_id) for row in office.sql(MESSAGES)]


def said(office: Any) -> list[dict[str, Any]]:
    """Every message to a citizen, in the clear."""
    unseal = office.store.sealer.unseal
    return [json.loads(unseal(bytes(row.sealed), context="outbox.message")) for row in office.sql(MESSAGES)]


def stands(office: Any) -> dict[str, tuple[str, str]]:
    """Event → (state, channel)."""
    rows = office.sql("SELECT event_key, state, channel FROM notices ORDER BY event_key")
    return {row.event_key: (row.state, row.channel) for row in rows}


def give(office: Any, code: str, name: str = "e", kinds: tuple[NoticeName, ...] = READY, **facts: Any) -> str:
    with office.store.begin() as transaction:
        return notices.give(transaction, Notice(event_key=name, kinds=kinds, dossier_code=code, facts=facts))


def wishes(office: Any, code: str, **changes: Any) -> None:
    with office.store.begin() as transaction:
        notice_wishes.keep_wish(transaction, code, Wish(**{"channel": "", "wants": "as_asked", **changes}))


def move(office: Any, code: str, *statuses: int) -> None:
    for hours, status in enumerate(statuses, start=1):
        with office.store.begin() as transaction:
            dossiers.change_status(transaction, officers_wish(code, status, hours))


def citizen(office: Any, **changes: str) -> Any:
    return office.intake().applicant.model_copy(update=changes)


def test_an_event_is_told_by_the_first_channel_of_the_province_alone(office: Any, channels: Channels) -> None:
    channels(*EVERY)
    code = office.receive(wants_sms=True)
    assert told(office) == [("zalo", f"{code}/1")]
    assert stands(office) == {f"{code}/1": ("given", "zalo")}
    [message] = said(office)
    assert (message["phone"], message["email"], message["text"]) == ("0905123456", "", "")
    assert message["facts"]["due_on"] == "2026-03-11"


@dataclass(frozen=True)
class Case:
    """A province's order, what it has connections to, what the citizen gave, and who is asked then."""

    channel: str
    order: str = ""
    connected: tuple[str, ...] = EVERY
    gave: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize(
    "case",
    [
        Case("zalo"),
        Case("sms", order="sms, zalo"),
        Case("sms", connected=("sms", "email")),
        Case("email", gave={"phone": ""}),
        Case("sms", order="email,sms", gave={"email": ""}),
    ],
)
def test_the_channel_is_the_first_in_order_that_is_in_use_and_has_an_address(
    office: Any, channels: Channels, monkeypatch: Any, case: Case
) -> None:
    channels(*case.connected)
    monkeypatch.setenv("TRUC_NOTICE_CHANNELS", case.order)
    code = office.receive(wants_sms=True, applicant=citizen(office, **case.gave))
    assert told(office) == [(case.channel, f"{code}/1")]


def test_the_citizens_own_channel_goes_before_the_provinces_order(office: Any, channels: Channels) -> None:
    channels(*EVERY)
    code = office.receive(wants_sms=True)
    wishes(office, code, channel="email")
    assert give(office, code) == "given"
    assert told(office)[-1] == ("email", "e")
    assert said(office)[-1]["email"] == "anh.tuyet@example.invalid"
    assert said(office)[-1]["phone"] == ""


def test_a_wish_for_a_channel_the_province_does_not_use_is_no_way(
    office: Any, channels: Channels, monkeypatch: Any
) -> None:
    channels(*EVERY)
    monkeypatch.setenv("TRUC_NOTICE_CHANNELS", "sms")
    code = office.receive(wants_sms=True)
    wishes(office, code, channel="email")
    give(office, code)
    assert told(office)[-1] == ("sms", "e")


def test_an_event_that_comes_again_is_told_once(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    assert [give(office, code) for _ in range(3)] == ["given", "known", "known"]
    channels("zalo", "sms")
    assert give(office, code) == "known"
    assert told(office) == [("sms", f"{code}/1"), ("sms", "e")]


def test_an_event_that_comes_many_times_at_once_is_told_once(office: Any, channels: Channels) -> None:
    channels(*EVERY)
    code, together = office.receive(wants_sms=True), Barrier(6)

    def at_once(_: int) -> str:
        together.wait()
        return give(office, code)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(at_once, range(6))) == ["given", *["known"] * 5]
    assert told(office).count(("zalo", "e")) == 1


def test_what_is_not_committed_is_not_told(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    with office.undone() as transaction:
        notices.give(transaction, Notice(event_key="e", kinds=READY, dossier_code=code, facts={}))
    assert "e" not in stands(office)
    assert len(told(office)) == 1


def test_who_asked_for_nothing_hears_nothing(office: Any, channels: Channels) -> None:
    channels(*EVERY)
    code = office.receive()
    assert give(office, code) == "unwanted"
    assert give(office, "H99.99-260304-0001") == "unwanted"
    assert give(office, "") == "unwanted"
    assert stands(office) == {}
    assert told(office) == []


def test_who_wants_all_hears_of_every_dossier(office: Any, channels: Channels) -> None:
    channels("sms")
    first = office.receive()
    wishes(office, first, wants="all")
    second = office.receive()  # the same citizen
    assert told(office) == [("sms", f"{second}/1")]


def test_who_wants_no_others_still_hears_what_must_be_told(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive()
    wishes(office, code, wants="obligatory")
    move(office, code, 4, 5, 4, 9, 10)
    kinds = {row.event_key: row.kind for row in office.sql("SELECT event_key, kind FROM notices")}
    assert kinds == {f"{code}/3": "supplement", f"{code}/4": "due_moved", f"{code}/5": "ready"}
    assert all(KINDS[kind].obligatory for kind in kinds.values())


def test_a_kind_the_province_does_not_send_is_not_sent(office: Any, channels: Channels, monkeypatch: Any) -> None:
    channels("sms")
    monkeypatch.setenv("TRUC_NOTICE_KINDS", "ready, due_moved")
    code = office.receive(wants_sms=True)
    move(office, code, 4, 5, 4, 9)
    kinds = {row.event_key: row.kind for row in office.sql("SELECT event_key, kind FROM notices")}
    assert kinds == {f"{code}/4": "due_moved", f"{code}/5": "ready"}


def test_a_citizen_without_an_address_gets_nothing_and_is_counted(office: Any, channels: Channels) -> None:
    channels(*EVERY)
    code = office.receive(wants_sms=True, applicant=citizen(office, phone="", email=""))
    assert stands(office) == {f"{code}/1": ("no_address", "")}
    assert told(office) == []


def test_without_a_channel_in_use_a_notice_waits(office: Any, channels: Channels) -> None:
    channels()
    code = office.receive(wants_sms=True)
    assert stands(office) == {f"{code}/1": ("waiting", "")}
    assert told(office) == []


@pytest.mark.parametrize(("kind", "waits"), [("ready", True), ("payment_confirmed", False)])
def test_a_notice_of_quiet_hours_is_due_in_the_morning_unless_it_is_urgent(
    office: Any, channels: Channels, monkeypatch: Any, kind: NoticeName, waits: bool
) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    now = datetime.now(BUSINESS_ZONE)
    ends = (now + timedelta(hours=3)).replace(second=0, microsecond=0)
    monkeypatch.setenv("TRUC_NOTICE_QUIET", f"{now - timedelta(hours=3):%H:%M}-{ends:%H:%M}")
    give(office, code, kinds=(kind,), amount_vnd=5, happened_at=now)
    due_at = office.sql(MESSAGES)[-1].not_before
    if waits:
        assert due_at == ends
    else:
        assert due_at <= datetime.now(UTC)


def test_nobodys_name_or_address_lies_in_the_tables_of_notices(office: Any, channels: Channels) -> None:
    channels(*EVERY)
    code = office.receive(wants_sms=True)
    wishes(office, code, channel="email", wants="all")
    move(office, code, 4, 9)
    for table in ("notices", "notice_wishes", "outbox", "audit_log"):
        rows = str([tuple(row) for row in office.sql(f"SELECT * FROM {table}")])  # noqa: S608  (ours)
        for personal in ("0905123456", "anh.tuyet", "Ánh Tuyết", "056123456789"):
            assert personal not in rows


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.ACCEPTED])
def test_a_dossier_is_told_of_as_it_came(office: Any, channels: Channels, status: Status) -> None:
    channels("sms")
    office.receive(wants_sms=True, status=status)
    [row] = office.sql("SELECT kind FROM notices")
    assert row.kind == {1: "submitted", 2: "received"}[status]


@pytest.mark.parametrize(
    ("statuses", "kinds"),
    [
        ((4, 6, 4), ["received", "financial_duty", "due_moved"]),
        ((4, 7), ["received", "withdrawn"]),
        ((4, 8), ["received", "refused"]),
        ((4, 6, 9, 10), ["received", "financial_duty", "ready", "returned"]),
    ],
)
def test_each_step_of_a_dossier_has_its_kind(office: Any, channels: Channels, statuses: Any, kinds: list[str]) -> None:
    channels("sms")
    move(office, office.receive(wants_sms=True), *statuses)
    assert [row.kind for row in office.sql("SELECT kind FROM notices ORDER BY event_key")] == kinds


def test_where_no_day_is_promised_none_is_moved(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    office.sql("UPDATE dossiers SET due_at = NULL")
    move(office, code, 4, 6, 4, 5, 4)
    assert kinds_of(office, f"{code}/%") == ["financial_duty", "received", "supplement", "supplement_received"]


def kinds_of(office: Any, like: str) -> list[str]:
    return [row.kind for row in office.sql("SELECT kind FROM notices WHERE event_key LIKE :like ORDER BY 1", like=like)]


def test_a_payment_is_told_of_when_it_is_asked_and_when_it_is_paid_each_once(office: Any, channels: Channels) -> None:
    channels("sms")
    reference = office.order_payment(dossier_code=office.receive(wants_sms=True))
    for _ in range(2):
        office.settle(reference)
    assert kinds_of(office, f"{reference}/%") == ["fee_due", "payment_confirmed"]
    assert [one["facts"]["amount_vnd"] for one in said(office)[1:]] == [50_000, 50_000]


def test_a_doubt_about_money_that_is_booked_is_not_the_citizens(office: Any, channels: Channels) -> None:
    channels("sms")
    reference = office.order_payment(dossier_code=office.receive(wants_sms=True))
    office.settle(reference)
    office.settle(reference, partner_reference="another", amount_vnd=50_000)
    assert office.sql("SELECT state FROM payments")[0].state == "in_doubt"
    assert kinds_of(office, f"{reference}/%") == ["fee_due", "payment_confirmed"]


def parcel(office: Any, code: str, state: str, *, day: int = 5) -> None:
    at = datetime(2026, 3, day, 3, 0, tzinfo=UTC)
    order = f"{code}-R1"
    with office.store.begin() as transaction:
        event = ShipmentEvent(
            event_id=f"{state}{day}",
            order_number=order,
            tracking_code="",
            state=state,  # type: ignore[arg-type]  # one of its names
            raw_status="1",
            occurred_at=at,
        )
        notice_events.parcel_moved(transaction, shipments.get_locked(transaction, order), event)


def test_the_way_of_a_parcel_is_told_once_a_step_and_each_failure_once_a_day(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive(wants_sms=True, wants_postal_return=True)
    for state in ("ordered", "ordered", "in_transit", "collecting", "delivered", "cancelled"):
        parcel(office, code, state)
    assert kinds_of(office, f"{code}-R1/%") == ["postal_ordered", "shipment_sent"]
    for state, day in (("failed", 6), ("failed", 6), ("failed", 7), ("returned", 9)):
        parcel(office, code, state, day=day)
    assert kinds_of(office, f"{code}-R1/%").count("shipment_failed") == 3


@pytest.mark.parametrize(("known", "told_code"), [(None, None), ("a b", None), ("EH123456789VN", "EH123456789VN")])
def test_the_code_of_a_parcel_is_told_where_there_is_one_a_message_can_carry(
    office: Any, channels: Channels, known: str | None, told_code: str | None
) -> None:
    channels("sms")
    code = office.receive(wants_sms=True, wants_postal_return=True)
    office.sql("UPDATE shipments SET tracking_code = :known", known=known)
    parcel(office, code, "collecting")
    assert said(office)[-1]["facts"]["tracking_code"] == told_code


def ordered(office: Any, code: str, **changes: Any) -> tuple[str, str]:
    wanted = {"source": "one-stop", "reference": "1", "kind": "late_apology", "facts": {"due_on": date(2026, 3, 20)}}
    with office.store.begin() as transaction:
        return notice_wishes.order(transaction, NoticeOrder(dossier_code=code, **{**wanted, **changes}))


def test_what_an_officer_orders_is_told_once(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    assert [ordered(office, code)[1] for _ in range(2)] == ["given", "known"]
    assert ordered(office, code, reference="2") == ("order/one-stop/2", "given")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "ready"}, "not_ordered"),
        ({"facts": {}}, "field_missing"),
        ({"kind": "receipt_issued", "facts": {"amount_vnd": 5, "receipt_number": "a b"}}, "field_bad"),
    ],
)
def test_an_order_that_cannot_be_carried_out_says_why_and_leaves_nothing(
    office: Any, channels: Channels, changes: Any, reason: str
) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    with pytest.raises(MalformedError) as raised:
        ordered(office, code, **changes)
    assert raised.value.reason == reason
    assert len(stands(office)) == 1


def test_a_wish_names_a_channel_and_a_dossier_there_are(office: Any) -> None:
    code = office.receive()
    for wrong, reason in ((code, "unknown_channel"), ("X", "unknown_dossier")):
        with pytest.raises(MalformedError) as raised:
            wishes(office, wrong, channel="momo")
        assert raised.value.reason == reason
    wishes(office, code, channel="sms", wants="all")
    with office.store.begin() as transaction:
        assert notice_wishes.wish(transaction, code) == Wish(channel="sms", wants="all")


TODAY = date(2026, 3, 25)


def test_a_result_nobody_comes_for_is_reminded_of_once(office: Any, channels: Channels) -> None:
    channels("sms")
    waits, too_new, by_post = (
        office.receive(wants_sms=True, wants_postal_return=post) for post in (False, False, True)
    )
    for code in (waits, too_new, by_post):
        move(office, code, 4, 9)
    office.sql("UPDATE dossiers SET status_at = '2026-03-12T02:00Z' WHERE code = :code", code=too_new)
    office.sql("UPDATE dossiers SET status_at = '2026-03-10T16:59Z' WHERE code <> :code", code=too_new)
    found = [notice_daily.remind(office.store, TODAY) for _ in range(2)]
    assert found == [{"result_reminder.given": 1}, {}]
    assert (f"{waits}/result_reminder" in stands(office), len(kinds_of(office, "%/result_reminder"))) == (True, 1)


def test_what_is_long_over_is_not_begun_with(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    move(office, code, 4, 9)
    office.sql("UPDATE dossiers SET status_at = '2026-03-01T02:00Z'")
    assert notice_daily.remind(office.store, TODAY) == {}


def test_the_day_after_it_was_over_the_citizen_is_asked_how_it_went(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    move(office, code, 4, 9, 10)
    assert notice_daily.remind(office.store, date(2026, 3, 4)) == {}
    assert notice_daily.remind(office.store, date(2026, 3, 5)) == {"survey.given": 1}
    assert notice_daily.remind(office.store, date(2026, 3, 6)) == {}
    assert f"{code}/survey" in stands(office)


def test_a_fee_is_reminded_of_while_it_can_still_be_paid(office: Any, channels: Channels) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    lives_a_day = office.order_payment(dossier_code=code, party="nganluong")
    office.order_payment(dossier_code=code, party="momo")  # fifteen minutes
    office.sql("UPDATE payments SET state = 'pending'")
    asked_on = date(2026, 3, 4)
    for today, found in ((asked_on, {}), (date(2026, 3, 5), {"fee_reminder.given": 1}), (date(2026, 3, 6), {})):
        assert notice_daily.remind(office.store, today) == found
    assert said(office)[-1]["facts"]["last_on"] == "2026-03-05"
    assert f"{lives_a_day}/fee_reminder" in stands(office)
