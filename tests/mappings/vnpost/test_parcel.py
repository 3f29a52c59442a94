"""MyVNPost's answers about one order, and the scales of status, both ways."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.vnpost import parcel
from mappings.vnpost.status import MY_VNPOST, MY_VNPOST_OLDER, STATES
from truc.errors import MalformedError
from truc.messages import ShipmentEvent, Unreadable

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[3] / "schemas" / "vnpost" / "my_order.json").read_bytes())
)
OURS = {
    "itemCode": "SB000000001VN",
    "originalItemCode": None,
    "saleOrderCode": "TEST-0001-R1",
    "senderCode": "SANDBOX_HCC",
    "status": 10,
    "statusName": "Đang vận chuyển",
    "totalFee": 23_000,
    "updatedDate": "05/03/2026 08:15:00",
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.sampled_from([*OURS, "results"]), one),
)


def answer(*results: object) -> str:
    return json.dumps({"results": results})


def kept(said: str) -> bytes:
    """What the client keeps of an answer."""
    ours = {"order_number": "TEST-0001-R1", "sender_code": "SANDBOX_HCC"}
    return json.dumps({**ours, "answer": said}, ensure_ascii=False).encode()


def read(*results: object) -> Any:
    """The one item of an answer."""
    [item] = parcel.read(kept(answer(*results)))
    return item


def test_an_answer_is_read_exactly() -> None:
    assert SCHEMA.is_valid(json.loads(answer(OURS)))
    event = read(OURS)
    assert isinstance(event, ShipmentEvent)
    assert event.model_dump(mode="json") == {
        "event_id": "TEST-0001-R1/10/2026-03-05T08:15:00+07:00",
        "order_number": "TEST-0001-R1",
        "tracking_code": "SB000000001VN",
        "state": "in_transit",
        "raw_status": "10",
        "occurred_at": "2026-03-05T08:15:00+07:00",
    }


def test_the_same_answer_is_the_same_event_and_another_step_another() -> None:
    first, again, later = read(OURS), read(OURS | {"totalFee": 0}), read(OURS | {"status": 14})
    assert isinstance(first, ShipmentEvent)
    assert isinstance(later, ShipmentEvent)
    assert first == again
    assert first.event_id != later.event_id


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("05/03/2026 08:15:00", "2026-03-05T08:15:00+07:00"),
        ("2026-03-05T08:15:00", "2026-03-05T08:15:00+07:00"),
        ("2026-03-05 08:15:00", "2026-03-05T08:15:00+07:00"),
        ("2026-03-05T01:15:00Z", "2026-03-05T08:15:00+07:00"),
    ],
)
def test_each_seen_form_of_time_is_local_unless_it_says_a_zone(text: str, instant: str) -> None:
    event = read(OURS | {"updatedDate": text})
    assert isinstance(event, ShipmentEvent)
    assert event.occurred_at.isoformat() == instant


def test_an_order_that_is_only_placed_may_have_no_time_and_then_tells_nothing() -> None:
    for status in (0, 1, 3):
        assert list(parcel.read(kept(answer(OURS | {"status": status, "updatedDate": "-"})))) == []
    for status, reason in ((14, "field_malformed"), (77, "unknown_status"), (20, "status_is_no_step")):
        assert read(OURS | {"status": status, "updatedDate": "-"}).reason == reason


@pytest.mark.parametrize("text", ["-", "", None, 5, "31/02/2026 08:15:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_sets_the_order_aside_by_name(text: object) -> None:
    event = read(OURS | {"updatedDate": text})
    assert isinstance(event, Unreadable)
    assert (event.item, event.reason) == ("TEST-0001-R1", "field_malformed")


# The scale of vectors.json, in our words; None: a person looks it up.
@pytest.mark.parametrize(
    ("state", "codes"),
    [
        ("ordered", (0, 1, 3)),
        ("collecting", (2, 4, 50)),
        ("in_transit", (6, 7, 10, 11, 12, 13, 70, 80)),
        ("delivered", (14, 21, 90)),
        ("failed", (5, 8, 15, 16, 17, 18, 24)),
        ("returned", (19, 100)),
        ("cancelled", (9, 22, 29)),
        (None, (20, 23, 28)),
    ],
)
def test_every_published_code_is_read_and_its_raw_code_kept(state: str | None, codes: tuple[int, ...]) -> None:
    for code in codes:
        event = read(OURS | {"status": code})
        if state is None:
            assert isinstance(event, Unreadable)
            assert event.reason == "status_is_no_step"
        else:
            assert isinstance(event, ShipmentEvent)
            assert (event.state, event.raw_status) == (state, str(code))


def test_the_scales_hold_the_published_codes_and_our_words_only() -> None:
    assert set(MY_VNPOST) == {str(code) for code in (*range(25), 28, 29)}
    assert set(MY_VNPOST_OLDER) == {"1", "50", "70", "80", "90", "100"}
    ours = set(get_args(ShipmentEvent.model_fields["state"].annotation))
    for scale in (STATES, MY_VNPOST, MY_VNPOST_OLDER):
        assert set(scale.values()) <= ours | {None}


def test_a_code_of_both_scales_means_one_state() -> None:
    both = MY_VNPOST.keys() & MY_VNPOST_OLDER.keys()
    assert both
    assert [MY_VNPOST[code] for code in both] == [MY_VNPOST_OLDER[code] for code in both]


@pytest.mark.parametrize("code", [25, 26, 27, 30, 77, "x", "014"])
def test_an_unknown_code_is_named_and_never_defaulted(code: object) -> None:
    event = read(OURS | {"status": code})
    assert isinstance(event, Unreadable)
    assert event.reason == "unknown_status"
    assert repr(str(code)) in event.text


@pytest.mark.parametrize("name", ["saleOrderCode", "itemCode", "originalItemCode"])
def test_an_order_is_known_by_any_of_its_codes_and_its_sender(name: str) -> None:
    codes = dict.fromkeys(("saleOrderCode", "itemCode", "originalItemCode"), "OTHER") | {name: "TEST-0001-R1"}
    assert isinstance(read(OURS | codes), ShipmentEvent)
    with pytest.raises(MalformedError, match="0 orders"):
        read(OURS | codes | {"senderCode": "SOMEBODY"})


def test_somebody_elses_order_of_the_code_is_passed_over_and_two_of_ours_are_refused() -> None:
    other = OURS | {"senderCode": "SOMEBODY", "status": 14}
    event = read(other, OURS, 7, None)
    assert isinstance(event, ShipmentEvent)
    assert event.raw_status == "10"
    with pytest.raises(MalformedError, match="2 orders"):
        read(OURS, OURS)


@pytest.mark.parametrize("said", ["", "7", "{}", "[]", '[{"results": []}, {}]', '{"results": {}}', "[" * 99_999])
def test_what_is_no_answer_is_malformed(said: str) -> None:
    with pytest.raises(MalformedError, match="vnpost parcel"):
        list(parcel.read(kept(said)))


@pytest.mark.parametrize(
    "body",
    [b"", b"7", b"[]", b"[" * 99_999, b"{}", b'{"order_number": 1, "sender_code": "S", "answer": "{}"}', b"\xff"],
)
def test_what_the_client_does_not_keep_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError, match="vnpost parcel"):
        list(parcel.read(body))


def test_a_list_of_one_is_read_as_its_item() -> None:
    said = json.dumps([{"results": [OURS]}])
    assert SCHEMA.is_valid(json.loads(said))
    assert list(parcel.read(kept(said))) == [read(OURS)]


@given(st.sampled_from(sorted(OURS)), ANYTHING)
def test_whatever_a_field_holds_it_is_read_by_the_schema_or_named(field: str, value: Any) -> None:
    changed = OURS | {field: value}
    try:
        items = list(parcel.read(kept(answer(changed))))
    except MalformedError:
        return
    events = [one for one in items if isinstance(one, ShipmentEvent)]
    if events and field not in ("itemCode", "originalItemCode", "saleOrderCode"):
        assert SCHEMA.is_valid(json.loads(answer(changed)))
