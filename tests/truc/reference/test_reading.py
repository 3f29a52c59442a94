"""The shipped reference data is whole, and a catalogue file is read without losing an item."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from truc.domain.agency import AgencyKind
from truc.domain.calendar import WorkingCalendar
from truc.domain.identifiers import agency_code, procedure_code
from truc.domain.procedure import Procedure
from truc.errors import MalformedError
from truc.reference.reading import (
    SetAside,
    read_agencies,
    read_catalogue,
    read_procedures,
    read_swapped_days,
    unread_wordings,
)

REAL_EXPORT = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "procedures-2021.json"


def exported(**changes: object) -> dict[str, object]:
    item: dict[str, object] = {
        "title": "Đăng ký tạm trú",
        "agency": "Công an Xã",
        "channels": [{"mode": "Trực tiếp", "time_limit": "03 Ngày làm việc", "fees": ""}],
        "documents": [{"name": "Tờ khai", "form_url": "", "copies": "Bản chính: 1"}],
    }
    return {**item, **changes}


def read(content: object) -> list[Procedure | SetAside]:
    return list(read_catalogue(json.dumps(content).encode()))


def test_the_real_export_is_read_whole_and_its_unread_wordings_are_listed() -> None:
    if not REAL_EXPORT.is_file():
        pytest.skip(
            "the real export procedures-2021.json (87 procedures) is not here; put it at "
            "shared/data/procedures-2021.json in the folder beside this repository"
        )
    body = REAL_EXPORT.read_bytes()
    published = json.loads(body)
    procedures = [item for item in read_catalogue(body) if isinstance(item, Procedure)]
    assert len(procedures) == len(published) == 87
    assert [p.name for p in procedures] == [item["title"] for item in published]
    assert sum(len(p.channels) for p in procedures) == 161
    assert sum(len(p.documents) for p in procedures) == 303
    # two items stand in the export twice, word for word
    assert len({p.key for p in procedures}) == len({(p.key, p.version_digest) for p in procedures}) == 85
    for procedure, item in zip(procedures, published, strict=True):
        kept = [(terms.time_limit_wording, terms.fee_wording) for terms in procedure.channels]
        assert kept == [(channel["time_limit"], channel["fees"]) for channel in item["channels"]]

    unread = [wording for procedure in procedures for wording in unread_wordings(procedure)]
    reasons = Counter((wording.item.rsplit(" ", 1)[1], wording.reason) for wording in unread)
    print(*(f"{field}: {reason}: {count}" for (field, reason), count in sorted(reasons.items())), sep="\n")  # noqa: T201  (the list)
    assert reasons == {
        ("time_limit", "unit_missing"): 18,
        ("time_limit", "not_published"): 9,
        ("time_limit", "not_specified"): 14,
        ("time_limit", "conditional"): 6,
        ("time_limit", "set_elsewhere"): 5,
        ("fees", "not_published"): 118,
        ("fees", "amount_missing"): 8,
        ("fees", "set_by_council"): 7,
        ("fees", "by_regulation"): 2,
    }


def test_an_item_that_cannot_be_read_is_set_aside_and_the_rest_goes_on() -> None:
    bad = [
        exported(title=""), exported(title=7), exported(channels="x"), "text", None,
        exported(channels=[{"mode": "Bồ câu"}]), exported(channels=[{"mode": "Trực tiếp"}] * 2),
    ]  # fmt: skip
    items = read([*bad, exported()])
    assert [item.reason for item in items if isinstance(item, SetAside)] == [
        "missing_field", "not_text", "not_a_list", "not_an_object", "not_an_object", "bad_channel", "bad_channel",
    ]  # fmt: skip
    assert isinstance(items[-1], Procedure)
    assert all(item.item == f"item {n}" for n, item in enumerate(items[:-1], 1) if isinstance(item, SetAside))


def test_the_same_item_twice_is_harmless_and_a_conflicting_one_is_set_aside() -> None:
    same, repeated, other = read([exported(), exported(), exported(documents=[])])
    assert same == repeated
    assert isinstance(other, SetAside)
    assert other.reason == "conflicting_duplicate"


@pytest.mark.parametrize("body", [b"", b"{}", b'"x"', b"\xff\xfe", b'{"form": "other/1"}', b"[" * 100_000])
def test_a_file_of_neither_form_is_refused_whole(body: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        list(read_catalogue(body))
    assert caught.value.reason == "not_a_catalogue"


def test_at_least_sixty_procedures_with_well_formed_codes_are_shipped() -> None:
    procedures = read_procedures()
    assert len(procedures) >= 60
    assert len({p.key for p in procedures}) == len(procedures)
    for procedure in procedures:
        assert str(procedure_code(procedure.code)) == procedure.code
        assert procedure.channels
        assert procedure.code_source in {"seen", "recalled"}
        assert procedure.terms_source in {"seen", "recalled"}
        assert procedure.agency_level in {"province", "commune"}
        assert procedure.year is not None


def test_the_shipped_procedures_cover_many_fields_and_most_have_a_time_limit() -> None:
    procedures = read_procedures()
    assert len({p.field_code for p in procedures}) >= 20
    limited = [p for p in procedures if p.channels[0].time_limit is not None]
    assert len(limited) >= 0.9 * len(procedures)
    cheaper_online = [
        p
        for p in procedures
        if (online := p.terms("online")) and (counter := p.terms("counter")) and online.fees != counter.fees
    ]
    assert len(cheaper_online) >= 10


def test_every_procedure_has_an_agency_that_answers_for_it() -> None:
    departments = {agency.code for agency in read_agencies() if agency.kind == "department"}
    of_the_province = [one for one in read_procedures() if one.agency_level == "province"]
    assert of_the_province
    for procedure in of_the_province:
        assert procedure.agency_code in departments, procedure.code


def test_every_field_of_a_procedure_is_a_shipped_field() -> None:
    folder = Path(__file__).resolve().parents[3] / "truc" / "reference"
    fields = {
        field["code"]: field["name"]
        for field in json.loads((folder / "fields.json").read_text(encoding="utf-8"))["fields"]
    }
    assert all(fields[p.field_code] == p.field_name for p in read_procedures())


def test_the_agencies_form_a_tree_with_parents_first() -> None:
    agencies = read_agencies()
    known: set[str] = set()
    for agency in agencies:
        assert agency.code == agency_code(agency.code)
        assert agency.parent in known or agency.kind == "province"
        assert agency.kind in get_args(AgencyKind)
        assert agency.code not in known
        known.add(agency.code)


def test_the_communes_come_from_the_package_with_the_shipped_rule() -> None:
    communes = [agency for agency in read_agencies() if agency.kind == "commune"]
    assert len(communes) == 65
    nha_trang = next(agency for agency in communes if agency.area_code == "22366")
    assert (nha_trang.code, nha_trang.name) == ("H32.366", "Ủy ban nhân dân phường Nha Trang")
    assert all(agency.code_source == "assigned_for_demo" for agency in communes)


def test_closed_districts_have_a_successor_that_holds_the_next_day() -> None:
    agencies = {agency.code: agency for agency in read_agencies()}
    closed = [agency for agency in agencies.values() if agency.valid_to]
    assert sum(agency.kind == "district" for agency in closed) >= 5
    for agency in closed:
        assert agency.holds_on(date(2025, 6, 30))
        assert not agency.holds_on(date(2025, 7, 1))
        assert agencies[agency.successor].holds_on(date(2025, 7, 1))


def test_the_shipped_swaps_come_in_pairs_of_a_weekday_off_and_a_weekend_worked() -> None:
    days = read_swapped_days()
    assert all(day.works == (day.on.weekday() >= 5) for day in days)
    assert sum(day.works for day in days) * 2 == len(days)
    assert WorkingCalendar(days).is_working_day(date(2026, 1, 10))
