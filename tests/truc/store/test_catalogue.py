"""The catalogue keeps every publication; a dossier stays under the one it was received under."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from truc.domain.agency import Agency
from truc.domain.calendar import SwappedDay
from truc.domain.procedure import Channel, Fee, read_terms
from truc.domain.time_limit import TimeLimit, Unit
from truc.errors import MalformedError
from truc.reference import reading
from truc.store import catalogue


def test_a_changed_procedure_is_a_new_version_and_an_unchanged_one_is_none(office: Any) -> None:
    assert not _keep(office, office.procedure())
    assert _keep(office, _dearer(office))
    assert not _keep(office, _dearer(office))
    assert _keep(office, office.procedure())  # published again as it was: a publication like any other
    versions = office.sql("SELECT version FROM procedure_versions WHERE procedure_key = '9.000001' ORDER BY id")
    assert [row.version for row in versions] == [1, 2, 3]


def test_a_dossier_keeps_the_terms_it_was_received_under(office: Any) -> None:
    old = office.receive()
    _keep(office, _dearer(office))
    new = office.receive()

    rows = {row.code: row for row in office.sql("SELECT * FROM dossiers")}
    assert (rows[old].fee_vnd, rows[new].fee_vnd) == (50_000, 70_000)
    assert rows[old].due_at < rows[new].due_at
    with office.store.begin() as transaction:
        terms = catalogue.terms_of_version(transaction, rows[old].procedure_version_id, "counter")
    assert (terms.fee_vnd, terms.time_limit) == (50_000, TimeLimit(5, Unit.WORKING_DAY))


def test_fee_and_limit_hang_under_the_channel(office: Any) -> None:
    with office.store.begin() as transaction:
        counter, online = (catalogue.terms(transaction, "9.000001", channel) for channel in ("counter", "online"))
    assert (counter.fee_vnd, counter.time_limit) == (50_000, TimeLimit(5, Unit.WORKING_DAY))
    assert (online.fee_vnd, online.time_limit) == (25_000, TimeLimit(3, Unit.WORKING_DAY))
    assert counter.version_id == online.version_id


@pytest.mark.parametrize(
    ("code", "channel", "reason"),
    [("9.999999", "counter", "unknown_procedure"), ("9.000001", "post", "channel_not_offered")],
)
def test_what_cannot_be_received_says_why(office: Any, code: str, channel: str, reason: str) -> None:
    with office.store.begin() as transaction, pytest.raises(MalformedError, match=code) as caught:
        catalogue.terms(transaction, code, channel)
    assert caught.value.reason == reason


def test_the_store_asks_for_the_fee_the_publication_asks_for(office: Any) -> None:
    procedures = [one for one in reading.read_procedures() if not hasattr(one, "reason")]
    assert len(procedures) > 60
    with office.store.begin() as transaction:
        for procedure in procedures:
            for published in procedure.channels:
                terms = catalogue.terms(transaction, procedure.code, published.channel)
                assert terms.fee_vnd == published.fee_vnd, (procedure.code, published.fee_wording)
                assert terms.time_limit == published.time_limit


@pytest.mark.parametrize(
    ("fees", "asked_vnd"),
    [
        ((Fee("phi", 8_000, "lần"),), 8_000),
        ((Fee("phi", 8_000, "trang"),), None),
        ((Fee("phi", 8_000), Fee("le_phi", 9_000)), None),
        ((), None),
    ],
)
def test_a_fee_that_needs_a_count_or_a_choice_is_left_to_a_person(
    office: Any, fees: tuple[Fee, ...], asked_vnd: int | None
) -> None:
    terms = read_terms(Channel.COUNTER, "05 Ngày làm việc", "")
    changed = type(terms)(**{**terms.__dict__, "fees": fees, "fee_wording": repr(fees)})
    _keep(office, office.procedure(channels=(changed,)))
    with office.store.begin() as transaction:
        assert catalogue.terms(transaction, "9.000001", "counter").fee_vnd == asked_vnd == changed.fee_vnd


def test_one_new_publication_loaded_by_many_at_once_is_one_version(office: Any) -> None:
    with ThreadPoolExecutor(6) as pool:
        new = list(pool.map(lambda _: _keep(office, _dearer(office)), range(6)))
    assert sorted(new) == [False] * 5 + [True]
    assert office.sql("SELECT count(*) FROM procedure_channels c JOIN procedure_versions v ON v.id = c.version_id"
                      " WHERE v.version = 2")[0][0] == 2  # fmt: skip


def test_agencies_loaded_again_change_nothing_and_a_renamed_one_is_one_change(office: Any) -> None:
    agencies = list(reading.read_agencies())
    renamed = [Agency(**{**one.__dict__, "name": "Tên mới"}) if one.code == "H32.01" else one for one in agencies]
    with office.store.begin() as transaction:
        assert catalogue.keep_agencies(transaction, agencies) == 0
        assert catalogue.keep_agencies(transaction, renamed) == 1
        assert catalogue.agency_name(transaction, "H32.01", date(2026, 3, 4)) == "Tên mới"
        with pytest.raises(MalformedError, match="H99") as caught:
            catalogue.agency_name(transaction, "H99", date(2026, 3, 4))
    assert caught.value.reason == "unknown_agency"


def test_an_officer_is_booked_once(office: Any) -> None:
    def keep(title: str) -> int:
        with office.store.begin() as transaction:
            return catalogue.keep_officer(transaction, "H32.01", "Trần Văn Bình", title, "Phòng Một")

    with ThreadPoolExecutor(6) as pool:
        same = set(pool.map(keep, ["Chuyên viên"] * 6))
    assert len(same) == 1
    assert keep("Phó phòng") not in same


def test_swapped_days_make_the_calendar(office: Any) -> None:
    saturday = SwappedDay(date(2026, 3, 7), works=True)
    with office.store.begin() as transaction:
        assert not catalogue.working_calendar(transaction).is_working_day(saturday.on)
        catalogue.keep_swapped_days(transaction, [saturday, saturday])
        assert catalogue.working_calendar(transaction).is_working_day(saturday.on)


def test_the_nightly_load_does_not_undo_what_a_file_said(office: Any) -> None:
    shipped, dearer = office.procedure(), _dearer(office)
    assert not _keep(office, shipped, "shipped")
    assert _keep(office, dearer, "file")
    assert not _keep(office, shipped, "shipped"), "the same as it said before"
    assert not _keep(office, dearer, "file")
    versions = "SELECT count(*) FROM procedure_versions WHERE procedure_key = :key"
    assert office.sql(versions, key=shipped.key)[0][0] == 2


def test_an_agency_takes_in_dossiers_only_while_it_holds(office: Any) -> None:
    closed = next(one for one in reading.read_agencies() if one.valid_to is not None and one.successor)
    with office.store.begin() as transaction:
        assert catalogue.agency_name(transaction, closed.code, closed.valid_to) == closed.name
        with pytest.raises(MalformedError, match=closed.successor) as caught:
            catalogue.agency_name(transaction, closed.code, date(2026, 3, 4))
    assert caught.value.reason == "agency_closed"


def _keep(office: Any, procedure: Any, source: str = "shipped") -> bool:
    with office.store.begin() as transaction:
        return catalogue.keep_procedure(transaction, procedure, source=source)


def _dearer(office: Any) -> Any:
    terms = (
        read_terms(Channel.COUNTER, "10 Ngày làm việc", "Lệ phí: 70000 Đồng"),
        read_terms(Channel.ONLINE, "03 Ngày làm việc", "Lệ phí: 25000 Đồng"),
    )
    return office.procedure(channels=terms)
