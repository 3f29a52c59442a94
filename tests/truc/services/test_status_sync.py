"""A history that a party was not told is published to it once, in order, in pages that a crash does not repeat."""

import itertools
import json
import threading
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.truc.samples import wish as officers_wish
from truc.domain.status import Outcome, Status
from truc.errors import SetupError
from truc.exchange import bodies, bulk, outbox
from truc.exchange.bulk import Run
from truc.services import dossiers, status_sync
from truc.services.status_sync import Coverage
from truc.store import catalogue
from truc.store import dossiers as dossier_store

PORTAL = "national_portal"
MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
SINCE, UNTIL = MORNING - timedelta(days=1), MORNING + timedelta(days=30)
MOVES = (4, 5, 4, 9)


class Archive:
    """An office whose dossiers move with or without anybody being told, and a history that is published later."""

    def __init__(self, office: Any) -> None:
        self.office = office
        self.names = itertools.count(1)

    def told(self, code: str, status: int, hours: float) -> None:
        """Move a dossier as every day: its change is published at once."""
        with self.office.store.begin() as transaction:
            assert dossiers.change_status(transaction, officers_wish(code, status, hours)).outcome is Outcome.APPLIED

    def untold(self, code: str, status: int, hours: float) -> None:
        """Move a dossier in the store alone, as an import of old data does."""
        wish = officers_wish(code, status, hours)
        with self.office.store.begin() as transaction:
            agency = dossier_store.get_locked(transaction, code).agency_code
            officer = catalogue.keep_officer(
                transaction, agency, wish.officer_name, wish.officer_title, wish.department
            )
            moved = dossier_store.change_status(
                transaction,
                code,
                Status(status),
                wish.changed_at,
                officer_id=officer,
                note=wish.note,
                source="archive",
            )
        assert moved.outcome is Outcome.APPLIED

    def dossiers(self, count: int, move: Callable[[str, int, float], None]) -> list[str]:
        """Receive so many dossiers and take each through the same four moves, all in step with each other."""
        codes = [self.office.receive() for _ in range(count)]
        for hours, status in enumerate(MOVES, start=1):
            for code in codes:
                move(code, status, hours)
        return codes

    def publish(self, name: str = "", since: datetime = SINCE, until: datetime = UNTIL) -> Run:
        """Publish the history under the name, or a new one."""
        called = name or f"run {next(self.names)}"
        return status_sync.publish_history(self.office.store, PORTAL, since, until, name=called)

    def coverage(self) -> Coverage:
        with self.office.store.begin() as transaction:
            return status_sync.coverage(transaction, PORTAL, SINCE, UNTIL)

    def names_in_order(self) -> list[str]:
        """The external ids of the published changes, in the order they go out."""
        rows = self.office.sql("SELECT party, external_id FROM outbox WHERE operation = 'progress' ORDER BY place")
        assert {row.party for row in rows} <= {PORTAL}
        return [row.external_id for row in rows]

    def messages(self) -> dict[str, dict[str, Any]]:
        """External id → the canonical message of a published change."""
        rows = self.office.sql("SELECT external_id, message_id FROM outbox WHERE operation = 'progress'")
        with self.office.store.begin() as transaction:
            read = bodies.read_many(transaction, [row.message_id for row in rows], context=outbox.CONTEXT)
        return {row.external_id: json.loads(read[row.message_id]) for row in rows}


@pytest.fixture
def archive(office: Any) -> Archive:
    return Archive(office)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pages of seven rows; what they held is listed as they are committed or not."""
    monkeypatch.setattr(status_sync, "PAGE_ROWS", 7)
    publish, seen = outbox.publish_many, []

    def counted(transaction: Any, given: Any) -> int:
        if not given or given[0].only:  # a page, not the message of an every-day change
            seen.append(len(given))
        return publish(transaction, given)

    monkeypatch.setattr(outbox, "publish_many", counted)
    return seen


def test_a_history_nobody_was_told_is_published_in_the_order_it_happened(archive: Archive) -> None:
    codes = archive.dossiers(3, archive.untold)
    done = archive.publish()
    assert (done.published, done.already_there, done.overtaken) == (12, 0, 0)
    assert done.finished_at is not None
    assert archive.names_in_order() == [f"{code}/{number}" for number in (2, 3, 4, 5) for code in codes]


def test_what_is_published_later_reads_as_if_it_had_been_published_then(archive: Archive) -> None:
    now, later = (archive.office.receive() for _ in range(2))
    for hours, status in enumerate((4, 6, 9, 10), start=1):
        archive.told(now, status, hours)
        archive.untold(later, status, hours)
    archive.publish()
    messages = archive.messages()
    due_at = dict(archive.office.sql("SELECT code, due_at FROM dossiers"))
    for number in (2, 3, 4, 5):
        then, after = messages[f"{now}/{number}"], messages[f"{later}/{number}"]
        assert datetime.fromisoformat(after.pop("due_at")) == due_at[later]
        assert {**then, "dossier_code": later} == {**after, "due_at": then["due_at"]}


def test_what_was_published_when_it_happened_is_counted_and_not_published_again(archive: Archive) -> None:
    codes = archive.dossiers(2, archive.told)
    before = archive.names_in_order()
    archive.untold(archive.office.receive(), 4, 9)
    done = archive.publish()
    assert (done.published, done.already_there) == (1, 8)
    assert archive.names_in_order()[:-1] == before
    assert set(before) == {f"{code}/{number}" for code in codes for number in (2, 3, 4, 5)}


def test_a_second_run_of_another_name_publishes_nothing(archive: Archive) -> None:
    archive.dossiers(2, archive.untold)
    archive.publish()
    again = archive.publish()
    assert (again.published, again.already_there) == (0, 8)


def test_a_change_that_a_later_one_has_overtaken_is_left_out(archive: Archive) -> None:
    code = archive.office.receive()
    archive.untold(code, 4, 1)
    archive.untold(code, 5, 2)
    archive.told(code, 4, 3)
    archive.untold(code, 9, 4)
    done = archive.publish()
    assert (done.published, done.already_there, done.overtaken) == (1, 1, 2)
    assert archive.names_in_order() == [f"{code}/4", f"{code}/5"]


def test_a_reception_is_no_change_and_other_messages_are_left_alone(archive: Archive) -> None:
    archive.office.receive()
    assert archive.publish().published == 0
    assert [row.operation for row in archive.office.sql("SELECT operation FROM outbox")] == ["dossier"]


def test_a_dossier_of_the_portal_goes_under_its_portal_code(archive: Archive) -> None:
    code = archive.office.receive(portal_code="G22.99-1")
    archive.untold(code, 4, 1)
    archive.publish()
    assert archive.messages()[f"{code}/2"]["portal_code"] == "G22.99-1"


def test_the_period_has_its_first_instant_and_not_its_last(archive: Archive) -> None:
    code = archive.office.receive()
    for hours, status in enumerate(MOVES, start=1):
        archive.untold(code, status, hours)
    done = archive.publish(since=MORNING + timedelta(hours=2), until=MORNING + timedelta(hours=4))
    assert (done.published, archive.names_in_order()) == (2, [f"{code}/3", f"{code}/4"])


def test_changes_of_one_instant_lose_nothing_where_a_page_ends(archive: Archive, pages: list[int]) -> None:
    codes = [archive.office.receive() for _ in range(6)]
    for status in MOVES:
        for code in codes:
            archive.untold(code, status, 1)  # some one-stop software knows the day only
    assert archive.publish().published == 24
    assert pages == [7, 7, 7, 3, 0]
    for code in codes:
        assert [name for name in archive.names_in_order() if name.startswith(code)] == [
            f"{code}/{number}" for number in (2, 3, 4, 5)
        ]


@pytest.mark.parametrize("crash_at", [1, 2, 3, 4])
def test_a_crash_goes_on_at_its_page(
    archive: Archive, pages: list[int], monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    archive.dossiers(5, archive.untold)  # 20 changes: pages of 7, 7, 6 and an empty one
    publish = outbox.publish_many

    def crashing(transaction: Any, given: Any) -> int:
        count = publish(transaction, given)
        if len(pages) == crash_at:
            raise KeyboardInterrupt  # the page is written, its transaction is not committed
        return count

    monkeypatch.setattr(outbox, "publish_many", crashing)
    with pytest.raises(KeyboardInterrupt):
        archive.publish("nightly")
    committed = len(archive.names_in_order())
    assert committed == min(20, 7 * (crash_at - 1))

    monkeypatch.setattr(outbox, "publish_many", publish)
    read = sum(pages)
    done = archive.publish("nightly")
    assert (done.published, done.already_there) == (20, 0)
    assert sum(pages) - read == 20 - committed  # what was committed is not read again
    assert len(set(archive.names_in_order())) == len(archive.names_in_order()) == 20


def test_a_finished_run_is_a_no_op(archive: Archive, pages: list[int]) -> None:
    code = archive.office.receive()
    archive.untold(code, 4, 1)
    first = archive.publish("once")
    archive.untold(code, 9, 2)
    read = len(pages)
    assert archive.publish("once") == first
    assert len(pages) == read
    assert archive.publish("twice").published == 1


def test_two_at_once_under_one_name_share_the_work(archive: Archive, pages: list[int]) -> None:
    archive.dossiers(10, archive.untold)
    threads = [threading.Thread(target=archive.publish, args=("shared",)) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    done = archive.publish("shared")
    assert (done.published, done.already_there) == (40, 0)
    assert len(archive.names_in_order()) == 40


def test_a_name_belongs_to_one_period_and_party(archive: Archive) -> None:
    archive.publish("march")
    with pytest.raises(SetupError) as refused:
        archive.publish("march", until=UNTIL + timedelta(days=1))
    assert refused.value.reason == "name_taken"


def test_a_party_that_takes_no_status_is_named(archive: Archive) -> None:
    with pytest.raises(SetupError, match="sms takes no status changes"):
        status_sync.publish_history(archive.office.store, "sms", SINCE, UNTIL, name="sms")


def test_a_period_that_ends_before_it_begins_is_refused(archive: Archive) -> None:
    with pytest.raises(SetupError) as refused:
        archive.publish(since=UNTIL, until=SINCE)
    assert refused.value.reason == "empty_period"
    assert archive.office.sql("SELECT FROM bulk_runs") == []


def test_an_officer_who_moves_a_dossier_of_the_page_waits_for_its_commit(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = archive.office.receive()
    archive.untold(code, 4, 1)
    officer = threading.Thread(target=archive.told, args=(code, 9, 2))
    publish = outbox.publish_many

    def while_an_officer_works(transaction: Any, given: Any) -> int:
        if given and not officer.ident:
            officer.start()
            officer.join(0.5)
            assert officer.is_alive()  # held back: otherwise its change would get the earlier place
        return publish(transaction, given)

    monkeypatch.setattr(bulk.outbox, "publish_many", while_an_officer_works)
    archive.publish()
    officer.join()
    assert archive.names_in_order() == [f"{code}/2", f"{code}/3"]


def test_coverage_says_what_was_sent_what_is_open_and_what_was_never_told(archive: Archive) -> None:
    told, untold = archive.office.receive(), archive.office.receive()
    for hours, status in enumerate(MOVES, start=1):
        archive.told(told, status, hours)
        archive.untold(untold, status, hours)
    assert archive.coverage() == Coverage(changes=8, sent=0, open=4, given_up=0, untold=4)
    _finish(archive, f"{told}/2", "sent")
    _finish(archive, f"{told}/3", "sent")
    assert archive.coverage() == Coverage(changes=8, sent=2, open=2, given_up=0, untold=4)
    archive.publish()
    assert archive.coverage() == Coverage(changes=8, sent=2, open=6, given_up=0, untold=0)


def test_a_change_whose_correction_is_open_is_not_there_yet(archive: Archive) -> None:
    code = archive.office.receive()
    archive.told(code, 4, 1)
    archive.office.sql(
        "INSERT INTO outbox (id, place, party, operation, key, external_id, dossier_code, message_id, corrects)"
        " SELECT nextval('exchange_seq'), place, party, operation, key, external_id || '#1', dossier_code, message_id,"
        "  id FROM outbox WHERE operation = 'progress'"
    )
    _finish(archive, f"{code}/2", "superseded")
    assert archive.coverage() == Coverage(changes=1, sent=0, open=1, given_up=0, untold=0)
    _finish(archive, f"{code}/2#1", "sent")
    assert archive.coverage() == Coverage(changes=1, sent=1, open=0, given_up=0, untold=0)


def test_a_change_that_was_given_up_is_not_counted_as_sent(archive: Archive) -> None:
    code = archive.office.receive()
    archive.told(code, 4, 1)
    archive.office.sql(
        "INSERT INTO set_aside (party, kind, outbox_id, item, reason, text, state, resolved_how)"
        " SELECT party, operation, id, external_id, 'refused', '', 'resolved', 'dropped'"
        " FROM outbox WHERE operation = 'progress'"
    )
    _finish(archive, f"{code}/2", "superseded")
    assert archive.coverage() == Coverage(changes=1, sent=0, open=0, given_up=1, untold=0)


def test_memory_does_not_grow_with_the_history(archive: Archive, filled: Callable[[int], None]) -> None:
    filled(500)
    small = _peak_bytes(archive, 1_000)
    filled(9_000)
    large = _peak_bytes(archive, 18_000)
    assert large < 1.2 * small + 1_000_000


def test_the_history_is_read_by_its_index(archive: Archive, filled: Callable[[int], None]) -> None:
    filled(3_000)
    archive.office.sql("ANALYZE dossier_history")
    values = {"since_at": SINCE, "until_at": UNTIL, "reached_at": MORNING, "reached_id": 0, "most": 500}
    with archive.office.store.begin() as transaction:
        plan = "\n".join(transaction.sql.execute(text("EXPLAIN " + status_sync._PAGE), values).scalars())
    assert "ix_dossier_history_changed_at" in plan
    assert "Seq Scan" not in plan


@pytest.fixture
def filled(archive: Archive) -> Callable[[int], None]:
    """Make so many dossiers like the first one, with two untold moves each, in one statement a table."""

    def fill(count: int) -> None:
        pattern = archive.office.receive()
        archive.office.sql(
            "WITH made AS (INSERT INTO dossiers (code, source, source_reference, procedure_version_id, agency_code,"
            "  channel, applicant_id, received_at, fee_vnd, status, status_at, wants_postal_return, wants_sms)"
            " SELECT code || 'x' || n, source, source_reference || 'x' || n, procedure_version_id, agency_code,"
            "  channel, applicant_id, received_at, fee_vnd, 5, status_at, false, false"
            " FROM dossiers, generate_series(1, :count) AS n WHERE code = :pattern RETURNING code)"
            " INSERT INTO dossier_history (dossier_code, number, from_status, to_status, changed_at, note, source)"
            " SELECT code, number, from_status, to_status, CAST(:at AS timestamptz) + number * interval '1 hour', '',"
            "  'x' FROM made, (VALUES (1, NULL, 2), (2, 2, 4), (3, 4, 5)) AS move(number, from_status, to_status)",
            count=count,
            pattern=pattern,
            at=MORNING,
        )

    return fill


def _peak_bytes(archive: Archive, expected: int) -> int:
    tracemalloc.start()
    try:
        assert archive.publish().published == expected
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _finish(archive: Archive, external_id: str, state: str) -> None:
    archive.office.sql(
        "UPDATE outbox SET state = :state, drawer = drawer_of(120, now()), finished_at = now()"
        " WHERE external_id = :external_id",
        state=state,
        external_id=external_id,
    )
