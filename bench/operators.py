"""What operators ask, with five million kept exchanges: each question against a bare look-up by primary key.

`python -m bench.operators [EXCHANGES]` makes a store of its own, fills it, asks, and deletes it.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, text

from bench.figures import Figure, show
from truc import secrets_file, settings
from truc.exchange import set_aside
from truc.ground import postgres
from truc.operating import search
from truc.store import drawers
from truc.store.drawers import Drawer
from truc.store.migrate import upgrade
from truc.store.opened import Store, Transaction, open_hub_store

EXCHANGES = 5_000_000
MONTHS, OPEN, STOPPED = 24, 4_000, 1_000
ASKED, BAR_MS = 200, 50.0
LARGE = 50_000  # rows of a table that must not be read through
KEPT_MONTHS = 120
PARTY, OPERATION = "national_portal", "dossier"

# A message, its name, its bytes and its receipt in the journal, all of one month. One in ten came in.
_BODIES = """
    INSERT INTO kept_bodies (id, digest, content_type, sealed)
    SELECT (CAST(:bodies AS bigint) << 40) | one, repeat('a', 64), 'application/json', repeat('x', 200)::bytea
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS one
"""
_OUTBOX = """
    INSERT INTO outbox (drawer, id, place, party, operation, key, external_id, dossier_code, message_id, state,
        published_at, sending_at, finished_at, body_id)
    SELECT CAST(:drawer AS integer), one, one, (ARRAY['national_portal', 'momo', 'vnpost', 'sms'])[1 + one % 4],
        (ARRAY['dossier', 'payment', 'order', 'message'])[1 + one % 4], 'K' || one / 5, 'E' || one,
        'D' || one / 5, (CAST(:bodies AS bigint) << 40) | one, 'sent', CAST(:at AS timestamptz),
        CAST(:at AS timestamptz), CAST(:at AS timestamptz), (CAST(:bodies AS bigint) << 40) | one
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS one WHERE one % 10 <> 0
"""
_OUTBOX_NAMES = """
    INSERT INTO outbox_names (party, operation, external_id, outbox_id)
    SELECT party, operation, external_id, id FROM outbox WHERE drawer = :drawer
"""
_INBOX = """
    INSERT INTO inbox (drawer, id, party, kind, external_id, digest, body_id, received_at, state, booked_at)
    SELECT CAST(:drawer AS integer), one, 'momo', 'ipn', 'E' || one, repeat('a', 64),
        (CAST(:bodies AS bigint) << 40) | one, CAST(:at AS timestamptz), 'booked', CAST(:at AS timestamptz)
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS one WHERE one % 10 = 0
"""
_INBOX_NAMES = """
    INSERT INTO inbox_names (party, kind, external_id, digest, inbox_id)
    SELECT party, kind, external_id, digest, id FROM inbox WHERE drawer = :drawer
"""
_JOURNAL = """
    INSERT INTO journal (number, exchange_id, at, channel, key, external_id, outcome, handled_by, previous, hash)
    SELECT one, one, CAST(:at AS timestamptz), CASE WHEN one % 10 = 0 THEN 'momo/ipn/in' ELSE
        (ARRAY['national_portal/dossier', 'momo/payment', 'vnpost/order', 'sms/message'])[1 + one % 4] || '/out' END,
        'K' || one / 5, 'E' || one, 'sent', sha256('h'), sha256('p'), sha256(one::text::bytea)
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS one
"""
_PUBLISHED = """
    INSERT INTO outbox (id, place, party, operation, key, external_id, dossier_code, message_id, state, reason)
    SELECT one, one, (ARRAY['national_portal', 'momo', 'vnpost', 'sms'])[1 + one % 4],
        (ARRAY['dossier', 'payment', 'order', 'message'])[1 + one % 4], 'K' || one, 'E' || one, 'D' || one, 0,
        CASE WHEN one <= CAST(:stopped AS bigint) THEN 'set_aside' ELSE 'waiting' END,
        CASE WHEN one <= CAST(:stopped AS bigint) THEN 'reason_' || one % 7 END
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS one
"""
_ASIDE = """
    INSERT INTO set_aside (party, kind, outbox_id, item, reason, text, state)
    SELECT (ARRAY['national_portal', 'momo', 'vnpost', 'sms'])[1 + one % 4],
        (ARRAY['dossier', 'payment', 'order', 'message'])[1 + one % 4], one, 'E' || one, 'reason_' || one % 7, '',
        CASE WHEN one >= CAST(:first AS bigint) THEN 'open' ELSE 'resolved' END
    FROM generate_series(1, CAST(:stopped AS bigint)) AS one WHERE one >= CAST(:first AS bigint) OR one % 50 = 0
"""

Question = Callable[[Transaction, int], object]
QUESTIONS: dict[str, Question] = {
    "oldest waiting per party": lambda transaction, _: search.lines(transaction),
    "set-aside by reason": lambda transaction, number: set_aside.open_items(
        transaction, party="momo", reason=f"reason_{number % 7}", limit=50
    ),
    "search by dossier": lambda transaction, number: search.by_dossier(transaction, f"D{number // 5}"),
    "search by external id": lambda transaction, number: search.by_external_id(transaction, f"E{number}"),
    "show one": search.detail,
    "list (all counts)": lambda transaction, _: search.counts(transaction),
}


def run(exchanges: int = EXCHANGES) -> list[Figure]:
    """Return the median of each question against the floor's; fail when a large table is read through."""
    with tempfile.TemporaryDirectory() as folder, _store(Path(folder)) as store:
        begun = time.perf_counter()
        newest = _fill(store, exchanges)
        print(f"filled with {exchanges} exchanges in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        floor = statistics.median(_times_s(store, exchanges, _by_key(newest)))
        return [_figure(store, exchanges, name, question, floor) for name, question in QUESTIONS.items()]


def _figure(store: Store, exchanges: int, name: str, question: Question, floor_s: float) -> Figure:
    read_through = _read_through(store, exchanges, question)
    assert not read_through, f"{name}: sequential scans over {read_through}"
    taken = _times_s(store, exchanges, question)
    p95_ms = statistics.quantiles(taken, n=20)[-1] * 1000
    verdict = "within" if p95_ms <= BAR_MS else "OVER"
    note = f"p95 {p95_ms:.1f} ms, {verdict} {BAR_MS:.0f} ms; no sequential scan over a large table"
    return Figure(f"{name}, {exchanges} kept", statistics.median(taken), "one row by primary key", floor_s, note)


def _by_key(drawer: int) -> Question:
    query = text("SELECT * FROM outbox WHERE drawer = :drawer AND id = :id")
    return lambda transaction, number: transaction.sql.execute(query, {"drawer": drawer, "id": number}).all()


def _times_s(store: Store, exchanges: int, question: Question) -> list[float]:
    """Ask about random exchanges, each time in a transaction that is open already; the first ten are not counted."""
    numbers = random.Random(20_261_122)
    taken = []
    with store.begin() as transaction:
        _plan_anew(transaction)
        for _ in range(ASKED + 10):
            number = numbers.randint(1, exchanges)
            begun = time.perf_counter()
            question(transaction, number)
            taken.append(time.perf_counter() - begun)
    return taken[10:]


def _plan_anew(transaction: Transaction) -> None:
    """Have every statement planned each time, as it is for a person who types one command."""
    driver: Any = transaction.sql.connection.driver_connection
    driver.prepare_threshold = None


def _read_through(store: Store, exchanges: int, question: Question) -> set[str]:
    """Return the large tables that any of the question's statements reads from end to end."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    with store.begin() as transaction:
        event.listen(transaction.sql, "before_cursor_execute", note)
        question(transaction, exchanges // 2)
        event.remove(transaction.sql, "before_cursor_execute", note)
        sizes = {
            row.relname: row.reltuples
            for row in transaction.sql.execute(text("SELECT relname, reltuples FROM pg_class"))
        }
        plans = [
            transaction.sql.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
            for statement, parameters in asked
        ]
    scanned = {name for plan in plans for name in _sequential(plan if isinstance(plan, list) else json.loads(plan))}
    return {name for name in scanned if sizes.get(name, 0) > LARGE}


def _sequential(plan: Any) -> Iterator[str]:
    if isinstance(plan, list):
        for one in plan:
            yield from _sequential(one)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        for one in plan.values():
            yield from _sequential(one)


def _fill(store: Store, exchanges: int) -> int:
    """Fill the drawers of the last months in order, then the queue; return the newest month's drawer."""
    with store.begin() as transaction:
        transaction.sql.execute(text("SET LOCAL synchronous_commit = off"))
        today = transaction.sql.execute(text("SELECT (now() AT TIME ZONE 'UTC')::date")).scalar_one()
    newest = drawers.month_of(today)
    each = exchanges // MONTHS
    for place in range(MONTHS):
        month = newest - MONTHS + 1 + place
        _fill_month(store, month, place * each + 1, (place + 1) * each if place < MONTHS - 1 else exchanges)
    with store.begin() as transaction:
        first, stopped = exchanges + 1, exchanges + STOPPED
        values = {"first": first, "last": exchanges + OPEN, "stopped": stopped}
        transaction.sql.execute(text(_PUBLISHED), values)
        transaction.sql.execute(text(_ASIDE), {"first": first, "stopped": stopped})
        transaction.sql.execute(
            text("SELECT setval('exchange_seq', CAST(:last AS bigint))"), {"last": exchanges + OPEN}
        )
    with closing(store.engine.raw_connection()) as connection:  # no transaction: VACUUM takes none
        connection.cursor().execute("VACUUM (ANALYZE)")
    return Drawer(KEPT_MONTHS, newest).number


def _fill_month(store: Store, month: int, first: int, last: int) -> None:
    drawer = Drawer(KEPT_MONTHS, month)
    values = {
        "drawer": drawer.number,
        "bodies": drawer.number,
        "first": first,
        "last": last,
        "at": f"{2000 + month // 12}-{month % 12 + 1:02d}-15T03:00:00Z",
    }
    with store.begin() as transaction:
        transaction.sql.execute(text("SET LOCAL synchronous_commit = off"))
        for table in (*drawers.LISTS, drawers.BODIES):
            drawers.make_missing(transaction.sql, table, [drawer])
        for statement in (_BODIES, _OUTBOX, _OUTBOX_NAMES, _INBOX, _INBOX_NAMES, _JOURNAL):
            transaction.sql.execute(text(statement), values)


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    here = settings.load(folder / "hub", {})
    secrets_file.ensure(here.secrets)
    postgres.start(here)
    try:
        upgrade(here.database_url)
        store = open_hub_store(here)
        yield store
        store.close()
    finally:
        postgres.stop(here)
        postgres.remove(here)


if __name__ == "__main__":
    show(run(int(sys.argv[1]) if len(sys.argv) > 1 else EXCHANGES))
