"""VNPost's orders, prices and tracking, both directions, beside approved readings."""

import contextlib
import json
from datetime import datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.vnpost import cancel, order, price, tracking
from mappings.vnpost.status import STATES
from truc.errors import MalformedError
from truc.messages import Person, PostageAsked, PostalCancelled, PostalRequested, ShipmentEvent, Unreadable

HERE = Path(__file__).parent
SCHEMAS = Path(__file__).parents[3] / "schemas" / "vnpost"
PAGE = (HERE / "tracking_page.json").read_bytes()
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
SENDER = Person(
    kind="organisation",
    name="Trung tâm Phục vụ hành chính công",
    phone="02583000000",
    address="1 Trần Phú, phường Nha Trang",
    province_code="56",
)
RECEIVER = Person(
    name="Nguyễn Thị Ái",
    phone="0912345678",
    email="ai@example.vn",
    address="12 đường 2/4, phường Bắc Nha Trang",
    province_code="56",
)
REQUEST = PostalRequested(
    order_number="TEST-0001",
    dossier_code="H32.1-250102-0001",
    direction="return",
    sender=SENDER,
    receiver=RECEIVER,
    fee_vnd=23_000,
    note="Giao giờ hành chính",
)

QUESTION = PostageAsked(weight_g=100, sender_province="56", receiver_province="56")
NAMES = st.sampled_from(["_id", "$oid", "orderNumber", "statusCode", "x"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text()
ANYTHING = st.recursive(LEAVES, lambda one: st.lists(one) | st.dictionaries(NAMES, one))


def schema(name: str) -> Draft202012Validator:
    found = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def test_an_order_is_written_exactly() -> None:
    assert order.write(REQUEST) == (HERE / "order_inside.json").read_bytes()


def test_an_order_fits_its_schema() -> None:
    assert schema("order.json").is_valid(json.loads(order.write(REQUEST)))
    assert not schema("order.json").is_valid({})


def test_collecting_and_the_fee_come_from_the_message() -> None:
    written = json.loads(order.write(REQUEST.model_copy(update={"direction": "collect", "fee_vnd": 31_500})))
    assert written["CODAmount"] == 31_500
    assert written["Description"] == "Thu gom hồ sơ H32.1-250102-0001"


ADDRESS_FAULTS = [("address", " "), ("province_code", ""), ("province_code", "5"), ("province_code", "5６")]


@pytest.mark.parametrize(
    ("side", "field", "value"),
    [("receiver", "phone", ""), *((side, *fault) for side in ("sender", "receiver") for fault in ADDRESS_FAULTS)],
)
def test_a_field_the_post_needs_is_named(side: str, field: str, value: str) -> None:
    person = getattr(REQUEST, side).model_copy(update={field: value})
    with pytest.raises(MalformedError, match=f"{side}.{field}"):
        order.write(REQUEST.model_copy(update={side: person}))


def test_a_page_is_read_item_by_item_and_the_bad_ones_are_named() -> None:
    read = list(tracking.read(PAGE))
    assert [(one.event_id[-1], one.state, one.raw_status) for one in read if isinstance(one, ShipmentEvent)] == [
        ("a", "ordered", "1"),
        ("b", "collecting", "2"),
        ("0", "delivered", "3"),
    ]
    assert [(one.item, one.reason) for one in read if isinstance(one, Unreadable)] == [
        ("TEST-0002", "unknown_status"),
        ("item 4", "field_missing"),
        ("TEST-0003", "field_malformed"),
        ("TEST-0004", "field_malformed"),
        ("item 7", "not_an_object"),
    ]


def test_the_unknown_status_is_named_and_never_defaulted() -> None:
    (unknown,) = [one for one in tracking.read(PAGE) if isinstance(one, Unreadable) and one.reason == "unknown_status"]
    assert "'9'" in unknown.text


def test_the_time_is_the_one_in_the_object_id() -> None:
    first = next(iter(tracking.read(PAGE)))
    assert isinstance(first, ShipmentEvent)
    assert first.occurred_at == datetime(2025, 1, 2, 11, 1, 4, tzinfo=VIETNAM)


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff<", b"7", b"{}", b'{"_embedded": []}', b'{"_embedded": {"rh:doc": 1}}']
)
def test_what_is_no_page_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError, match="vnpost tracking"):
        list(tracking.read(body))


def test_a_page_nested_without_end_is_malformed() -> None:
    with pytest.raises(MalformedError):
        list(tracking.read(b"[" * 200_000))


def test_a_bare_list_is_read_too() -> None:
    items = json.loads(PAGE)["_embedded"]["rh:doc"]
    assert list(tracking.read(json.dumps(items).encode())) == list(tracking.read(PAGE))


def test_the_page_fits_its_schema_but_for_its_bad_items() -> None:
    page = json.loads(PAGE)
    assert not schema("tracking.json").is_valid(page)
    page["_embedded"]["rh:doc"] = [page["_embedded"]["rh:doc"][place] for place in (0, 1, 7)]
    assert schema("tracking.json").is_valid(page)


@pytest.mark.parametrize("code", ["0", "1", "2", "3", "4"])
def test_every_seen_state_is_read(code: str) -> None:
    item = {"_id": {"$oid": "67760f80000000000000000a"}, "orderNumber": "A", "statusCode": int(code)}
    (event,) = tracking.read(json.dumps([item]).encode())
    assert isinstance(event, ShipmentEvent)
    assert (event.state, event.raw_status) == (STATES[code], code)


def test_the_table_is_the_seen_scale_in_our_words() -> None:
    assert set(STATES) == {"0", "1", "2", "3", "4"}
    assert set(STATES.values()) <= set(get_args(ShipmentEvent.model_fields["state"].annotation))


GOOD = {"_id": {"$oid": "67760f80000000000000000a"}, "orderNumber": "A", "statusCode": 1, "statusMessage": "x"}


@pytest.mark.parametrize("field", ["orderNumber", "statusCode", "statusMessage", "_id"])
@pytest.mark.parametrize("bad", ["\ud83d", "A\x00", "\x00"])
def test_text_no_database_can_hold_stops_its_item_only(field: str, bad: str) -> None:
    value = {"$oid": bad} if field == "_id" else bad
    first, second = tracking.read(json.dumps([GOOD | {field: value}, GOOD]).encode())
    assert isinstance(second, ShipmentEvent)
    assert isinstance(first, ShipmentEvent if field == "statusMessage" else Unreadable)


def test_an_order_number_no_database_can_hold_is_named() -> None:
    (bad,) = tracking.read(json.dumps([GOOD | {"orderNumber": "A\ud83d"}]).encode())
    assert isinstance(bad, Unreadable)
    assert (bad.item, bad.reason) == ("item 1", "text_not_storable")


@given(st.sampled_from(sorted(GOOD)), ANYTHING | st.sampled_from([*STATES, *range(-1, 6), "01", 1.0]))
def test_an_item_is_read_only_when_it_fits_the_schema(field: str, value: object) -> None:
    item = GOOD | {field: value}
    (found,) = tracking.read(json.dumps([item]).encode())
    if isinstance(found, ShipmentEvent):
        assert schema("tracking.json").is_valid([item])


PEOPLE = st.builds(
    SENDER.model_copy,
    update=st.fixed_dictionaries(
        {name: st.text(max_size=3) for name in ("name", "phone", "email", "address")}
        | {"province_code": st.sampled_from(["56", "5", "", "５６", "-1", "056"])}
    ),
)


@given(PEOPLE, PEOPLE, st.text(max_size=3), st.text(max_size=3))
def test_what_is_written_fits_the_schema_or_is_refused(
    sender: Person, receiver: Person, number: str, note: str
) -> None:
    changed = {"sender": sender, "receiver": receiver, "order_number": number, "note": note}
    with contextlib.suppress(MalformedError):
        assert schema("order.json").is_valid(json.loads(order.write(REQUEST.model_copy(update=changed))))


@pytest.mark.parametrize("code", ["", "5", "056", "Hà", "５６", "-1"])
@pytest.mark.parametrize("side", ["sender_province", "receiver_province"])
def test_a_province_no_price_can_be_asked_for_is_named(side: str, code: str) -> None:
    with pytest.raises(MalformedError, match=side):
        price.write(QUESTION.model_copy(update={side: code}))


@given(ANYTHING)
def test_no_item_whatever_breaks_the_page(item: object) -> None:
    good = {"_id": {"$oid": "67760f80000000000000000a"}, "orderNumber": "A", "statusCode": 1}
    read = list(tracking.read(json.dumps([item, good]).encode()))
    assert len(read) == 2
    assert isinstance(read[1], ShipmentEvent)


def test_a_cancel_is_written_exactly() -> None:
    written = cancel.write(PostalCancelled(order_number=" TEST-0001 ", dossier_code="H32.1-250102-0001"))
    assert written == b'{"orderNumber": "TEST-0001"}'
    assert schema("cancel.json").is_valid(json.loads(written))


@given(st.text(max_size=5))
def test_a_cancel_fits_its_schema_or_is_refused(number: str) -> None:
    with contextlib.suppress(ValueError):  # what no message can hold
        message = PostalCancelled(order_number=number, dossier_code="H32.1-250102-0001")
        with contextlib.suppress(MalformedError):
            assert schema("cancel.json").is_valid(json.loads(cancel.write(message)))


def test_a_cancel_without_a_number_is_not_written() -> None:
    with pytest.raises(MalformedError, match="order_number"):
        cancel.write(PostalCancelled(order_number=" ", dossier_code="H32.1-250102-0001"))


def test_a_price_question_is_written_exactly() -> None:
    written = price.write(QUESTION.model_copy(update={"sender_province": "01"}))
    assert written == (
        b'{"weight": 100, "mainSrv": "HCC", "isreturn": 1, "sender": {"provCode": 1}, "receiver": {"provCode": 56}}'
    )
    assert schema("price.json").is_valid(json.loads(written))


def test_a_price_is_read_as_whole_dong_from_text_or_number() -> None:
    for body, fee_vnd in ((b'{"content": {"price": "31500"}}', 31_500), (b'{"content": {"price": 23000}}', 23_000)):
        assert price.read(body) == fee_vnd
        assert schema("price_answer.json").is_valid(json.loads(body))


@pytest.mark.parametrize("value", ["23000.5", '"23.000"', "true", "null", "-1", '"-1"', "1e3", '"٢٣"', "[]"])
def test_a_price_that_is_no_whole_dong_is_malformed(value: str) -> None:
    with pytest.raises(MalformedError, match=r"content\.price"):
        price.read(f'{{"content": {{"price": {value}}}}}'.encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"content": null}', b'{"content": {}}'])
def test_an_answer_without_a_price_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"content\.price"):
        price.read(body)
