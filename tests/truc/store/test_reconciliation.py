"""Versions of a day on a real store: kept once, and conserving; breaks live on over versions and days."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError

from tests.truc.conftest import rows_of, spare_the_disk
from tests.truc.reconcile.runs import DAY, HOA, MINH, NEXT_DAY, broken, item, keep, matched, name, run_of, totals_of
from tests.truc.store.test_migrations import bare, engine  # noqa: F401  (fixtures: a database with nothing in it)
from truc.errors import MalformedError
from truc.reconcile.work import breaks as work
from truc.store import breaks as break_store
from truc.store import reconciliation
from truc.store.migrate import config, upgrade
from truc.store.opened import Store
from truc.store.reconciliation import Total, keep_run
from truc.store.tables.breaks import BREAK_EVENTS, BREAK_ITEMS
from truc.store.tables.reconciliation import RECONCILIATION_TOTALS


@pytest.fixture
def store(empty_store: Store) -> Store:
    spare_the_disk(empty_store)
    return empty_store


def events(store: Store, short: str) -> list[tuple[str, str]]:
    with store.begin() as transaction:
        query = select(BREAK_EVENTS).where(BREAK_EVENTS.c.break_id == name(short)).order_by(BREAK_EVENTS.c.number)
        return [(row.action, row.to_state) for row in transaction.sql.execute(query)]


def account(store: Store, run_id: int) -> dict[tuple[str, str], tuple[int, int]]:
    with store.begin() as transaction:
        query = select(RECONCILIATION_TOTALS).where(RECONCILIATION_TOTALS.c.run_id == run_id)
        return {(row.side, row.what): (row.rows, row.vnd) for row in transaction.sql.execute(query)}


def resolve(store: Store, short: str) -> None:
    with store.begin() as transaction:
        work.propose(transaction, name(short), by=HOA, proposal="write_off", reason_code="other", remark="small")
    with store.begin() as transaction:
        work.approve(transaction, name(short), by=MINH)


def test_a_run_is_a_version_with_its_rows_its_account_and_its_breaks(store):
    kept = keep(
        store,
        "a",
        matches=[matched("P1"), matched("P2", 70_000)],
        breaks=[broken("b1"), broken("b2", "missing_in_core", 9)],
    )
    assert (kept.version, kept.new, kept.opened, kept.resolved) == (1, True, 2, 0)
    with store.begin() as transaction:
        run = reconciliation.newest_run(transaction, "momo", DAY)
        assert (run.core_count, run.core_vnd, run.partner_count, run.partner_vnd) == (3, 170_000, 3, 120_009)
        assert (run.matched_count, run.matched_vnd) == (2, 120_000)
        assert [one["our_reference"] for one in reconciliation.matches_of(transaction, run.id)] == ["P1", "P2"]
        assert [one["break_id"] for one in reconciliation.breaks_of(transaction, run.id)] == [name("b1"), name("b2")]
        assert reconciliation.result_digest(transaction, run.id) == run.result_digest
    assert account(store, kept.run_id) == {
        ("core", "new"): (3, 170_000),
        ("core", "matched"): (2, 120_000),
        ("core", "missing_at_partner"): (1, 50_000),
        ("core", "missing_in_core"): (0, 0),
        ("core", "written_off"): (0, 0),
        ("core", "carried_out"): (1, 50_000),
        ("partner", "new"): (3, 120_009),
        ("partner", "matched"): (2, 120_000),
        ("partner", "missing_at_partner"): (0, 0),
        ("partner", "missing_in_core"): (1, 9),
        ("partner", "written_off"): (0, 0),
        ("partner", "carried_out"): (1, 9),
    }
    assert events(store, "b1") == [("opened", "open")]
    assert (item(store, "b1").at_risk_vnd, item(store, "b2").at_risk_vnd) == (50_000, 9)


def test_the_same_inputs_and_rules_are_the_same_run(store):
    first = keep(store, "a", breaks=[broken("b1")])
    again = keep(store, "a", breaks=[broken("b1")])
    assert (again.run_id, again.version, again.new) == (first.run_id, 1, False)
    assert events(store, "b1") == [("opened", "open")]
    assert keep(store, "a", breaks=[broken("b1")], spec_digest="6" * 64).version == 2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda totals: [replace(one, rows=one.rows + 1) if one.side == "core" else one for one in totals],
        lambda totals: [replace(one, vnd=one.vnd - 1) if one.side == "partner" else one for one in totals],
        lambda totals: [one for one in totals if one.side == "core"],
        lambda totals: [*totals, Total(leg="statement", side="core", what="no_money", rows=1, vnd=0)],
        lambda totals: [*totals, Total(leg="statement", side="core", what="matched", rows=1, vnd=1)],
        lambda totals: [*totals, Total(leg="statement", side="core", what="timing", rows=1, vnd=50_000)],
        lambda totals: [*totals, Total(leg="receipts", side="core", what="new", rows=1, vnd=50_000)],
    ],
)
def test_what_does_not_conserve_in_rows_or_in_dong_is_refused_with_its_figures(store, wrong):
    rows = ([matched("P1")], [broken("b1", "amount_differs", partner_rows=1, partner_money_vnd=40_000)])
    totals = totals_of([*rows[0], *rows[1]])
    with pytest.raises(AssertionError, match=r"momo 2026-11-20 .*\d+ rows, -?\d+ đ"), store.begin() as transaction:
        keep_run(transaction, run_of("a"), *rows, wrong(totals))
    assert rows_of(store, "SELECT id FROM reconciliation_runs") == []
    with store.begin() as transaction:
        assert keep_run(transaction, run_of("a"), *rows, totals).new


def test_legs_of_the_statement_share_an_account_and_receipts_have_their_own(store):
    rows = [
        matched("P1"),
        matched("S1", leg="settlement", core_rows=0, core_money_vnd=0, core_vnd=49_000, partner_money_vnd=49_000),
        matched("P1", leg="receipts"),
    ]
    kept = keep(store, "a", matches=rows)
    with store.begin() as transaction:
        query = select(RECONCILIATION_TOTALS).where(RECONCILIATION_TOTALS.c.run_id == kept.run_id)
        found = {(row.leg, row.side, row.what): (row.rows, row.vnd) for row in transaction.sql.execute(query)}
    assert found["statement", "partner", "matched"] == (2, 99_000)
    assert found["receipts", "core", "new"] == (1, 50_000)


def test_a_break_that_still_stands_keeps_its_life_and_one_that_does_not_is_resolved_by_the_run(store):
    keep(store, "a", breaks=[broken("b1"), broken("b2"), broken("b3")])
    with store.begin() as transaction:
        work.assign(transaction, [name("b1")], to="lan", by=HOA)
    second = keep(store, "b", matches=[matched("P-b2")], breaks=[broken("b1"), broken("b4"), broken("b3")])
    assert (second.version, second.opened, second.resolved) == (2, 1, 1)
    assert (item(store, "b1").state, item(store, "b1").assignee, item(store, "b1").last_run_id) == (
        "assigned",
        "lan",
        second.run_id,
    )
    with store.begin() as transaction:  # that it stands in a newer run is no change that a step must tell
        assert break_store.changed_otherwise(transaction, [name(f"b{number}") for number in range(1, 5)]) == []
    gone = item(store, "b2")
    assert (gone.state, gone.resolution, gone.resolved_by_run) == ("resolved", "no_longer_found", second.run_id)
    assert events(store, "b2") == [("opened", "open"), ("no_longer_found", "resolved")]


def test_a_version_in_which_it_stands_again_opens_it_again(store):
    keep(store, "a", breaks=[broken("b1")])
    keep(store, "b", matches=[matched("P-b1")])
    third = keep(store, "c", breaks=[broken("b1")])
    assert (third.reopened, item(store, "b1").state, item(store, "b1").resolution) == (1, "open", "")
    assert [action for action, _ in events(store, "b1")] == ["opened", "no_longer_found", "reopened"]


def test_what_people_resolved_is_written_off_in_the_next_version_and_stays_resolved(store):
    keep(store, "a", breaks=[broken("b1"), broken("b2", vnd=7)])
    resolve(store, "b1")
    second = keep(store, "b", breaks=[broken("b1"), broken("b2", vnd=7)])
    assert item(store, "b1").state == "resolved"
    found = account(store, second.run_id)
    assert (found["core", "written_off"], found["core", "carried_out"]) == ((1, 50_000), (1, 7))


def test_what_is_carried_in_is_matched_later_or_goes_on(store):
    keep(store, "a", breaks=[broken("b1"), broken("b2"), broken("b3")])
    resolve(store, "b3")
    with store.begin() as transaction:
        carried = {row.break_id for row in reconciliation.carried_into(transaction, "momo", NEXT_DAY)}
        assert [row.our_reference for row in reconciliation.carried_into(transaction, "momo", NEXT_DAY)] == [
            "P-b1",
            "P-b2",
        ]
        assert reconciliation.carried_into(transaction, "momo", DAY) == []
        assert reconciliation.carried_into(transaction, "vnpay", NEXT_DAY) == []
    next_day = {"business_on": NEXT_DAY, "carried_in": frozenset(carried)}
    second = keep(store, "b", matches=[matched("P-b1")], breaks=[broken("b2")], **next_day)
    assert second.version == 1
    later = item(store, "b1")
    assert (later.state, later.resolution, later.resolved_by_run) == ("resolved", "matched_later", second.run_id)
    assert (item(store, "b2").state, item(store, "b2").last_run_id) == ("open", second.run_id)
    assert item(store, "b2").business_on == DAY
    found = account(store, second.run_id)
    assert (found["core", "carried_in"], found["core", "carried_out"]) == ((1, 50_000), (1, 50_000))


def test_only_a_known_break_is_carried_in(store):
    with pytest.raises(MalformedError, match="no break"):
        keep(store, "a", carried_in=frozenset({name("b1")}))


def test_of_two_runs_of_the_same_inputs_at_once_one_is_kept(store):
    with ThreadPoolExecutor(2) as pool:
        kept = list(pool.map(lambda _: keep(store, "a", matches=[matched("P1")], breaks=[broken("b1")]), range(2)))
    assert sorted((one.version, one.new) for one in kept) == [(1, False), (1, True)]
    assert events(store, "b1") == [("opened", "open")]


def test_the_next_version_of_a_day_carries_in_what_the_one_before_did(store):
    keep(store, "a", breaks=[broken("b1"), broken("b2")])
    both = frozenset({name("b1"), name("b2")})
    keep(store, "b", matches=[matched("P-b1")], breaks=[broken("b2")], business_on=NEXT_DAY, carried_in=both)
    resolve(store, "b2")
    with store.begin() as transaction:
        again = {row.break_id for row in reconciliation.carried_into(transaction, "momo", NEXT_DAY)}
    assert again == both
    third = keep(store, "c", breaks=[broken("b1"), broken("b2")], business_on=NEXT_DAY, carried_in=both)
    assert (third.reopened, item(store, "b1").state, item(store, "b2").state) == (1, "open", "resolved")


def test_a_late_version_of_an_earlier_day_does_not_undo_what_a_later_day_found(store):
    keep(store, "a", breaks=[broken("b1"), broken("b2")])
    carried = frozenset({name("b1"), name("b2")})
    later = keep(store, "b", matches=[matched("P-b1")], breaks=[broken("b2")], business_on=NEXT_DAY, carried_in=carried)
    late = keep(store, "c", breaks=[broken("b1"), broken("b2")])
    assert (late.version, late.reopened) == (2, 0)
    assert (item(store, "b1").state, item(store, "b1").resolution) == ("resolved", "matched_later")
    assert item(store, "b2").last_run_id == later.run_id


def test_another_occurrence_of_what_was_resolved_is_open(store):
    unreadable = broken("b1", "unreadable", business_on=None)
    keep(store, "a", breaks=[unreadable])
    resolve(store, "b1")
    second = keep(store, "b", breaks=[unreadable], business_on=NEXT_DAY)
    assert (second.reopened, item(store, "b1").state) == (1, "open")


def test_a_difference_that_a_new_version_restates_is_told(store):
    fee = broken("b1", "fee_differs", partner_rows=1, partner_vnd=50_000, partner_money_vnd=50_000, difference_vnd=-100)
    keep(store, "a", breaks=[fee])
    assert item(store, "b1").at_risk_vnd == 100
    keep(store, "b", breaks=[fee | {"difference_vnd": -300}])
    assert item(store, "b1").at_risk_vnd == 300
    assert events(store, "b1") == [("opened", "open"), ("restated", "open")]


def test_a_break_without_a_difference_risks_the_greater_of_its_sides(store):
    both = {
        "core_vnd": 5,
        "partner_vnd": 5,
        "difference_vnd": 0,
        "partner_rows": 1,
        "partner_money_vnd": 5,
        "core_money_vnd": 5,
    }
    keep(store, "a", breaks=[broken("b1", "timing", **both)])
    assert item(store, "b1").at_risk_vnd == 5


@pytest.mark.parametrize(
    "table",
    [
        "reconciliation_runs",
        "reconciliation_totals",
        "reconciliation_matches",
        "reconciliation_breaks",
        "break_events",
    ],
)
def test_what_a_run_wrote_is_only_ever_added_to(store, table):
    keep(store, "a", matches=[matched("P1")], breaks=[broken("b1")])
    column = "digest" if table == "break_events" else "engine" if table == "reconciliation_runs" else "leg"
    for change in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):  # noqa: S608  (our tables)
        with pytest.raises(DBAPIError, match="only ever added to"):
            rows_of(store, change)


def test_a_break_is_never_deleted(store):
    keep(store, "a", breaks=[broken("b1")])
    with pytest.raises(DBAPIError, match="only ever added to"):
        rows_of(store, "DELETE FROM break_items")


TAMPER = {
    "text": "UPDATE break_events SET remark = 'nothing happened' WHERE number = 2",
    "gap": "DELETE FROM break_events WHERE number = 2",
    "actor": "UPDATE break_events SET actor = 'nobody' WHERE number = 3",
}


@pytest.mark.parametrize(("how", "at"), [("text", 2), ("gap", 2), ("actor", 3)])
def test_a_changed_event_breaks_the_chain_where_it_stood(store, how, at):
    keep(store, "a", breaks=[broken("b1"), broken("b2"), broken("b3")])
    with store.begin() as transaction:
        assert break_store.verify_chain(transaction) == break_store.Chain(3, None)
        transaction.sql.execute(text("SET LOCAL session_replication_role = replica"))  # as who owns the database can
        transaction.sql.execute(text(TAMPER[how]))
        assert break_store.verify_chain(transaction) == break_store.Chain(at - 1, at)


def test_a_row_that_no_step_changed_is_found(store):
    keep(store, "a", breaks=[broken("b1"), broken("b2")])
    both = [name("b1"), name("b2")]
    with store.begin() as transaction:
        assert break_store.changed_otherwise(transaction, both) == []
        transaction.sql.execute(text("UPDATE break_items SET at_risk_vnd = 1 WHERE break_id = :id"), {"id": name("b2")})
        assert break_store.changed_otherwise(transaction, both) == [name("b2")]


# A day as the eleventh migration left it: one payment and its line, one that the statement had not.
OLD_DAY = """
    ALTER TABLE payments DROP CONSTRAINT fk_payments_dossier_code;
    INSERT INTO payments (our_reference, source, source_reference, dossier_code, party, amount_vnd, state,
        partner_reference, requested_at, paid_at, business_on, collected_for)
    SELECT 'P' || n, 's', n::text, 'D', 'momo', n * 1000, 'paid', 'T' || n, now(), now(), '2026-03-04', 'H32.01'
    FROM generate_series(1, 2) AS n;
    INSERT INTO statements (party, business_on, version, digest, inbox_id, count, amount_vnd)
    VALUES ('momo', '2026-03-04', 1, repeat('6', 64), 3, 1, 1000);
    INSERT INTO reconciliation_runs (party, business_on, version, statement_id, input_digest, core_count, core_vnd,
        partner_count, partner_vnd, matched_count, matched_vnd)
    VALUES ('momo', '2026-03-04', 1, 1, repeat('7', 64), 2, 3000, 1, 1000, 1, 1000);
    INSERT INTO reconciliation_matches VALUES (1, 1, 1, 'our_reference');
    INSERT INTO reconciliation_breaks (run_id, break_id, break_class, our_reference, partner_reference, core_vnd,
        partner_vnd, difference_vnd, payment_id, rule)
    VALUES (1, repeat('a', 16), 'missing_at_partner', 'P2', 'T2', 2000, 0, 2000, 2, 'none');
"""


def test_the_migration_carries_old_days_over_and_goes_back_with_them(bare: str, engine: Engine) -> None:  # noqa: F811
    with engine.begin() as connection:
        command.upgrade(config(connection), "0011")
        connection.execute(text(OLD_DAY))
    upgrade(bare)
    with engine.begin() as connection:
        [match] = connection.execute(text("SELECT * FROM reconciliation_matches")).all()
        assert (match.party, match.our_reference, match.partner_reference, match.leg) == (
            "momo",
            "P1",
            "T1",
            "statement",
        )
        assert (match.core_vnd, match.partner_vnd, match.core_money_vnd, match.core_rows) == (1000, 1000, 1000, 1)
        [found] = connection.execute(text("SELECT * FROM reconciliation_breaks")).all()
        assert (found.party, found.core_rows, found.partner_rows, found.core_money_vnd) == ("momo", 1, 0, 2000)
        totals = connection.execute(text("SELECT side, what, rows, vnd FROM reconciliation_totals")).all()
        assert {tuple(one) for one in totals} == {
            ("core", "new", 2, 3000),
            ("core", "matched", 1, 1000),
            ("partner", "new", 1, 1000),
            ("partner", "matched", 1, 1000),
        }
    with engine.begin() as connection:
        command.downgrade(config(connection), "0011")
        assert connection.execute(
            text("SELECT run_id, payment_id, line_no, rule FROM reconciliation_matches")
        ).all() == [(1, 1, 1, "our_reference")]


def test_days_in_the_new_form_do_not_go_back(bare: str) -> None:  # noqa: F811
    upgrade(bare)
    opened: Any = create_engine(bare)
    with opened.begin() as connection:
        insert = """INSERT INTO reconciliation_runs (party, business_on, version, input_digest, core_count, core_vnd,
            partner_count, partner_vnd, matched_count, matched_vnd, result_digest)
            VALUES ('momo', '2026-03-04', 1, '7', 0, 0, 0, 0, 0, 0, '8')"""
        connection.execute(text(insert))
    with pytest.raises(DBAPIError, match="restore a backup"), opened.begin() as connection:
        command.downgrade(config(connection), "0011")
    opened.dispose()


def test_two_people_are_two_people_in_the_database_too(store):
    keep(store, "a", breaks=[broken("b1")])
    same = """UPDATE break_items SET state = 'resolved', proposal = 'accept', proposed_by = 'hoa', proposed_at = now(),
        approved_by = 'hoa', approved_at = now(), resolved_at = now(), resolution = 'accept'"""
    with pytest.raises(DBAPIError, match="second_person"):
        rows_of(store, same)
    with pytest.raises(DBAPIError, match="resolved"):
        rows_of(store, "UPDATE break_items SET state = 'resolved', resolved_at = now(), resolution = 'accept'")


def test_a_refused_step_leaves_no_trace(store):
    keep(store, "a", breaks=[broken("b1")])
    with pytest.raises(MalformedError), store.begin() as transaction:
        work.assign(transaction, [name("b1"), name("none")], to="lan", by=HOA)
    with store.begin() as transaction:
        assert transaction.sql.execute(select(BREAK_ITEMS.c.assignee)).scalars().all() == [""]
    assert events(store, "b1") == [("opened", "open")]
