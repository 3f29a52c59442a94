"""A correction stands in the place of what it corrects; what is given up lets the others go."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.truc import samples
from truc.errors import MalformedError
from truc.exchange import outbox
from truc.exchange.journal.chain import chain
from truc.manifest import Event
from truc.operating import audit, correct

PROGRESS = "CapNhatTienDoHoSoMC"
BY = audit.Order(actor="hoa", reason="mended")


def test_a_correction_goes_in_the_place_of_the_old_one_before_what_stood_behind_it(
    hub: Any, partner: Any, make: Any, operator: Any, tmp_path: Path
) -> None:
    there = partner("national_portal")
    old = _refused(hub, there, make)
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2))
    file = _file(tmp_path, make["dossier"](1)[0], procedure_name="Cấp bản sao")
    assert "stands in the place of" in operator.orders("correct", old.id, "--file", file)
    new = _row(hub, "H32.01-260304-0001~2")
    assert (new.corrects, new.place, new.key, new.state, new.dossier_code) == (
        old.id,
        old.place,
        old.key,
        "waiting",
        "H32.01-260304-0001",
    )
    superseded = _row(hub, old.external_id)
    assert (superseded.state, superseded.reason) == ("superseded", "corrected")
    assert [row.resolved_how for row in hub.sql("SELECT resolved_how FROM set_aside")] == ["corrected"]
    _until_settled(hub, there)
    [pushed] = there.told("effects")
    assert (pushed["times"], pushed["data"]["TenTTHC"]) == (1, "Cấp bản sao")
    assert [step.split("|")[1] for _, step in there.told("order", PROGRESS)] == ["4", "5"]
    chain(hub.store)
    outcomes = hub.sql("SELECT outcome FROM journal WHERE exchange_id = :id ORDER BY number", id=old.id)
    assert [row.outcome for row in outcomes] == ["refused", "superseded"]
    [deed] = hub.sql("SELECT * FROM audit_log")
    assert (deed.actor, deed.action, deed.target, deed.reason) == (
        "hoa",
        "correct",
        f"exchange {old.id}",
        "the partner asked for it",
    )


def test_who_loses_a_race_for_a_message_is_told_so(
    hub: Any, partner: Any, make: Any, operator: Any, while_finishing: Any
) -> None:
    old = _refused(hub, partner("national_portal"), make)
    told = while_finishing(old.external_id, lambda: operator.fails("drop", old.id))
    assert told == "Error: somebody changed it meanwhile: run it again\n"
    assert "is sent" in operator.fails("drop", old.id)
    assert hub.sql("SELECT FROM audit_log") == []


def test_what_stands_behind_a_message_is_woken_when_it_is_corrected_or_given_up(
    hub: Any, partner: Any, make: Any, operator: Any, heard: Any
) -> None:
    every = {"national_portal/dossier", "national_portal/progress"}
    there = partner("national_portal")
    old = _refused(hub, there, make)
    hub.publish(make["step"](1, 4, 1))
    corrected = make["dossier"](1)[0].model_copy(update={"field_name": "Một"}).model_dump_json().encode()

    def correct_it() -> None:
        with hub.store.begin() as transaction:
            correct.correct_outgoing(transaction, old.id, corrected, BY)

    assert heard(hub.store, correct_it) == every
    there.control("codes", {"next": {"DongBoHoSoMC": "-1"}})
    hub.deliver(there)
    new = _row(hub, "H32.01-260304-0001~2")
    assert new.state == "refused"
    assert heard(hub.store, lambda: operator.orders("drop", new.id)) == every


def test_a_correction_of_a_correction_takes_the_next_name(
    hub: Any, partner: Any, make: Any, operator: Any, tmp_path: Path
) -> None:
    there = partner("national_portal")
    old = _refused(hub, there, make)
    file = _file(tmp_path, make["dossier"](1)[0], field_name="Một")
    operator.orders("correct", old.id, "--file", file)
    there.control("codes", {"next": {"DongBoHoSoMC": "-1"}})
    hub.deliver(there)
    second = _row(hub, "H32.01-260304-0001~2")
    assert second.state == "refused"
    operator.orders("correct", second.id, "--file", file)
    third = _row(hub, "H32.01-260304-0001~3")
    assert (third.corrects, third.place) == (second.id, old.place)
    _until_settled(hub, there)
    assert list(there.times().values()) == [1]
    shown = operator.types("show", third.id).output
    assert all(str(one.id) in shown for one in (old, second))


def test_an_order_to_a_treasury_is_not_corrected(
    hub: Any, partner: Any, make: Any, operator: Any, tmp_path: Path
) -> None:
    message, key, external_id = samples.remittance(1)
    with hub.store.begin() as transaction:
        outbox.publish(
            transaction, Event.REMITTANCE_ORDERED, message, key=key, external_id=external_id, only="treasury"
        )
    hub.sql("UPDATE outbox SET state = 'refused', reason = 'bad_reference'")
    old = _row(hub, external_id)
    told = operator.fails("correct", old.id, "--file", _file(tmp_path, message, beneficiary="Sở khác"))
    assert "release the order" in told
    assert [row.external_id for row in hub.rows()] == [external_id]
    assert hub.sql("SELECT FROM audit_log") == []


def test_a_wrong_correction_is_told_by_its_field_and_never_by_its_value(
    hub: Any, partner: Any, make: Any, operator: Any, tmp_path: Path
) -> None:
    old = _refused(hub, partner("national_portal"), make)
    message = make["dossier"](1)[0]
    before = operator.tables()
    for changes, told in (
        ({"status": 77}, "status: Input should be less than or equal to 10"),
        ({"applicant": {"name": ""}}, "applicant.name: String should have at least 1 character"),
        ({"phone_of_the_citizen": "0905111222"}, "phone_of_the_citizen: Extra inputs are not permitted"),
        ({"received_at": "yesterday 0905111222"}, "received_at: Input should be a valid datetime"),
        ({"dossier_code": "H32.01-260304-0002"}, "dossier_code: must stay H32.01-260304-0001"),
    ):
        shown = operator.fails("correct", old.id, "--file", _file(tmp_path, message, **changes))
        assert told in shown
        assert "0905111222" not in shown
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    assert "file: Invalid JSON" in operator.fails("correct", old.id, "--file", broken)
    assert operator.tables() == before


def test_money_and_its_reference_are_corrected_in_the_books_not_here(hub: Any, make: Any, tmp_path: Path) -> None:
    message = make["payment"](1)[0]
    hub.publish(make["payment"](1))
    hub.sql("UPDATE outbox SET state = 'refused', reason = 'rejected'")
    [row] = hub.rows()
    for changes in ({"amount_vnd": 60_000}, {"our_reference": "P1"}):
        written = json.dumps({**message.model_dump(mode="json"), **changes}).encode()
        with hub.store.begin() as transaction, pytest.raises(MalformedError, match=f"{next(iter(changes))}: must stay"):
            correct.correct_outgoing(transaction, row.id, written, BY)


def test_only_what_is_stopped_and_surely_not_there_is_corrected(
    hub: Any, make: Any, operator: Any, tmp_path: Path
) -> None:
    hub.publish(make["notice"](1))
    [row] = hub.rows()
    file = _file(tmp_path, make["notice"](1)[0], phone="0905111223")
    for state, why in (
        ("waiting", "it waits already"),
        ("sending", "it is on its way"),
        ("unknown", "it is being asked about"),
    ):
        hub.sql("UPDATE outbox SET state = :state", state=state)
        before = operator.tables()
        assert why in operator.fails("correct", row.id, "--file", file)
        assert why in operator.fails("drop", row.id)
        assert operator.tables() == before
    hub.sql("UPDATE outbox SET state = 'set_aside', reason = 'outcome_unknown'")
    assert "nobody knows whether the partner has it" in operator.fails("correct", row.id, "--file", file)
    operator.orders("correct", row.id, "--file", file, "--not-happened")
    assert sorted(hub.states()) == ["superseded", "waiting"]
    assert "no exchange 4242 is kept" in operator.fails("correct", 4242, "--file", file)


def test_a_dry_run_of_a_correction_changes_nothing(
    hub: Any, partner: Any, make: Any, operator: Any, tmp_path: Path
) -> None:
    old = _refused(hub, partner("national_portal"), make)
    before = operator.tables()
    file = _file(tmp_path, make["dossier"](1)[0])
    told = operator.orders("correct", old.id, "--file", file, "--dry-run")
    assert "would be sent as H32.01-260304-0001~2" in told
    assert operator.tables() == before


def test_what_is_given_up_holds_its_key_no_longer(hub: Any, partner: Any, make: Any, operator: Any) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](1))
    hub.until_sent(there)
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2))
    there.control("codes", {"next": {PROGRESS: "-1"}})
    hub.sql("UPDATE outbox SET not_before = now() + interval '1 hour' WHERE external_id LIKE '%/2'")
    hub.deliver(there)
    refused = _row(hub, "H32.01-260304-0001/1")
    assert refused.state == "refused"
    assert "given up" in operator.orders("drop", refused.id)
    row = _row(hub, "H32.01-260304-0001/1")
    assert (row.state, row.reason) == ("superseded", "dropped")
    assert hub.aside() == []
    _until_settled(hub, there)
    assert [step.split("|")[1] for _, step in there.told("order", PROGRESS)] == ["5"]
    assert [row.action for row in hub.sql("SELECT action FROM audit_log")] == ["drop"]
    assert "a newer message took its place" in operator.fails("drop", refused.id)


def test_without_its_reason_nothing_is_corrected_or_given_up(
    hub: Any, partner: Any, make: Any, operator: Any, tmp_path: Path
) -> None:
    old = _refused(hub, partner("national_portal"), make)
    file = _file(tmp_path, make["dossier"](1)[0])
    before = operator.tables()
    for words in (["correct", old.id, "--file", file], ["drop", old.id]):
        assert operator.types(*words).exit_code == 2
        assert "must not be blank" in operator.types(*words, "--reason", " ").output
    assert operator.tables() == before


def _refused(hub: Any, there: Any, make: Any) -> Any:
    hub.publish(make["dossier"](1))
    there.control("codes", {"next": {"DongBoHoSoMC": "-1"}})
    hub.deliver(there)
    [row] = hub.rows()
    assert row.state == "refused"
    return row


def _row(hub: Any, external_id: str) -> Any:
    [row] = hub.sql("SELECT * FROM outbox WHERE external_id = :name", name=external_id)
    return row


def _until_settled(hub: Any, there: Any) -> None:
    for _ in range(12):
        hub.soon()
        hub.deliver(there)
        if set(hub.states()) <= {"sent", "superseded"}:
            return
    raise AssertionError(hub.states())


def _file(folder: Path, message: Any, **changes: Any) -> Path:
    path = folder / "new.json"
    path.write_text(json.dumps({**message.model_dump(mode="json"), **changes}, ensure_ascii=False), encoding="utf-8")
    return path
