"""Canonical messages are closed, strict about money and time, and survive being written down."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from truc import messages
from truc.messages import Inbound, NoticeDue, NoticeFacts, OnlineDossier, Outbound, PaymentResult, Person, StatusChanged

AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
STATUS: dict[str, Any] = {
    "dossier_code": "H32.01-260304-0001",
    "status": 4,
    "changed_at": AT,
    "officer_name": "Trần Văn Bình",
    "officer_title": "",
    "department": "",
    "note": "",
    "started_at": AT,
    "due_at": None,
}


def test_every_message_is_frozen_and_closed() -> None:
    for model in (*Outbound.__args__, *Inbound.__args__, Person):
        assert model.model_config["frozen"]
        assert model.model_config["extra"] == "forbid"
        with pytest.raises(ValidationError, match="nobody_knows"):
            model(nobody_knows=1)


@pytest.mark.parametrize("status", [0, 11, -1])
def test_a_status_is_one_of_ten(status: int) -> None:
    with pytest.raises(ValidationError, match="status"):
        StatusChanged(**{**STATUS, "status": status})


@pytest.mark.parametrize("at", [datetime(2026, 3, 4), "2026-03-04T02:00:00"])  # noqa: DTZ001  (that it has no zone is the point)
def test_an_instant_without_a_zone_is_refused(at: object) -> None:
    with pytest.raises(ValidationError, match="timezone"):
        StatusChanged(**{**STATUS, "changed_at": at})


@pytest.mark.parametrize("amount", [1.0, "1", True, -1, 10**15 + 1, None])
def test_money_is_a_whole_number_of_dong_within_reason(amount: object) -> None:
    with pytest.raises(ValidationError, match="amount_vnd"):
        _result(amount_vnd=amount)


def test_a_state_nobody_defined_is_refused() -> None:
    with pytest.raises(ValidationError, match="state"):
        _result(state="maybe")


def test_a_nameless_applicant_and_dossier_are_refused() -> None:
    with pytest.raises(ValidationError, match="name"):
        Person(name="")
    with pytest.raises(ValidationError, match="portal_code"):
        OnlineDossier(
            portal_code="", procedure_code="1", agency_code="H32", applicant=Person(name="A"), submitted_at=AT
        )


@given(
    name=st.text(
        alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=250
    ),
    at=st.datetimes(timezones=st.just(UTC)),
    amount=st.integers(0, 10**15),
)
def test_what_is_written_down_is_read_as_it_was(name: str, at: datetime, amount: int) -> None:
    changed = StatusChanged(**{**STATUS, "officer_name": name, "changed_at": at})
    paid = _result(amount_vnd=amount, occurred_at=at)
    for message in (changed, paid):
        assert TypeAdapter(type(message)).validate_json(message.model_dump_json()) == message


def test_what_is_offered_is_there() -> None:
    assert all(hasattr(messages, name) for name in messages.__all__)


def _result(**changes: Any) -> PaymentResult:
    known = {"our_reference": "P1", "partner_reference": "T", "amount_vnd": 1, "state": "paid", "occurred_at": AT}
    return PaymentResult(**{**known, **changes})


@pytest.mark.parametrize("bad", ["a\x00b", "\ud83d"])
def test_what_no_database_text_can_hold_is_refused_at_the_wall(bad: str) -> None:
    with pytest.raises(ValidationError, match=r"half a character|surrogate|unicode"):
        StatusChanged(**{**STATUS, "officer_name": bad})


NOTICE: dict[str, Any] = {"notice_id": "n", "dossier_code": "H32.01-260304-0001", "notice": "withdrawn"}
FACTS: dict[str, Any] = {"happened_on": "2026-03-04"}


def test_a_notice_has_its_facts_or_a_text_of_before_there_were_facts() -> None:
    written = NoticeDue(**NOTICE, facts=NoticeFacts(happened_on=AT.date()))
    assert NoticeDue.model_validate_json(written.model_dump_json()) == written
    assert written.said == {"dossier_code": "H32.01-260304-0001", "happened_on": AT.date()}
    old = b'{"notice_id":"n","dossier_code":"H32","notice":"ready","phone":"0905111222","text":"Ho so","email":""}'
    assert NoticeDue.model_validate_json(old).text == "Ho so"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"facts": FACTS, "text": "Ho so"},
        {"facts": {}},
        {"facts": {**FACTS, "amount_vnd": 5}},
        {"facts": {"happened_on": "2026-03-04T00:00:00Z"}},
        {"facts": {"happened_on": 1_772_582_400}},
        {"facts": FACTS, "dossier_code": "H32"},
        {"notice": "fee_due", "facts": {"amount_vnd": 5.0}},
        {"notice": "fee_due", "facts": {"amount_vnd": 0}},
    ],
)
def test_a_notice_that_could_not_be_written_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NoticeDue.model_validate_json(json.dumps({**NOTICE, **changes}))
