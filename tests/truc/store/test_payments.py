"""However many payments are paid, what runs every minute looks at the open ones alone."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import event

from truc import parties
from truc.exchange.inbox import Origin
from truc.messages import Statement
from truc.services import asking, notice_daily, statement_words
from truc.store import payments, refunds
from truc.store.opened import Store

OPEN = 20  # of each party
# Each five hundredth payment is open; the others are paid, and given back.
FILLED = """
    INSERT INTO payments (our_reference, source, source_reference, party, amount_vnd, state, partner_reference,
        requested_at, paid_at, business_on, obligation_code, collected_for)
    SELECT party || n, 's', party || n, party, 50000, CASE WHEN open THEN 'pending' ELSE 'paid' END, 'T' || n, now(),
        CASE WHEN NOT open THEN now() END, CASE WHEN NOT open THEN date '2026-03-04' END, 'O', 'H32'
    FROM generate_series(1, 10000) AS n, LATERAL (SELECT mod(n, 500) = 0) AS made(open),
        (VALUES ('momo'), ('vietinbank')) AS at(party);
    INSERT INTO refunds (refund_reference, source, source_reference, payment_id, amount_vnd, state, actor, reason,
        requested_at)
    SELECT 'R' || id, 's', id::text, id, 50000, 'refunded', 'a', 'r', now() FROM payments WHERE state = 'paid';
"""


@pytest.fixture
def full(empty_store: Store) -> Store:
    """A store with twenty thousand payments."""
    with empty_store.begin() as transaction:
        transaction.sql.exec_driver_sql(FILLED)
    with closing(empty_store.engine.raw_connection()) as connection:  # no transaction: VACUUM takes none
        connection.cursor().execute("VACUUM ANALYZE payments, refunds")
    return empty_store


@contextmanager
def heard(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Collect every statement about payments, with its values, that goes to the database meanwhile."""
    told: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "FROM payments" in statement or "JOIN payments" in statement:
            told.append((statement, values))

    event.listen(store.engine, "before_cursor_execute", listen)
    yield told
    event.remove(store.engine, "before_cursor_execute", listen)


def _statement(store: Store) -> None:
    said = Statement(business_on=date(2026, 3, 4), lines=(), count_declared=0, amount_declared_vnd=0)
    with store.begin() as transaction:
        statement_words.hear(transaction, "vietinbank", said, Origin(1, "vietinbank", "statement", "0" * 64))


def _claims(store: Store) -> None:
    with store.begin() as transaction:
        payments.claim_due(transaction, "momo", most=4, lease_s=9)
        refunds.claim_due(transaction, "momo", most=4, lease_s=9)


RUNS: dict[str, tuple[Callable[[Store], object], int]] = {
    "take_stock": (lambda store: asking.take_stock(store, "momo"), 5),
    "claim": (_claims, 2),
    "statement": (_statement, 2),
    "daily": (
        lambda store: notice_daily.remind(store, datetime.now(UTC).date()),
        sum(one.payments is not None for one in parties.manifests()),
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_reads_no_payment_that_has_its_end(full: Store, name: str) -> None:
    run, least = RUNS[name]
    with heard(full) as told:
        run(full)
    assert len(told) >= least
    with full.begin() as transaction:
        for statement, values in told:
            [plans] = transaction.sql.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).scalars()
            assert _payments_read(plans[0]["Plan"]) <= OPEN, plans


def _payments_read(plan: dict[str, Any]) -> int:
    """Count the rows of payments that a plan looked at, whether it kept them or not."""
    here = 0
    if plan.get("Relation Name") == "payments" and plan["Node Type"] != "ModifyTable":
        looked = (plan.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter"))
        here = int(sum(looked) * plan["Actual Loops"])
    return here + sum(map(_payments_read, plan.get("Plans", [])))
