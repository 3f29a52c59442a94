"""A dossier is received once, under the law's clock, and everybody who must know is told in the same transaction."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from tests.truc.samples import wish as officers_wish
from truc.domain.procedure import Channel
from truc.domain.status import Outcome, Status
from truc.errors import MalformedError
from truc.services import dossiers

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
OUTBOX = """
    SELECT party, operation, key, external_id, sealed AS message
    FROM outbox JOIN kept_bodies ON kept_bodies.id = outbox.message_id ORDER BY outbox.id
"""


def test_a_dossier_tells_everybody_who_must_know(office: Any, channels: Any) -> None:
    channels("sms")
    code = office.receive(wants_postal_return=True, wants_sms=True)
    assert [tuple(row)[:4] for row in office.sql(OUTBOX)] == [
        ("national_portal", "dossier", code, code),
        ("vnpost", "order", f"{code}-R1", f"{code}-R1"),
        ("sms", "message", f"{code}/1", f"{code}/1"),
    ]
    dossier, parcel, notice = (_message(office, row.message) for row in office.sql(OUTBOX))
    assert (dossier["status"], dossier["fee_vnd"], dossier["procedure_name"]) == (2, 50_000, "Cấp bản sao")
    assert dossier["due_at"] == "2026-03-11T09:00:00+07:00"
    assert (parcel["fee_vnd"], parcel["receiver"]["province_code"]) == (23_000, "56")
    assert (notice["notice"], notice["facts"]["due_on"]) == ("received", "2026-03-11")


def test_nobody_is_told_what_nobody_asked_for(office: Any) -> None:
    office.receive()
    assert [row.party for row in office.sql(OUTBOX)] == ["national_portal"]


def test_a_citizen_outside_the_province_pays_the_outer_postage(office: Any) -> None:
    away = office.intake().applicant.model_copy(update={"province_code": "79"})
    office.receive(applicant=away, wants_postal_return=True)
    assert office.sql("SELECT fee_vnd FROM shipments")[0].fee_vnd == 31_500


def test_without_a_phone_no_message_is_owed(office: Any, channels: Any) -> None:
    channels("sms")
    silent = office.intake().applicant.model_copy(update={"phone": ""})
    office.receive(applicant=silent, wants_sms=True)
    assert [row.party for row in office.sql(OUTBOX)] == ["national_portal"]


def test_the_same_intake_again_is_the_same_dossier_and_tells_nobody_again(office: Any, channels: Any) -> None:
    channels("sms")
    intake = office.intake(wants_sms=True)
    assert _receive(office, intake) == ("H32.01-260304-0001", True)
    assert _receive(office, intake) == ("H32.01-260304-0001", False)
    assert len(office.sql(OUTBOX)) == 2


def test_one_intake_handed_over_by_many_at_once_is_one_dossier(office: Any) -> None:
    intake, together = office.intake(), Barrier(8)

    def receive(_: int) -> tuple[str, bool]:
        together.wait()
        return _receive(office, intake)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(receive, range(8)))
    assert {code for code, _ in answers} == {"H32.01-260304-0001"}
    assert sorted(new for _, new in answers) == [False] * 7 + [True]
    assert len(office.sql(OUTBOX)) == 1


def test_one_reference_of_two_sources_is_two_dossiers(office: Any) -> None:
    codes = {office.receive(source=source, source_reference="1") for source in ("one-stop", "other")}
    assert len(codes) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"procedure_code": "9.999999"}, "unknown_procedure"),
        ({"agency_code": "H99.01"}, "unknown_agency"),
        ({"channel": Channel.POST}, "channel_not_offered"),
        ({"wants_postal_return": True, "applicant": ("address", "")}, "postal_address_missing"),
        ({"wants_postal_return": True, "applicant": ("province_code", "")}, "postal_address_missing"),
    ],
)
def test_a_dossier_that_cannot_be_received_leaves_nothing_behind(
    office: Any, changes: dict[str, Any], reason: str
) -> None:
    if (change := changes.get("applicant")) is not None:
        applicant = office.intake().applicant.model_copy(update=dict([change]))
        changes = {**changes, "applicant": applicant}
    with pytest.raises(MalformedError) as caught:
        office.receive(**changes)
    assert caught.value.reason == reason
    for table in ("dossiers", "customers", "outbox", "shipments", "dossier_serials"):
        assert office.sql(f"SELECT FROM {table}") == []
    assert office.receive() == "H32.01-260304-0001"


def test_a_status_change_is_told_once_and_in_order(office: Any) -> None:
    code = office.receive()
    for status, hours in ((4, 1), (4, 1), (5, 2), (4, 1), (4, 3)):
        _change(office, code, status, hours)
    told = [_message(office, row.message) for row in office.sql(OUTBOX) if row.operation == "progress"]
    assert [(one["status"], one["changed_at"]) for one in told] == [
        (4, "2026-03-04T03:00:00Z"),
        (5, "2026-03-04T04:00:00Z"),
        (4, "2026-03-04T05:00:00Z"),
    ]
    assert [one["started_at"] for one in told] == [
        "2026-03-04T02:00:00Z",
        "2026-03-04T03:00:00Z",
        "2026-03-04T04:00:00Z",
    ]
    assert {row.key for row in office.sql(OUTBOX)} == {code}


def test_changes_of_one_instant_are_each_told(office: Any) -> None:
    # Some one-stop software knows the day of a step only.
    code = office.receive()
    for status in (4, 5, 4, 9):
        assert _change(office, code, status, 1) is Outcome.APPLIED
    told = [_message(office, row.message) for row in office.sql(OUTBOX) if row.operation == "progress"]
    assert [one["status"] for one in told] == [4, 5, 4, 9]


def test_who_asked_for_messages_hears_of_each_step_that_has_something_for_them(office: Any, channels: Any) -> None:
    channels("sms")
    code = office.receive(wants_sms=True)
    for hours, status in enumerate((4, 5, 4, 5, 4, 9, 10), start=1):
        _change(office, code, status, hours)
    told = [_message(office, row.message) for row in office.sql(OUTBOX) if row.party == "sms"]
    assert [(one["notice_id"], one["notice"]) for one in told] == [
        (f"{code}/1", "received"),
        (f"{code}/3", "supplement"),
        (f"{code}/4", "supplement_received"),
        (f"{code}/5", "supplement"),
        (f"{code}/6", "supplement_received"),
        (f"{code}/7", "ready"),
        (f"{code}/8", "returned"),
    ]


def test_a_repeated_or_late_change_is_answered_and_tells_nobody(office: Any) -> None:
    code = office.receive()
    assert _change(office, code, 4, 2) is Outcome.APPLIED
    before = office.sql(OUTBOX)
    assert _change(office, code, 4, 3) is Outcome.REPEATED
    assert _change(office, code, 9, 1) is Outcome.LATE
    assert office.sql(OUTBOX) == before


@pytest.mark.parametrize(
    ("status", "reason"), [(10, "move_not_allowed"), (0, "unknown_status"), (11, "unknown_status")]
)
def test_a_change_that_may_not_be_changes_nothing(office: Any, status: int, reason: str) -> None:
    code = office.receive()
    with pytest.raises(MalformedError) as caught:
        _change(office, code, status, 1)
    assert caught.value.reason == reason
    assert office.sql("SELECT status FROM dossiers")[0].status == 2
    assert office.sql("SELECT FROM officers") == []
    assert len(office.sql(OUTBOX)) == 1


def test_an_unknown_dossier_is_named(office: Any) -> None:
    with pytest.raises(MalformedError, match="260304-7777") as caught:
        _change(office, "H32.01-260304-7777", 4, 1)
    assert caught.value.reason == "unknown_dossier"


def test_a_dossier_is_found_by_any_of_its_names(office: Any) -> None:
    code = office.receive(
        source="national_portal",
        source_reference="G22.99-1",
        portal_code="G22.99-1",
        channel=Channel.ONLINE,
        status=Status.SUBMITTED,
    )
    names = (
        {"dossier_code": code},
        {"portal_code": "G22.99-1"},
        {"source": "national_portal", "reference": "G22.99-1"},
    )
    with office.store.begin() as transaction:
        assert {dossiers.find_code(transaction, **name) for name in names} == {code}
        with pytest.raises(MalformedError) as caught:
            dossiers.find_code(transaction, source="one-stop", reference="G22.99-1")
    assert caught.value.reason == "unknown_dossier"


def test_a_change_of_status_that_is_rolled_back_tells_nobody(office: Any) -> None:
    code = office.receive()
    with office.undone() as transaction:
        dossiers.change_status(transaction, officers_wish(code, 4, 1))
    assert [row.operation for row in office.sql(OUTBOX)] == ["dossier"]
    assert office.sql("SELECT status FROM dossiers")[0].status == 2


def _receive(office: Any, intake: Any) -> tuple[str, bool]:
    with office.store.begin() as transaction:
        received = dossiers.receive(transaction, intake, office.calendar)
        return received.code, received.new


def _change(office: Any, code: str, status: int, hours: int) -> Outcome:
    with office.store.begin() as transaction:
        return dossiers.change_status(transaction, officers_wish(code, status, hours)).outcome


def _message(office: Any, sealed: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(office.store.sealer.unseal(bytes(sealed), context="outbox.message"))
    return value


def test_the_clock_stands_still_while_the_citizen_is_asked_for_papers(office: Any) -> None:
    code = office.receive()
    promised = office.sql("SELECT due_at FROM dossiers")[0].due_at
    for hours, status in ((1, 4), (2, 5), (26, 4)):  # asked on a Wednesday at 11, brought on Thursday at 11
        _change(office, code, status, hours)
    moved = office.sql("SELECT due_at FROM dossiers")[0].due_at
    assert moved == office.calendar.pause(promised, MORNING + timedelta(hours=2), MORNING + timedelta(hours=26))
    assert moved > promised
    told = [_message(office, row.message) for row in office.sql(OUTBOX) if row.operation == "progress"]
    assert [datetime.fromisoformat(one["due_at"]) for one in told] == [promised, promised, moved]
