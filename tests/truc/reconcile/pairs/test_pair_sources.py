"""The lists that the stores give: ours, what the portal confirmed, what the post said, and what comes of them."""

import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.truc.reconcile.pairs import pair_runs
from tests.truc.samples import MORNING
from tests.truc.samples import wish as officers_wish
from truc.domain.procedure import Channel
from truc.errors import SetupError
from truc.messages import ShipmentEvent
from truc.reconcile.files import Means
from truc.reconcile.pairs import sources as pair_sources
from truc.reconcile.pairs.files import pair_files
from truc.reconcile.pairs.sources import export
from truc.reconcile.specs import named_pair
from truc.services import dossiers, shipments
from truc.store.shipments import Cancel

DOSSIERS, PARCELS, PROCEDURES = (named_pair(name) for name in ("dossier_statuses", "shipments", "procedures"))
MEANS = Means(memory_mb=500)
SENT = "UPDATE outbox SET state = 'sent', finished_at = now(), drawer = drawer_of(120, now())"


@pytest.fixture
def lists(office: Any, tmp_path: Path) -> Any:
    """Export both sides of a spec, and read them."""
    paths = {"core": tmp_path / "core.parquet", "partner": tmp_path / "partner.parquet"}

    def read(spec: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        rows = export(office.store, spec, paths)
        told = [pq.read_table(path).to_pylist() for path in paths.values()]
        assert list(rows.values()) == [len(one) for one in told]
        return told[0], told[1]

    return read


def move(office: Any, code: str, *statuses: int) -> None:
    """Move a dossier, an hour for each step."""
    for hours, status in enumerate(statuses, start=1):
        with office.store.begin() as transaction:
            dossiers.change_status(transaction, officers_wish(code, status, hours))


def sent(office: Any, *names: str) -> None:
    """Let the portal have confirmed these messages."""
    office.sql(f"{SENT} WHERE party = 'national_portal' AND external_id = ANY(:names)", names=list(names))


def test_a_dossier_stands_here_where_it_is_and_there_where_it_was_confirmed(office: Any, lists: Any) -> None:
    code, late, untold = (office.receive() for _ in range(3))
    move(office, code, 4, 5, 4)
    move(office, late, 4, 9)
    sent(office, code, f"{code}/2", f"{code}/3", f"{code}/4", late, f"{late}/2")
    core, partner = lists(DOSSIERS)
    known = {one["dossier_code"]: one for one in core}
    assert set(known) == {code, late, untold}
    assert known[code] == {
        "dossier_code": code,
        "status": "4",
        "procedure_code": "9.000001",
        "agency": "H32.01",
        "changed_at": MORNING + timedelta(hours=3),
        "number": 4,
        "received_on": date(2026, 3, 4),
    }
    there = {one["dossier_code"]: (one["status"], one["number"], one["changed_at"]) for one in partner}
    assert there == {
        code: ("4", 4, MORNING + timedelta(hours=3)),
        late: ("4", 2, MORNING + timedelta(hours=1)),
    }


def test_what_is_open_corrected_or_given_up_was_not_confirmed(office: Any, lists: Any) -> None:
    code = office.receive()
    move(office, code, 4)
    assert lists(DOSSIERS)[1] == []
    sent(office, code)
    assert [one["status"] for one in lists(DOSSIERS)[1]] == ["2"]
    office.sql(
        "INSERT INTO outbox (id, place, party, operation, key, external_id, dossier_code, message_id, corrects)"
        " SELECT nextval('exchange_seq'), place, party, operation, key, external_id || '#1', dossier_code, message_id,"
        " id FROM outbox WHERE operation = 'progress'"
    )
    sent(office, f"{code}/2")
    assert [one["status"] for one in lists(DOSSIERS)[1]] == ["2"], "its correction is open"
    sent(office, f"{code}/2#1")
    assert [one["status"] for one in lists(DOSSIERS)[1]] == ["4"]
    office.sql(
        "INSERT INTO set_aside (party, kind, outbox_id, item, reason, text, state, resolved_how)"
        " SELECT party, operation, id, '', 'refused_by_partner', '', 'resolved', 'dropped'"
        " FROM outbox WHERE external_id = :name",
        name=f"{code}/2",
    )
    assert [one["status"] for one in lists(DOSSIERS)[1]] == ["2"]


def test_a_dossier_of_the_portal_has_its_number(office: Any, lists: Any) -> None:
    office.receive(source="national_portal", portal_code="000.00.18.H32-260304-0001")
    assert [one["dossier_code"] for one in lists(DOSSIERS)[0]] == ["000.00.18.H32-260304-0001"]


def test_the_day_of_a_dossier_is_vietnams(office: Any, lists: Any) -> None:
    office.receive(received_at=datetime(2026, 3, 4, 18, 0, tzinfo=UTC))
    assert [one["received_on"] for one in lists(DOSSIERS)[0]] == [date(2026, 3, 5)]


def test_the_stores_lists_go_straight_into_the_run(office: Any, lists: Any, tmp_path: Path) -> None:
    agreed, stale, missing = (office.receive() for _ in range(3))
    for code in (agreed, stale, missing):
        move(office, code, 4)
    sent(office, agreed, f"{agreed}/2", stale)
    lists(DOSSIERS)
    core, partner = tmp_path / "core.parquet", tmp_path / "partner.parquet"
    result = pair_files(DOSSIERS, core, partner, tmp_path / "out", MEANS, as_of=MORNING + timedelta(days=9))
    assert (result.owed, result.agreed) == (3, 1)
    told = pair_runs.read(tmp_path / "out")
    assert {one["dossier_code"]: one["break_class"] for one in told.breaks} == {
        missing: "missing_at_partner",
        stale: "stale",
    }
    assert [(one["agency"], one["month"], str(one["on_both_percent"])) for one in told.coverage] == [
        ("H32.01", "2026-03", "66.66")
    ]


def say(office: Any, code: str, word: Any, hours: int) -> None:
    """Let the post tell a step."""
    event = ShipmentEvent(
        event_id=f"{code}/{hours}",
        order_number=f"{code}-R1",
        tracking_code="",
        state=word,
        raw_status=word,
        occurred_at=MORNING + timedelta(hours=hours),
    )
    with office.store.begin() as transaction:
        shipments.hear(transaction, "vnpost", event)


def take_stock(office: Any, *names: str) -> None:
    """Let the post have taken these messages."""
    office.sql(f"{SENT} WHERE party = 'vnpost' AND external_id = ANY(:names)", names=list(names))
    with office.store.begin() as transaction:
        shipments.take_stock(transaction, "vnpost")


def test_a_parcel_stands_at_the_post_where_it_last_said(office: Any, lists: Any, tmp_path: Path) -> None:
    taken, moving, waiting = (office.receive(wants_postal_return=True) for _ in range(3))
    office.receive(channel=Channel.ONLINE, status=1, wants_postal_return=True)  # not ordered yet
    take_stock(office, f"{taken}-R1", f"{moving}-R1")
    say(office, moving, "delivered", 5)
    say(office, moving, "in_transit", 3)
    core, partner = lists(PARCELS)
    assert sorted((one["state"], one["fee_vnd"]) for one in core) == [
        ("created", 23_000),
        ("delivered", 23_000),
        ("ordered", 23_000),
        ("requested", 23_000),
    ]
    there = {one["order_number"]: (one["state"], one["requested_on"]) for one in partner}
    assert there == {f"{taken}-R1": ("ordered", date(2026, 3, 4)), f"{moving}-R1": ("delivered", date(2026, 3, 4))}
    assert f"{waiting}-R1" not in there
    assert "fee_vnd" not in partner[0]
    paths = tmp_path / "core.parquet", tmp_path / "partner.parquet"
    result = pair_files(PARCELS, *paths, tmp_path / "out", MEANS, as_of=MORNING + timedelta(days=9))
    assert (result.owed, result.agreed) == (2, 2)


def test_a_parcel_that_is_cancelled_is_so_at_the_post_once_it_agreed(office: Any, lists: Any) -> None:
    code = office.receive(wants_postal_return=True)
    take_stock(office, f"{code}-R1")
    say(office, code, "ordered", 1)
    with office.store.begin() as transaction:
        wish = Cancel(actor="Lan", reason="Nhận tại quầy", asked_at=MORNING + timedelta(hours=2))
        shipments.cancel(transaction, f"{code}-R1", wish)
    assert [[one["state"] for one in side] for side in lists(PARCELS)] == [["cancelling"], ["ordered"]]
    take_stock(office, f"{code}-R1/cancel")
    assert [[one["state"] for one in side] for side in lists(PARCELS)] == [["cancelled"], ["cancelled"]]


def test_a_procedure_is_told_as_it_was_published_last(office: Any, tmp_path: Path) -> None:
    from truc.store import catalogue

    with office.store.begin() as transaction:
        catalogue.keep_procedure(transaction, office.procedure(name="Cấp bản sao mới"), source="shipped")
    target = tmp_path / "core.parquet"
    rows = export(office.store, PROCEDURES, {"core": target})
    told = {one["procedure_code"]: one for one in pq.read_table(target).to_pylist()}
    assert len(told) == rows["core"] > 1
    assert told["9.000001"] == {
        "procedure_code": "9.000001",
        "name": "Cấp bản sao mới",
        "field_code": "Z99-TEST",
        "agency": "Sở thử nghiệm",
    }


def test_a_list_that_no_store_knows_is_asked_for_as_a_file(office: Any, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="procedures") as caught:
        export(office.store, PROCEDURES, {"partner": tmp_path / "partner.parquet"})
    assert caught.value.reason == "no_source"


def test_a_long_list_is_written_in_batches(office: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_sources, "ROWS_AT_ONCE", 500)
    office.sql(
        "INSERT INTO dossiers (code, source, source_reference, procedure_version_id, agency_code, channel,"
        " applicant_id, received_at, fee_vnd, status, status_at, wants_postal_return, wants_sms)"
        " SELECT code || '/' || n, source, n, procedure_version_id, agency_code, channel, applicant_id, received_at,"
        " fee_vnd, status, status_at, false, false FROM dossiers, generate_series(1, 20000) AS n WHERE code = :code",
        code=office.receive(),
    )
    target = tmp_path / "core.parquet"
    tracemalloc.start()
    try:
        assert export(office.store, DOSSIERS, {"core": target}) == {"core": 20_001}
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pq.read_metadata(target).num_row_groups == 41
    assert highest < 8_000_000, f"{highest:,} bytes of Python objects for 20,001 rows"
