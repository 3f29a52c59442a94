"""Transactions: whole or not at all, over kept connections that may have been cut meanwhile."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from truc.store.opened import lock_each

COUNT = text("SELECT count(*) FROM maintenance")
ADD = text("INSERT INTO maintenance (party, from_at, reason) VALUES ('x', now(), 'why')")


def test_a_transaction_happens_wholly_or_not_at_all(empty_store):
    def half(transaction):
        transaction.sql.execute(ADD)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        empty_store.run(half)
    with empty_store.begin() as transaction:
        assert transaction.sql.execute(COUNT).scalar_one() == 0
        transaction.sql.execute(ADD)
        assert _seen_elsewhere(empty_store) == 0
    assert _seen_elsewhere(empty_store) == 1


def test_cut_connections_do_not_cost_the_next_transaction(empty_store):
    kept = [empty_store.begin() for _ in range(3)]
    for one in kept:
        one.__enter__().sql.execute(COUNT)
    for one in kept:
        one.__exit__(None, None, None)
    assert _cut(empty_store) == 3
    for _ in range(3):
        with empty_store.begin() as transaction:
            transaction.sql.execute(ADD)
    assert _seen_elsewhere(empty_store) == 3


def test_a_connection_closed_on_our_side_is_replaced_too(empty_store):
    with empty_store.begin() as transaction:
        driver = transaction.sql.connection.driver_connection
    driver.close()
    with empty_store.begin() as transaction:
        transaction.sql.execute(ADD)
    assert _seen_elsewhere(empty_store) == 1


def test_a_connection_cut_within_a_transaction_is_an_error(empty_store):
    def cut(transaction):
        transaction.sql.execute(ADD)
        _cut(empty_store)
        transaction.sql.execute(ADD)

    with pytest.raises(OperationalError):
        empty_store.run(cut)
    assert _seen_elsewhere(empty_store) == 0


def test_a_database_that_is_away_is_an_error_and_no_endless_question(empty_store):
    with empty_store.begin() as transaction:
        transaction.sql.execute(COUNT)
    name = empty_store.engine.url.database
    _admin(empty_store, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        _cut(empty_store)
        with pytest.raises(OperationalError), empty_store.begin():
            pass
    finally:
        _admin(empty_store, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def _seen_elsewhere(store):
    with psycopg.connect(store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as other:
        return other.execute(str(COUNT)).fetchone()[0]


def _cut(store):
    """End every connection of the store's pool and return how many there were."""
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    return _admin(store, cut, store.engine.url.database)[0][0]


def _admin(store, command, *values):
    url = store.engine.url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        done = connection.execute(command, values)
        return list(done) if done.description else []


def test_statements_sent_together_run_in_order_each_on_what_the_one_before_did(empty_store):
    made = (text("CREATE TEMPORARY TABLE seen (number integer, word text) ON COMMIT DROP"), {})
    kept = (text("INSERT INTO seen VALUES (:number, :word)"), {"number": 1, "word": "a"})
    asked = (text("SELECT number, word FROM seen WHERE number = ANY(CAST(:numbers AS int[]))"), {"numbers": [1, 2]})
    with empty_store.begin() as transaction:
        nothing, none, found = transaction.together(made, kept, asked)
    assert (nothing, none) == ([], [])
    assert [(row.number, row.word) for row in found] == [(1, "a")]


def test_one_that_fails_is_sqlalchemys_error_and_undoes_the_rest(empty_store):
    kept = (text("INSERT INTO couriers VALUES (:worker, 'momo', 1, now())"), {"worker": "w"})
    with pytest.raises(IntegrityError) as caught, empty_store.begin() as transaction:
        transaction.together(kept, kept)
    assert isinstance(caught.value.orig, psycopg.errors.UniqueViolation)
    with empty_store.begin() as transaction:
        assert transaction.together((text("SELECT count(*) AS times FROM couriers"), {}))[0][0].times == 0


def test_a_connection_cut_before_statements_sent_together_is_an_operational_error(empty_store):
    with pytest.raises(OperationalError):
        _cut_within(empty_store)
    with empty_store.begin() as transaction:
        assert transaction.sql.execute(text("SELECT 1")).scalar() == 1


def _cut_within(store):
    with store.begin() as transaction:
        pid = transaction.together((text("SELECT pg_backend_pid() AS pid"), {}))[0][0].pid
        with store.begin() as other:
            other.sql.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        transaction.together((text("SELECT 1"), {}))


def test_names_locked_together_are_those_that_are_locked_singly(empty_store):
    with empty_store.begin() as one, empty_store.begin() as other:
        one.together(lock_each([("inbox", "momo", "A"), ("inbox", "momo", "B")]))
        held = other.sql.execute(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")).scalar()
        other.sql.execute(text("SET LOCAL lock_timeout = '100ms'"))
        with pytest.raises(OperationalError) as caught:
            other.lock("inbox", "momo", "B")
    assert held == 2
    assert isinstance(caught.value.orig, psycopg.errors.LockNotAvailable)
