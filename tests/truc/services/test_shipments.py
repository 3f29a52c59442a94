"""Parcels are ordered when their time has come, cancelled while nobody took them, and always stand somewhere."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.truc.samples import MORNING
from tests.truc.samples import wish as officers_wish
from truc import parties
from truc.domain.procedure import Channel
from truc.domain.shipment_states import End, asked_after, state_of
from truc.domain.status import Status
from truc.errors import MalformedError, SetupError
from truc.manifest import Capability, Manifest
from truc.messages import ShipmentEvent
from truc.services import carrier, dossiers, shipments
from truc.store.shipments import Cancel

ENDED = """
    SELECT operation, CASE state WHEN 'sent' THEN 'sent' WHEN 'refused' THEN 'stopped' ELSE 'open' END AS end
    FROM outbox WHERE key = :key
"""
OUTBOX = "SELECT operation, key, external_id FROM outbox WHERE party = 'vnpost' ORDER BY id"
ONLINE: dict[str, Any] = {"channel": Channel.ONLINE, "status": Status.SUBMITTED, "wants_postal_return": True}
Said = Literal["ordered", "collecting", "in_transit", "delivered", "returned", "failed", "cancelled"]


@pytest.fixture
def at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A province that orders a parcel when there is something to carry."""
    monkeypatch.setenv(shipments.ORDERED_WHEN, "done")


def test_at_the_counter_it_is_ordered_at_once(office: Any) -> None:
    code = office.receive(wants_postal_return=True)
    assert _messages(office) == [("order", f"{code}-R1", f"{code}-R1")]
    assert _stands(office) == ("requested", "requested")


def test_online_it_is_ordered_once_the_office_accepts_and_only_once(office: Any) -> None:
    code = office.receive(**ONLINE)
    assert (_messages(office), _stands(office)) == ([], ("created", "created"))
    for hours, status in enumerate((2, 4, 5, 4, 9, 10), start=1):
        _change(office, code, status, hours)
    assert _messages(office) == [("order", f"{code}-R1", f"{code}-R1")]
    [parcel] = office.sql("SELECT * FROM shipments")
    assert (parcel.fee_vnd, parcel.requested_at, parcel.ordered_at) == (23_000, MORNING, MORNING + timedelta(hours=1))


@pytest.mark.parametrize("how", [{"wants_postal_return": True}, ONLINE], ids=["counter", "online"])
def test_a_province_may_order_only_when_the_result_is_there(office: Any, at_the_end: None, how: dict[str, Any]) -> None:
    code = office.receive(**how)
    steps = (2, 4, 5, 4) if how is ONLINE else (4, 5, 4)
    for hours, status in enumerate(steps, start=1):
        _change(office, code, status, hours)
    assert (_messages(office), _stands(office)) == ([], ("created", "created"))
    _change(office, code, 9, 8)
    assert _messages(office) == [("order", f"{code}-R1", f"{code}-R1")]
    _change(office, code, 10, 9)
    assert len(_messages(office)) == 1


def test_who_did_not_ask_for_it_gets_nothing(office: Any) -> None:
    code = office.receive(**ONLINE | {"wants_postal_return": False})
    _change(office, code, 2, 1)
    assert (_messages(office), office.sql("SELECT FROM shipments")) == ([], [])


def test_a_setting_of_neither_moment_is_refused_by_name() -> None:
    with pytest.raises(SetupError, match="'never'"):
        shipments.is_due(Status.ACCEPTED, {shipments.ORDERED_WHEN: "never"})


@pytest.mark.parametrize("moment", shipments.MOMENTS)
def test_the_post_is_told_of_no_dossier_that_may_end_without_a_result_before_it_is_accepted(moment: str) -> None:
    told = {one for one in Status if shipments.is_due(one, {shipments.ORDERED_WHEN: moment})}
    assert not told & {Status.SUBMITTED, *shipments.WITHOUT_RESULT}
    assert {Status.DONE, Status.RETURNED} <= told


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"address": ""}, "postal_address_missing"), ({"province_code": "99"}, "unknown_area")],
)
def test_an_online_wish_that_cannot_be_met_is_refused_when_it_is_made(
    office: Any, changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(MalformedError) as caught:
        office.receive(**ONLINE, applicant=office.intake().applicant.model_copy(update=changes))
    assert caught.value.reason == reason


@pytest.mark.parametrize("end", [3, 7])
def test_an_online_dossier_that_is_never_accepted_is_cancelled_without_a_word_to_the_post(
    office: Any, end: int
) -> None:
    _change(office, office.receive(**ONLINE), end, 1)
    assert (_messages(office), _stands(office)) == ([], ("cancelled", "cancelled"))


@pytest.mark.parametrize("end", [7, 8])
def test_a_dossier_without_a_result_cancels_its_parcel_after_the_order(office: Any, end: int) -> None:
    code = office.receive(wants_postal_return=True)
    _change(office, code, end, 1)
    assert _messages(office) == [("order", f"{code}-R1", f"{code}-R1"), ("cancel", f"{code}-R1", f"{code}-R1/cancel")]
    assert _stands(office) == ("cancelling", "cancelling"), "until the post says so"


def test_a_dossier_with_a_result_cancels_nothing(office: Any) -> None:
    _change(office, office.receive(wants_postal_return=True), 9, 1)
    assert [one[0] for one in _messages(office)] == ["order"]


@pytest.mark.parametrize("word", ["collecting", "in_transit", "delivered", "failed", "returned"])
def test_what_a_postman_has_is_left_to_him(office: Any, word: Said) -> None:
    code = office.receive(wants_postal_return=True)
    _say(office, code, word)
    with pytest.raises(MalformedError, match=word) as caught:
        _cancel(office, code)
    assert caught.value.reason == "not_cancellable"
    _change(office, code, 7, 1)
    assert [one[0] for one in _messages(office)] == ["order"]


def test_a_second_wish_changes_nothing(office: Any) -> None:
    code = office.receive(wants_postal_return=True)
    assert [_cancel(office, code, actor="A"), _cancel(office, code, actor="B")] == [True, False]
    assert [row.cancel_actor for row in office.sql("SELECT cancel_actor FROM shipments")] == ["A"]
    _end(office, "order", "sent")
    _end(office, "cancel", "sent")
    _take_stock(office)
    assert _cancel(office, code) is False
    assert [one[0] for one in _messages(office)] == ["order", "cancel"]


def test_a_wish_for_a_parcel_of_nobody_is_named(office: Any) -> None:
    with pytest.raises(MalformedError, match="X-R1") as caught:
        _cancel(office, "X")
    assert caught.value.reason == "unknown_shipment"


@pytest.mark.parametrize(
    ("order", "cancel", "asked", "state"),
    [
        ("waiting", "", "requested", "requested"),
        ("unknown", "", "requested", "requested"),
        ("sent", "", "ordered", "ordered"),
        ("refused", "", "refused", "refused"),
        ("dropped", "", "refused", "refused"),
        ("sent", "waiting", "cancelling", "cancelling"),
        ("sent", "sent", "cancelled", "cancelled"),
        ("sent", "refused", "kept", "ordered"),
        ("sent", "dropped", "kept", "ordered"),
        ("refused", "waiting", "refused", "refused"),
    ],
)
def test_what_became_of_the_messages_is_booked(office: Any, order: str, cancel: str, asked: str, state: str) -> None:
    code = office.receive(wants_postal_return=True)
    if cancel:
        _cancel(office, code)
    _end(office, "order", order)
    _end(office, "cancel", cancel)
    _take_stock(office)
    assert _stands(office) == (asked, state)
    assert _take_stock(office) == 0, "a second look finds nothing new"


def refused_cancel(office: Any) -> str:
    """A parcel the post has and does not cancel."""
    code = str(office.receive(wants_postal_return=True))
    _cancel(office, code)
    _end(office, "order", "sent")
    _end(office, "cancel", "refused")
    _take_stock(office)
    return code


def test_a_refused_cancel_leaves_the_parcel_to_go_on_and_the_same_wish_is_not_taken_again(office: Any) -> None:
    code = refused_cancel(office)
    for again in ({}, {"hours": 9}, {"reason": "Địa chỉ sai"}, {"reason": "Địa chỉ sai", "hours": 1}):
        with pytest.raises(MalformedError, match="does not") as caught:
            _cancel(office, code, **again)
        assert caught.value.reason == "not_cancellable"
    _change(office, code, 7, 9)
    assert len(_messages(office)) == 2, "a dossier that ends does not ask again by itself"
    _say(office, code, "collecting")
    assert _stands(office) == ("kept", "collecting")


def test_a_later_wish_for_another_reason_goes_to_the_post_again(office: Any) -> None:
    code = refused_cancel(office)
    assert _cancel(office, code, reason="Địa chỉ sai", hours=9) is True
    assert _messages(office)[-1] == ("cancel", f"{code}-R1", f"{code}-R1/cancel-2")
    assert _stands(office) == ("cancelling", "cancelling")
    assert _cancel(office, code, reason="Địa chỉ sai", hours=9) is False, "on its way"
    _end(office, "cancel", "refused", like="%cancel-2")
    _take_stock(office)
    assert _stands(office) == ("kept", "ordered")
    assert _cancel(office, code, reason="Nhận tại quầy", hours=10) is True
    _end(office, "cancel", "sent", like="%cancel-3")
    _take_stock(office)
    assert _stands(office) == ("cancelled", "cancelled")
    [parcel] = office.sql("SELECT cancels, cancel_reason FROM shipments")
    assert (parcel.cancels, parcel.cancel_reason) == (3, "Nhận tại quầy")


def test_after_a_refused_cancel_what_a_postman_has_is_left_to_him(office: Any) -> None:
    code = refused_cancel(office)
    _say(office, code, "collecting")
    with pytest.raises(MalformedError, match="collecting"):
        _cancel(office, code, reason="Địa chỉ sai", hours=9)


def test_a_parcel_is_its_carriers_alone(office: Any) -> None:
    office.receive(**ONLINE)
    assert office.sql("SELECT party FROM shipments")[0].party is None, "nobody was told of it"
    code = office.receive(wants_postal_return=True)
    [parcel] = office.sql("SELECT party FROM shipments WHERE dossier_code = :code", code=code)
    assert parcel.party == "vnpost"
    with pytest.raises(MalformedError, match="ordered at vnpost") as caught:
        _say(office, code, "collecting", party="momo")
    assert caught.value.reason == "wrong_party"
    assert office.sql("SELECT FROM shipment_events") == []


def test_with_two_carriers_the_order_and_its_cancel_go_to_the_chosen_one(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear_of_parcels_too(monkeypatch, "momo")
    monkeypatch.setenv(carrier.CARRIER, "vnpost")
    code = office.receive(wants_postal_return=True)
    monkeypatch.setenv(carrier.CARRIER, "momo")
    _cancel(office, code)
    told = office.sql("SELECT party, operation FROM outbox WHERE key = :key ORDER BY id", key=f"{code}-R1")
    assert [tuple(row) for row in told] == [("vnpost", "order"), ("vnpost", "cancel")]
    other = office.receive(wants_postal_return=True)
    told = office.sql("SELECT party FROM outbox WHERE key = :key", key=f"{other}-R1")
    assert [row.party for row in told] == ["momo"]


def hear_of_parcels_too(monkeypatch: pytest.MonkeyPatch, party: str) -> None:
    """Have one more party that carries."""
    declared = parties.manifest
    post = declared("vnpost")

    def manifest(name: str) -> Manifest:
        found = declared(name)
        if name != party:
            return found
        able = found.capabilities | {Capability.SHIP}
        return replace(found, capabilities=able, operations=(*found.operations, *post.operations))

    monkeypatch.setattr(parties, "manifest", manifest)


def carried_by(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have these parties carry, and no other."""
    monkeypatch.setattr(parties, "with_capability", lambda _capability: tuple(map(parties.manifest, names)))


def test_the_carrier_is_the_only_one_or_the_one_in_use_or_the_named_one(
    monkeypatch: pytest.MonkeyPatch, channels: Any
) -> None:
    carried_by(monkeypatch, "vnpost")
    assert carrier.chosen({}) == "vnpost"
    carried_by(monkeypatch, "momo", "vnpost")
    for known in ((), ("momo", "vnpost")):
        channels(*known)
        with pytest.raises(SetupError, match="momo, vnpost") as caught:
            carrier.chosen({})
        assert caught.value.reason == "setting_missing"
        assert carrier.chosen({carrier.CARRIER: "vnpost"}) == "vnpost"
    channels("momo")
    assert carrier.chosen({}) == "momo"
    with pytest.raises(SetupError, match="'sms' carries no parcels") as caught:
        carrier.chosen({carrier.CARRIER: "sms"})
    assert caught.value.reason == "setting_malformed"


def test_a_refused_order_that_a_person_sends_again_is_found(office: Any) -> None:
    office.receive(wants_postal_return=True)
    _end(office, "order", "refused")
    _take_stock(office)
    assert _stands(office) == ("refused", "refused")
    _end(office, "order", "sent")
    assert _take_stock(office) == 1
    assert _stands(office) == ("ordered", "ordered")


def test_a_party_that_carries_nothing_is_not_looked_at(office: Any) -> None:
    office.receive(wants_postal_return=True)
    with office.store.begin() as transaction:
        assert shipments.take_stock(transaction, "momo") == 0


# What may happen to one parcel, in any order: the citizen's wish, the ends of our messages, the post's steps.
DEEDS = ("wish", "order sent", "order refused", "cancel sent", "cancel refused")
STEPS: tuple[tuple[int, Said], ...] = ((1, "ordered"), (2, "collecting"), (3, "in_transit"), (4, "cancelled"))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happens=st.lists(st.sampled_from([*DEEDS, *STEPS]), max_size=7, unique=True))
def test_any_order_of_events_ends_in_one_known_state(office: Any, happens: list[Any]) -> None:
    """The state follows from what became of our messages and from the post's last word, not from what came when."""
    row = _live(office, happens)
    ends = {one.operation: End(one.end) for one in office.sql(ENDED, key=row.order_number)}
    asked = asked_after(order=ends["order"], cancel=ends.get("cancel"))
    _, word = max((one for one in happens if one not in DEEDS), default=(0, None))
    assert (row.asked, row.state) == (asked, state_of(asked, word))
    assert (row.cancel_asked_at is not None) == ("cancel" in ends)


def _live(office: Any, happens: list[Any]) -> Any:
    code = office.receive(wants_postal_return=True)
    for one in happens:
        if one == "wish":
            with suppress(MalformedError):  # too late, which the state then shows
                _cancel(office, code)
        elif one in DEEDS:
            operation, _, end = one.partition(" ")
            _end(office, operation, end, like=f"{code}%")
            _take_stock(office)
        else:
            _say(office, code, one[1], hours=one[0])
    _take_stock(office)
    [row] = office.sql("SELECT * FROM shipments WHERE dossier_code = :code", code=code)
    return row


def _messages(office: Any) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in office.sql(OUTBOX)]


def _stands(office: Any) -> tuple[str, str]:
    [row] = office.sql("SELECT asked, state FROM shipments")
    return row.asked, row.state


def _cancel(office: Any, code: str, actor: str = "Lan", reason: str = "Nhận tại quầy", hours: int = 2) -> bool:
    wish = Cancel(actor=actor, reason=reason, asked_at=MORNING + timedelta(hours=hours))
    with office.store.begin() as transaction:
        return shipments.cancel(transaction, f"{code}-R1", wish)


def _change(office: Any, code: str, status: int, hours: int) -> None:
    with office.store.begin() as transaction:
        dossiers.change_status(transaction, officers_wish(code, status, hours))


def _say(office: Any, code: str, word: Said, hours: int = 1, party: str = "vnpost") -> None:
    event = ShipmentEvent(
        event_id=f"{code}/{hours}/{word}",
        order_number=f"{code}-R1",
        tracking_code="",
        state=word,
        raw_status=word,
        occurred_at=MORNING + timedelta(hours=hours),
    )
    with office.store.begin() as transaction:
        shipments.hear(transaction, party, event)


def _take_stock(office: Any) -> int:
    with office.store.begin() as transaction:
        return shipments.take_stock(transaction, "vnpost")


ENDS = {
    "sent": "state = 'sent', reason = NULL, drawer = drawer_of(120, now())",
    "refused": "state = 'refused', reason = 'refused_by_partner', drawer = 0",
    "dropped": "state = 'superseded', reason = 'dropped', drawer = drawer_of(120, now())",
    "unknown": "state = 'unknown', drawer = 0",
}


def _end(office: Any, operation: str, end: str, like: str = "%") -> None:
    """Let the messages end so, as a courier or a person would."""
    if end in ENDS:
        office.sql(
            f"UPDATE outbox SET {ENDS[end]}, finished_at = now()"  # noqa: S608  (of the table above)
            " WHERE party = 'vnpost' AND operation = :operation AND external_id LIKE :like"
            " AND state <> 'sent'",  # which is the end
            operation=operation,
            like=like,
        )


@pytest.fixture(autouse=True)
def _no_setting_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(shipments.ORDERED_WHEN, raising=False)
